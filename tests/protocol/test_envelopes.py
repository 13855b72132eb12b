"""Signed envelopes: only the expected key, type and form open one."""

import base64
import json
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from protocol import canonical, envelopes
from protocol.envelopes import BadEnvelope, pae, seal
from protocol.keys import SigningKey
from schemas.envelopes import Envelope, Signature

KEY = SigningKey.from_bytes(bytes(range(32)))
OTHER = SigningKey.from_bytes(bytes(range(1, 33)))
TYPE = "application/vnd.ifi.test.v1+json"


class Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    said: str
    at: int


NOTE = Note(said="hello", at=1_700_000_000_000)


def with_signature(envelope: Envelope, **changes: str) -> Envelope:
    changed = msgspec.structs.replace(envelope.signatures[0], **changes)
    return msgspec.structs.replace(envelope, signatures=(changed,))


def test_the_signed_bytes_are_those_of_the_dsse_specification() -> None:
    """dsse v1 protocol.md, Test Vectors; its ECDSA signature is good over our bytes."""
    signed = pae("http://example.com/HelloWorld", b"hello world")
    assert signed == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    raw = base64.b64decode(
        "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="
    )
    ec.EllipticCurvePublicNumbers(
        x=46950820868899156662930047687818585632848591499744589407958293238635476079160,
        y=5640078356564379163099075877009565129882514886557779369047442380624545832820,
        curve=ec.SECP256R1(),
    ).public_key().verify(
        encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")),
        signed,
        ec.ECDSA(hashes.SHA256()),
    )


def test_lengths_are_counted_in_bytes() -> None:
    assert pae("é", "ø".encode()) == b"DSSEv1 2 \xc3\xa9 2 \xc3\xb8"


def test_what_is_sealed_opens_with_its_key_and_type() -> None:
    envelope = seal(NOTE, TYPE, KEY)
    assert envelopes.open(envelope, TYPE, Note, KEY.public) == NOTE
    assert envelopes.verified_payload(envelope, TYPE, KEY.public) == canonical.encode(NOTE)
    on_the_wire = canonical.encode(envelope)
    assert set(json.loads(on_the_wire)) == {"payloadType", "payload", "signatures"}
    assert canonical.decode(on_the_wire, Envelope) == envelope


def test_sealing_twice_gives_the_same_bytes() -> None:
    assert seal(NOTE, TYPE, KEY) == seal(NOTE, TYPE, KEY)


def test_another_payload_type_is_refused() -> None:
    with pytest.raises(BadEnvelope, match="was expected; this one says"):
        envelopes.open(seal(NOTE, TYPE, KEY), TYPE + "x", Note, KEY.public)


def test_a_type_changed_after_signing_is_refused() -> None:
    renamed = msgspec.structs.replace(seal(NOTE, TYPE, KEY), payload_type=TYPE + "x")
    with pytest.raises(BadEnvelope, match="signature is not good"):
        envelopes.open(renamed, TYPE + "x", Note, KEY.public)


def test_another_key_is_refused_even_under_the_expected_keys_name() -> None:
    envelope = seal(NOTE, TYPE, OTHER)
    with pytest.raises(BadEnvelope, match="was expected"):
        envelopes.open(envelope, TYPE, Note, KEY.public)
    with pytest.raises(BadEnvelope, match="signature is not good"):
        envelopes.open(with_signature(envelope, keyid=KEY.key_id), TYPE, Note, KEY.public)


def test_a_wrong_key_name_on_a_good_signature_is_refused() -> None:
    envelope = with_signature(seal(NOTE, TYPE, KEY), keyid=OTHER.key_id)
    with pytest.raises(BadEnvelope, match="was expected"):
        envelopes.open(envelope, TYPE, Note, KEY.public)


@pytest.mark.parametrize("count", [0, 2])
def test_anything_but_one_signature_is_refused(count: int) -> None:
    envelope = seal(NOTE, TYPE, KEY)
    signatures: Any = envelope.signatures * count
    with pytest.raises(BadEnvelope, match="exactly one"):
        envelopes.open(
            msgspec.structs.replace(envelope, signatures=signatures), TYPE, Note, KEY.public
        )
    document = msgspec.to_builtins(envelope) | {"signatures": msgspec.to_builtins(signatures)}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(document, Envelope)


@given(st.data())
def test_any_changed_byte_is_refused(data: st.DataObject) -> None:
    envelope = seal(NOTE, TYPE, KEY)
    encoded = bytearray(canonical.encode(envelope))
    encoded[data.draw(st.integers(0, len(encoded) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises((BadEnvelope, canonical.NotCanonical)):
        envelopes.open(canonical.decode(bytes(encoded), Envelope), TYPE, Note, KEY.public)


@pytest.mark.parametrize("text", ["aGVsbG8", "aGVsbG9=", "aGVs\nbG8=", "aGVsbG8=!", "_-8=", "é"])
def test_base64_in_any_other_form_is_refused(text: str) -> None:
    """A second text for the same bytes would be a second envelope with a good signature."""
    envelope = msgspec.structs.replace(seal(NOTE, TYPE, KEY), payload=text)
    with pytest.raises(BadEnvelope, match="base64"):
        envelopes.open(envelope, TYPE, Note, KEY.public)


def test_a_signed_payload_that_is_not_canonical_is_refused() -> None:
    payload = b'{"said": "hello", "at": 1}'
    envelope = Envelope(
        payload_type=TYPE,
        payload=base64.b64encode(payload).decode(),
        signatures=(
            Signature(
                keyid=KEY.key_id, sig=base64.b64encode(KEY.sign(pae(TYPE, payload))).decode()
            ),
        ),
    )
    with pytest.raises(BadEnvelope, match="cannot be used"):
        envelopes.open(envelope, TYPE, Note, KEY.public)


def test_a_signed_payload_of_another_type_is_refused() -> None:
    with pytest.raises(BadEnvelope, match="cannot be used"):
        envelopes.open(seal({"at": 1, "said": "x", "more": 1}, TYPE, KEY), TYPE, Note, KEY.public)


def test_an_unknown_member_of_an_envelope_is_refused() -> None:
    document = msgspec.to_builtins(seal(NOTE, TYPE, KEY))
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(document | {"note": "x"}, Envelope)


def test_an_unverified_reading_needs_the_type_and_the_form_but_no_key() -> None:
    envelope = seal(NOTE, TYPE, OTHER)
    assert envelopes.unverified(envelope, TYPE, Note) == NOTE
    with pytest.raises(BadEnvelope, match="was expected"):
        envelopes.unverified(envelope, TYPE + "x", Note)
    with pytest.raises(BadEnvelope, match="cannot be used"):
        envelopes.unverified(seal({"at": 1}, TYPE, KEY), TYPE, Note)
