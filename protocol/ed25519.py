"""Ed25519 (RFC 8032 §5.1) by libsodium: bytes in, bytes out; `protocol.keys` has the key pairs.

libsodium is loaded at the first call, and every call releases the GIL.
"""

import ctypes
from functools import cache
from typing import Final

from protocol import libsodium

SEED_BYTES: Final = 32
PUBLIC_BYTES: Final = 32
SECRET_BYTES: Final = 64
SIGNATURE_BYTES: Final = 64


def key_pair(seed: bytes) -> tuple[bytes, bytes]:
    """Return the public key (32 bytes) of a 32-byte seed, and what `sign` takes (64 bytes)."""
    _require(len(seed) == SEED_BYTES)
    public = ctypes.create_string_buffer(PUBLIC_BYTES)
    secret = ctypes.create_string_buffer(SECRET_BYTES)
    _bound("crypto_sign_seed_keypair")(public, secret, seed)
    return public.raw, secret.raw


def sign(secret: bytes, message: bytes) -> bytes:
    """Return the signature over `message`, 64 bytes, the same each time (RFC 8032 §5.1.6).

    `secret` is 64 bytes, from `key_pair`.
    """
    _require(len(secret) == SECRET_BYTES)
    signature = ctypes.create_string_buffer(SIGNATURE_BYTES)
    length = ctypes.c_ulonglong(len(message))
    _bound("crypto_sign_detached")(signature, None, message, length, secret)
    return signature.raw


def fits(public: bytes, signature: bytes, message: bytes) -> bool:
    """Say whether `signature` is one over `message` by the holder of `public` (RFC 8032 §5.1.7).

    Stricter than RFC 8032: False also for a public key or an R (the signature's first half) of
    small order, and for a public key that is not the canonical encoding of its point. An S at or
    above the group's order is False as RFC 8032 has it, and so is an R in any encoding but the
    canonical one, since R is compared with the bytes that the equation gives, without a cofactor.
    """
    _require(len(public) == PUBLIC_BYTES and len(signature) == SIGNATURE_BYTES)
    length = ctypes.c_ulonglong(len(message))
    refused: int = _bound("crypto_sign_verify_detached")(signature, message, length, public)
    return refused == 0


@cache
def _bound(name: str) -> "ctypes._NamedFuncPointer":
    # What is not an address, the length of a message, is given as the C type it has.
    function = libsodium.sodium()[name]
    function.restype = ctypes.c_int
    return function


def _require(right_length: bool) -> None:
    if not right_length:
        raise ValueError("a key or a signature of Ed25519 has the wrong length")
