"""Seals what the journal keeps: AES-256-GCM under a key of the agency's own keyring."""

import hashlib
import hmac
import secrets
from typing import Final, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from foundation.operator import OperatorError
from protocol.encoding import lp

T = TypeVar("T", bound=msgspec.Struct)

_NONCE_BYTES: Final = 12


class JournalSeal:
    """Seals records under `key`, 32 bytes (NIST SP 800-38D), each bound to its row and column."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._cipher = AESGCM(key)

    def row_of(self, user: str) -> bytes:
        """Return the 32 bytes by which an officer's rows are found, and nobody is named.

        HMAC-SHA256 under the journal's key over lp("ifi/1 journal officer", user).
        """
        return hmac.digest(self._key, lp("ifi/1 journal officer", user), hashlib.sha256)

    def draw(self, user: str, counter: int) -> int:
        """Return the number, 0 to 2**64 - 1, that an officer's check of this count draws.

        It is the same whenever it is asked for, and nobody without the journal's key foresees it:
        the first 8 bytes of HMAC-SHA256 over lp("ifi/1 draw", user, counter in decimal).
        """
        told = lp("ifi/1 draw", user, str(counter))
        return int.from_bytes(hmac.digest(self._key, told, hashlib.sha256)[:8], "big")

    def seal(self, column: str, row: bytes, record: msgspec.Struct) -> bytes:
        """Return nonce || sealed JSON of `record`, which opens only in this row and column."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(
            nonce, msgspec.json.encode(record), _associated(column, row)
        )

    def open(self, column: str, row: bytes, sealed: bytes, as_type: type[T]) -> T:
        """Return the record in `sealed`; OperatorError if it was changed or moved, or the key."""
        nonce, body = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            plain = self._cipher.decrypt(nonce, body, _associated(column, row))
            return msgspec.json.decode(plain, type=as_type)
        except (InvalidTag, ValueError, msgspec.DecodeError):
            raise OperatorError(
                "a record of the journal does not open: it was changed, or the keyring is not the "
                "one it was sealed with; restore database and keyring from the same backup"
            ) from None


def _associated(column: str, row: bytes) -> bytes:
    return lp("ifi/1 journal", column, row)
