"""Contact requests: sealed with HPKE (RFC 9180, base mode), chained, and who may take which step.

The index sees who asked whom about which reference, and which steps were taken; the bytes of every
step are of one length, and only the recipient can open them.
"""

import hashlib
from typing import Final, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from protocol import canonical, documents
from protocol.canonical import NotCanonical
from protocol.encoding import b64u_decode, b64u_encode, lp
from protocol.fingerprints import key_id
from protocol.keys import SealingKey, SigningKey
from schemas.contacts import (
    SEALED_BYTES,
    ContactContents,
    ContactReply,
    ContactRequest,
    ContactSend,
    ContactStatement,
    ContactStep,
)
from schemas.envelopes import Envelope

Party = Literal["asker", "holder"]

CLOSING: Final[frozenset[ContactStep]] = frozenset({"spoken", "refused", "no-longer-ours"})
"""The steps that close a request; of these a refusal says why."""

_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_OVERHEAD: Final = 32 + 16
_PADDED: Final = SEALED_BYTES - _OVERHEAD
_LENGTH: Final = 4
_NONE: Final[frozenset[ContactStep]] = frozenset()
_ANSWERED: Final[frozenset[ContactStep]] = frozenset({"crime-answered"})
_AFTER: Final[dict[tuple[ContactStep, Party], frozenset[ContactStep]]] = {
    ("asked", "holder"): frozenset({"will-phone", *CLOSING}),
    ("asked", "asker"): frozenset({"spoken"}),
    ("will-phone", "holder"): CLOSING,
    ("will-phone", "asker"): frozenset({"spoken"}),
}


class BadContact(ValueError):
    """A step is not what the other agency's officer sent to this one: believe nothing of it."""


def allowed(state: ContactStep, party: Party) -> frozenset[ContactStep]:
    """Return the steps that `party` may take after `state`, the last step but `crime-answered`.

    The holder says whether it will phone and closes; the asker may say that they have spoken. Once
    closed, both may answer the crime question.
    """
    return _ANSWERED if state in CLOSING else _AFTER.get((state, party), _NONE)


def step_digest(envelope: Envelope) -> str:
    """Return the digest by which the next step names this one: of its signed bytes, base64url.

    SHA-256(lp("ifi/1 contact step") || lp(canonical JSON of the envelope)), 32 bytes.
    """
    told = lp("ifi/1 contact step", canonical.encode(envelope))
    return b64u_encode(hashlib.sha256(told).digest())


def sealed_digest(sealed: bytes) -> str:
    """Return SHA-256(lp("ifi/1 contact sealed") || lp(sealed)), base64url, for the statement."""
    return b64u_encode(hashlib.sha256(lp("ifi/1 contact sealed", sealed)).digest())


def info(
    partnership: str, request: str, number: int, step: ContactStep, reference: str,
    sender: str, recipient: str,
) -> bytes:  # fmt: skip
    """Return HPKE's `info`: what the sealed bytes are bound to, each part length-prefixed."""
    return lp("ifi/1 contact", partnership, request, number, step, reference, sender, recipient)


def pad(contents: ContactContents) -> bytes:
    """Return the canonical bytes of `contents` behind their length, with zeros to one length."""
    plain = canonical.encode(contents)
    if len(plain) > _PADDED - _LENGTH:
        raise ValueError("the contents of a contact request are longer than any the schema allows")
    return (len(plain).to_bytes(_LENGTH, "big") + plain).ljust(_PADDED, b"\0")


def seal(contents: ContactContents, sealing_key: bytes, bound_to: bytes) -> bytes:
    """Return `contents` sealed to the X25519 public key `sealing_key`, SEALED_BYTES bytes.

    The key is that of the recipient as the verified membership has it, never as the index lists it.
    """
    public = X25519PublicKey.from_public_bytes(sealing_key)
    return _SUITE.encrypt(pad(contents), public, info=bound_to)


def signed_step(
    contents: ContactContents,
    *,
    partnership: str,
    agency: str,
    request: str,
    number: int,
    previous: str | None,
    step: ContactStep,
    reference: str,
    recipient: str,
    recipient_sealing: str,
    officer: str,
    signed_at: int,
    key: SigningKey,
) -> ContactSend:
    """Return the step, sealed to `recipient_sealing` and signed with `key`, as it goes out.

    Raises BadContact if `contents` is not what such a step holds.
    """
    require_fit(step, contents)
    sealing_key = b64u_decode(recipient_sealing, 32)
    bound_to = info(partnership, request, number, step, reference, agency, recipient)
    sealed = seal(contents, sealing_key, bound_to)
    statement = ContactStatement(
        partnership=partnership,
        agency=agency,
        request=request,
        number=number,
        previous=previous,
        step=step,
        reference=reference,
        recipient=recipient,
        officer=officer,
        to_key=key_id(sealing_key),
        sealed=sealed_digest(sealed),
        signed_at=signed_at,
    )
    return ContactSend(statement=documents.sign(statement, key), sealed=b64u_encode(sealed))


def open_sealed(
    statement: ContactStatement, sealed: bytes, sealing_key: SealingKey
) -> ContactContents:
    """Return what was sealed in the step of `statement`, whose signature was checked before.

    Raises BadContact if the bytes are not those of the statement, do not open with `sealing_key`
    as this step, or are not what such a step holds.
    """
    if sealed_digest(sealed) != statement.sealed:
        raise BadContact("the sealed bytes are not those that were signed")
    bound_to = info(
        statement.partnership, statement.request, statement.number, statement.step,
        statement.reference, statement.agency, statement.recipient,
    )  # fmt: skip
    try:
        padded = _SUITE.decrypt(sealed, sealing_key.private, info=bound_to)
    except (InvalidTag, ValueError) as error:
        raise BadContact("it does not open with this agency's sealing key") from error
    return _read(statement.step, padded)


def _read(step: ContactStep, padded: bytes) -> ContactContents:
    length = int.from_bytes(padded[:_LENGTH], "big")
    plain, rest = padded[_LENGTH : _LENGTH + length], padded[_LENGTH + length :]
    kind: type[ContactRequest] | type[ContactReply]
    kind = ContactRequest if step == "asked" else ContactReply
    if len(padded) != _PADDED or len(plain) != length or rest.strip(b"\0"):
        raise BadContact("what was sealed does not have the form of a contact request")
    try:
        contents: ContactContents = canonical.decode(plain, kind)
    except NotCanonical as error:
        raise BadContact("what was sealed does not have the form of this step") from error
    require_fit(step, contents)
    return contents


def require_fit(step: ContactStep, contents: ContactContents) -> None:
    """Raise BadContact unless `contents` is what `step` may hold."""
    if isinstance(contents, ContactRequest) != (step == "asked"):
        raise BadContact("what was sealed is not for this step")
    if isinstance(contents, ContactRequest):
        return
    if step == "refused" and contents.text is None:
        raise BadContact("a refusal says why")
    if contents.crime is not None and step not in CLOSING | _ANSWERED:
        raise BadContact("the crime question is answered when a request is closed")
    if step == "crime-answered" and contents.crime is None:
        raise BadContact("an answer to the crime question is missing")
