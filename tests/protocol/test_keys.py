"""Key pairs: RFC 8032 signatures, strict public keys, and no secret in any text form."""

import copy
import pickle

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from protocol.fingerprints import key_id
from protocol.keys import BadSignature, SealingKey, SigningKey, verify

P = 2**255 - 19
ORDER_8 = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")
SMALL_ORDER = [
    y.to_bytes(32, "little")[:31] + bytes([y.to_bytes(32, "little")[31] | sign])
    for y in (
        0,
        1,
        P - 1,
        P,
        P + 1,
        int.from_bytes(ORDER_8, "little"),
        P - int.from_bytes(ORDER_8, "little"),
    )
    for sign in (0, 0x80)
]


def test_signatures_are_those_of_rfc_8032_7_1() -> None:
    key = SigningKey.from_bytes(
        bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    )
    assert key.public.hex() == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    assert key.sign(b"\x72").hex() == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    verify(key.public, key.sign(b"\x72"), b"\x72")


@given(st.binary(max_size=64), st.data())
def test_a_changed_message_key_or_signature_is_refused(message: bytes, data: st.DataObject) -> None:
    key = SigningKey.from_bytes(bytes(range(32)))
    parts = [key.public, key.sign(message), message]
    index = data.draw(st.integers(0, 2))
    changed = bytearray(parts[index] or b"\0")
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    parts[index] = bytes(changed) if parts[index] else b"\0"
    with pytest.raises(BadSignature):
        verify(*parts)


@pytest.mark.parametrize("public", SMALL_ORDER)
def test_a_public_key_of_small_order_is_refused(public: bytes) -> None:
    """Every try must be refused here though OpenSSL itself lets some through."""
    for message in (bytes([number]) for number in range(64)):
        with pytest.raises(BadSignature, match="not one that a member may use"):
            verify(public, b"\x01" + bytes(63), message)


def test_openssl_alone_would_accept_a_key_of_small_order() -> None:
    """The reason for our own check; when this fails, read protocol.keys.verify again."""
    identity = b"\x01" + bytes(31)
    Ed25519PublicKey.from_public_bytes(identity).verify(identity + bytes(32), b"any message")


def test_a_public_key_that_is_not_the_canonical_encoding_is_refused() -> None:
    for y in range(P, 2**255):
        with pytest.raises(BadSignature, match="not one that a member may use"):
            verify(y.to_bytes(32, "little"), bytes(64), b"message")


@pytest.mark.parametrize(("public", "signature"), [(31, 64), (33, 64), (32, 63), (32, 65), (0, 0)])
def test_wrong_lengths_are_refused(public: int, signature: int) -> None:
    with pytest.raises(BadSignature, match="length"):
        verify(bytes(public), bytes(signature), b"message")


@pytest.mark.parametrize("kind", [SigningKey, SealingKey])
def test_a_key_survives_its_bytes_and_never_shows_them(
    kind: type[SigningKey] | type[SealingKey],
) -> None:
    key = kind.generate()
    again = kind.from_bytes(key.to_bytes())
    assert again == key
    assert again.public == key.public
    assert key.key_id == key_id(key.public)
    assert hash(again) == hash(key)
    for text in (repr(key), str(key), f"{key}"):
        assert repr(key.to_bytes()) not in text
        assert key.to_bytes().hex() not in text
        assert "rivate" not in text
    with pytest.raises(TypeError):
        pickle.dumps(key)
    with pytest.raises(TypeError):
        copy.copy(key)


@pytest.mark.parametrize("kind", [SigningKey, SealingKey])
@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_secret_of_another_length_is_refused(
    kind: type[SigningKey] | type[SealingKey], length: int
) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        kind.from_bytes(bytes(length))


def test_the_sealing_key_is_the_x25519_key_of_rfc_7748_6_1() -> None:
    key = SealingKey.from_bytes(
        bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
    )
    assert key.public.hex() == "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
