"""Passwords of local accounts: argon2id (RFC 9106), with a check that takes as long for nobody."""

import functools
import secrets
import threading
import unicodedata
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from foundation.operator import OperatorError

SHORTEST: Final = 12
LONGEST: Final = 300
_MADE_BYTES: Final = 12

# RFC 9106 §4, second recommended option: 64 MiB, three passes. Two at a time bound the memory.
_HASHER: Final = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)
_PLACES: Final = threading.BoundedSemaphore(2)


def new_password() -> str:
    """Return a password that was made by chance, 96 bits."""
    return secrets.token_urlsafe(_MADE_BYTES)


def require_fit(password: str) -> None:
    """Raise OperatorError unless a password has 12 to 300 characters."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise OperatorError(
            f"a password has {SHORTEST} to {LONGEST} characters: three words do well"
        )


def hash_of(password: str) -> str:
    """Return the salted hash of a password in its encoded form."""
    with _PLACES:
        return _HASHER.hash(_octets(password))


def fits(password: str, hashed: str | None) -> bool:
    """Return whether `password` is the one that was hashed; never for None, in the same time."""
    with _PLACES:
        try:
            _HASHER.verify(hashed or _hash_of_nobody(), _octets(password[: LONGEST + 1]))
        except VerificationError:
            return False
    return hashed is not None


@functools.cache
def _hash_of_nobody() -> str:
    return _HASHER.hash(secrets.token_bytes(32))


def _octets(password: str) -> bytes:
    # The same characters whatever keyboard they come from (RFC 8265 §4.2: NFC).
    return unicodedata.normalize("NFC", password).encode("utf-8", errors="replace")
