"""protocol.ed25519: RFC 8032's vectors, OpenSSL's signatures, and what is refused."""

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from protocol import ed25519

ORDER = 2**252 + 27742317777372353535851937790883648493
P = 2**255 - 19
SHA_ABC = hashlib.sha512(b"abc").digest()
# RFC 8032 §7.1: seed, public key, message, signature.
VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        b"",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        b"\x72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        b"\xaf\x82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
    (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        SHA_ABC,
        (
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
            "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"
        ),
    ),
]
ORDER_8 = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"
SMALL_ORDER = [
    bytes(32),
    b"\x01" + bytes(31),
    (P - 1).to_bytes(32, "little"),
    bytes.fromhex(ORDER_8),
    (P - int.from_bytes(bytes.fromhex(ORDER_8), "little")).to_bytes(32, "little"),
]


@pytest.mark.parametrize(("seed", "public", "message", "signature"), VECTORS)
def test_the_vectors_of_rfc_8032_7_1(
    seed: str, public: str, message: bytes, signature: str
) -> None:
    made, secret = ed25519.key_pair(bytes.fromhex(seed))
    assert made.hex() == public
    assert ed25519.sign(secret, message).hex() == signature
    assert ed25519.fits(made, bytes.fromhex(signature), message)


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=300))
def test_signatures_are_those_of_openssl(seed: bytes, message: bytes) -> None:
    theirs = Ed25519PrivateKey.from_private_bytes(seed)
    public, secret = ed25519.key_pair(seed)
    assert public == theirs.public_key().public_bytes_raw()
    assert ed25519.sign(secret, message) == theirs.sign(message)
    assert ed25519.fits(public, theirs.sign(message), message)


def test_an_s_at_or_above_the_order_is_refused() -> None:
    """RFC 8032 §5.1.7: otherwise everyone could make a second signature out of one."""
    public, secret = ed25519.key_pair(bytes(range(32)))
    signature = ed25519.sign(secret, b"message")
    s = int.from_bytes(signature[32:], "little")
    for larger in (s + ORDER, s + 2 * ORDER, s + 15 * ORDER):
        assert not ed25519.fits(public, signature[:32] + larger.to_bytes(32, "little"), b"message")
    for edge in (ORDER - 1, ORDER, 2**253, 2**256 - 1):
        assert not ed25519.fits(public, signature[:32] + edge.to_bytes(32, "little"), b"message")


@pytest.mark.parametrize("r", SMALL_ORDER)
def test_an_r_of_small_order_is_refused_even_if_the_equation_holds(r: bytes) -> None:
    """With R the identity, S = k * a satisfies the equation, and OpenSSL takes it."""
    seed = bytes(range(32))
    public, _ = ed25519.key_pair(seed)
    digest = bytearray(hashlib.sha512(seed).digest()[:32])
    digest[0] &= 248
    digest[31] = digest[31] & 127 | 64
    k = int.from_bytes(hashlib.sha512(r + public + b"message").digest(), "little") % ORDER
    s = k * int.from_bytes(digest, "little") % ORDER
    signature = r + s.to_bytes(32, "little")
    if r == SMALL_ORDER[1]:
        theirs = Ed25519PrivateKey.from_private_bytes(seed).public_key()
        theirs.verify(signature, b"message")
    assert not ed25519.fits(public, signature, b"message")


@pytest.mark.parametrize("public", SMALL_ORDER)
def test_a_public_key_of_small_order_is_refused(public: bytes) -> None:
    for number in range(16):
        assert not ed25519.fits(public, b"\x01" + bytes(63), bytes([number]))


def test_a_public_key_that_is_not_canonical_or_no_point_is_refused() -> None:
    signature = ed25519.sign(ed25519.key_pair(bytes(32))[1], b"message")
    for y in (2, P + 3, 2**255 - 1):
        assert not ed25519.fits(y.to_bytes(32, "little"), signature, b"message")


def test_every_bit_of_a_signature_counts() -> None:
    public, secret = ed25519.key_pair(bytes(range(32)))
    signature = ed25519.sign(secret, b"message")
    for bit in range(512):
        changed = bytearray(signature)
        changed[bit // 8] ^= 1 << bit % 8
        assert not ed25519.fits(public, bytes(changed), b"message")


def test_messages_with_zero_bytes_are_taken_whole() -> None:
    public, secret = ed25519.key_pair(bytes(range(32)))
    signature = ed25519.sign(secret, b"\x00a\x00b")
    assert not ed25519.fits(public, signature, b"\x00a\x00c")
    assert not ed25519.fits(public, signature, b"\x00a\x00b\x00")
    assert ed25519.fits(public, signature, b"\x00a\x00b")


def test_wrong_lengths_never_reach_libsodium() -> None:
    public, secret = ed25519.key_pair(bytes(32))
    signature = ed25519.sign(secret, b"")
    for call in (
        lambda: ed25519.key_pair(bytes(31)),
        lambda: ed25519.sign(secret[:-1], b""),
        lambda: ed25519.fits(public[:-1], signature, b""),
        lambda: ed25519.fits(public, signature + b"\0", b""),
    ):
        with pytest.raises(ValueError, match="length"):
            call()
