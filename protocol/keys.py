"""The two key pairs of a member: Ed25519 to sign with, X25519 to receive sealed packages with."""

import secrets
from dataclasses import dataclass, field
from typing import Self

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol import ed25519
from protocol.fingerprints import key_id

SECRET_BYTES = PUBLIC_BYTES = 32
SIGNATURE_BYTES = 64

# Edwards25519: the field's prime, and the y coordinates of its eight points of small order.
# Under such a key a signature can be made without a secret, and fits many messages.
_P = 2**255 - 19
_Y_OF_ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER_Y = frozenset({0, 1, _P - 1, _Y_OF_ORDER_8, _P - _Y_OF_ORDER_8})


class BadSignature(ValueError):
    """The signature was not made over this message by the holder of this public key."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 key pair (RFC 8032). Its text forms never show the secret."""

    public: bytes
    _secret: bytes = field(repr=False, compare=False)

    @classmethod
    def generate(cls) -> Self:
        """Return a new key pair from the system's random source."""
        return cls(*ed25519.key_pair(secrets.token_bytes(SECRET_BYTES)))

    @classmethod
    def from_bytes(cls, secret: bytes) -> Self:
        """Return the key pair of a 32-byte RFC 8032 seed. Raises ValueError for another length."""
        _require_length(secret, SECRET_BYTES, "A signing key")
        return cls(*ed25519.key_pair(secret))

    @property
    def key_id(self) -> str:
        """The 22 characters that name the public key."""
        return key_id(self.public)

    def to_bytes(self) -> bytes:
        """Return the secret seed, 32 bytes: for the keyring and nothing else."""
        return self._secret[:SECRET_BYTES]

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature over `message` (RFC 8032 §5.1.6, deterministic)."""
        return ed25519.sign(self._secret, message)

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("A signing key is not pickled; store it in the keyring.")


@dataclass(frozen=True, slots=True)
class SealingKey:
    """An X25519 key pair (RFC 7748) for HPKE. Its text forms never show the secret."""

    public: bytes
    private: X25519PrivateKey = field(repr=False, compare=False)

    @classmethod
    def generate(cls) -> Self:
        """Return a new key pair from the system's random source."""
        return cls._of(X25519PrivateKey.generate())

    @classmethod
    def from_bytes(cls, secret: bytes) -> Self:
        """Return the key pair of a 32-byte secret. Raises ValueError for another length."""
        _require_length(secret, SECRET_BYTES, "A sealing key")
        return cls._of(X25519PrivateKey.from_private_bytes(secret))

    @classmethod
    def _of(cls, private: X25519PrivateKey) -> Self:
        return cls(public=private.public_key().public_bytes_raw(), private=private)

    @property
    def key_id(self) -> str:
        """The 22 characters that name the public key."""
        return key_id(self.public)

    def to_bytes(self) -> bytes:
        """Return the secret, 32 bytes: for the keyring and nothing else."""
        return self.private.private_bytes_raw()

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("A sealing key is not pickled; store it in the keyring.")


def verify(public: bytes, signature: bytes, message: bytes) -> None:
    """Check an Ed25519 signature (RFC 8032 §5.1.7).

    `public` is 32 bytes and `signature` 64. Stricter than RFC 8032: a public key that is not the
    canonical encoding of its point, or whose point has small order, is refused, and so is an R of
    small order, so that one signature speaks for one key and one message. Raises BadSignature.
    """
    if len(public) != PUBLIC_BYTES or len(signature) != SIGNATURE_BYTES:
        raise BadSignature("The public key or the signature has the wrong length.")
    y = int.from_bytes(public, "little") & (2**255 - 1)
    if y >= _P or y in _SMALL_ORDER_Y:
        raise BadSignature("The public key is not one that a member may use.")
    if not ed25519.fits(public, signature, message):
        raise BadSignature("The signature does not fit the message and the public key.")


def _require_length(secret: bytes, length: int, what: str) -> None:
    if len(secret) != length:
        raise ValueError(f"{what} has {length} bytes, not {len(secret)}.")
