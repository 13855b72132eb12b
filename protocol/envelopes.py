"""Seal and open signed envelopes: DSSE v1 with one Ed25519 signature over canonical JSON."""

import base64
import binascii
from typing import TypeVar

from protocol import canonical
from protocol.fingerprints import key_id
from protocol.keys import BadSignature, SigningKey, verify
from schemas.envelopes import Envelope, Signature

T = TypeVar("T")


class BadEnvelope(ValueError):
    """The envelope is not what it should be; nothing in it may be believed."""


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes that are signed: the pre-authentication encoding of DSSE v1, protocol.md."""
    type_bytes = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(type_bytes), type_bytes, len(payload), payload)


def seal(payload: object, payload_type: str, key: SigningKey) -> Envelope:
    """Return `payload` as canonical JSON in an envelope signed with `key`.

    Raises canonical.NotCanonical if `payload` has no canonical form.
    """
    payload_bytes = canonical.encode(payload)
    signature = key.sign(pae(payload_type, payload_bytes))
    return Envelope(
        payload_type=payload_type,
        payload=base64.b64encode(payload_bytes).decode("ascii"),
        signatures=(Signature(keyid=key.key_id, sig=base64.b64encode(signature).decode("ascii")),),
    )


def open(envelope: Envelope, payload_type: str, as_type: type[T], public: bytes) -> T:  # noqa: A001 - read as envelopes.open, beside envelopes.seal
    """Return the payload of `envelope`, read as `as_type`, after its signature has been checked.

    `public` is the 32-byte key that the caller trusts for this payload type. Raises BadEnvelope
    if the type differs, the signature is by another key or over other bytes, or the payload is
    not the canonical JSON of an `as_type`.
    """
    return _read(verified_payload(envelope, payload_type, public), as_type)


def verified_payload(envelope: Envelope, payload_type: str, public: bytes) -> bytes:
    """Return the payload bytes of `envelope` as signed by the holder of `public`, not yet read.

    Raises BadEnvelope as `open` does, for everything but the payload's own form.
    """
    if envelope.payload_type != payload_type:
        raise BadEnvelope(_another_type(envelope, payload_type))
    if len(envelope.signatures) != 1:
        raise BadEnvelope("An envelope carries exactly one signature.")
    signature = envelope.signatures[0]
    if signature.keyid != key_id(public):
        raise BadEnvelope(
            f"The envelope is signed with key {signature.keyid}; key {key_id(public)} was expected."
        )
    payload = _decoded(envelope.payload)
    try:
        verify(public, _decoded(signature.sig), pae(payload_type, payload))
    except BadSignature as error:
        raise BadEnvelope(f"The envelope's signature is not good. {error}") from error
    return payload


def unverified(envelope: Envelope, payload_type: str, as_type: type[T]) -> T:
    """Return what `envelope` claims, WITHOUT checking its signature: to find whose key to check.

    Raises BadEnvelope if the type differs or the payload is not the canonical JSON of an `as_type`.
    """
    if envelope.payload_type != payload_type:
        raise BadEnvelope(_another_type(envelope, payload_type))
    return _read(_decoded(envelope.payload), as_type)


def _another_type(envelope: Envelope, payload_type: str) -> str:
    return (
        f"An envelope of type {payload_type} was expected; this one says {envelope.payload_type}."
    )


def _read(payload: bytes, as_type: type[T]) -> T:
    try:
        return canonical.decode(payload, as_type)
    except canonical.NotCanonical as error:
        raise BadEnvelope(f"The payload of this envelope cannot be used. {error}") from error


def _decoded(text: str) -> bytes:
    """Return the bytes of padded standard base64; one text per byte string, or BadEnvelope."""
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadEnvelope("The envelope holds text that is not base64.") from error
    if base64.b64encode(decoded).decode("ascii") != text:
        raise BadEnvelope("The envelope holds base64 that is not in its one proper form.")
    return decoded
