"""Forms that were sent too late: sealed, for ten minutes, for the officer who sent them alone."""

import secrets
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from foundation.clock import Clock
from protocol.encoding import lp

KEPT_MS: Final = 10 * 60_000
MOST: Final = 500
NEVER_KEPT: Final = frozenset({"csrf", "password", "code"})
"""Fields that are typed anew: they prove who is there, and may be another person's."""

_NONCE_BYTES: Final = 12
_TICKET_BYTES: Final = 24


class KeptForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A form as it was sent: to which path, with which fields (names may repeat)."""

    path: str
    fields: tuple[tuple[str, str], ...]

    def __repr__(self) -> str:
        return "KeptForm(<sealed>)"

    @property
    def values(self) -> dict[str, str]:
        """The first value of each field."""
        return dict(reversed(self.fields))


@dataclass(frozen=True, slots=True)
class _Sealed:
    user: bytes
    sealed: bytes
    kept_at: int


class KeptForms:
    """The forms of one process, at most one for each officer; for several threads.

    Each is sealed with AES-256-GCM (NIST SP 800-38D) under a key that is made with this object, is
    in no file, and ends with the process. The officer is associated data: what was kept for one
    opens for no other.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._cipher = AESGCM(AESGCM.generate_key(256))
        self._lock = threading.Lock()
        self._held: dict[str, _Sealed] = {}

    def keep(self, user: str, path: str, fields: Iterable[tuple[str, str]]) -> str:
        """Keep a form in the place of an earlier one of this officer; return its ticket.

        What is in NEVER_KEPT is left out.
        """
        ticket, nonce = secrets.token_urlsafe(_TICKET_BYTES), secrets.token_bytes(_NONCE_BYTES)
        kept = tuple((name, value) for name, value in fields if name not in NEVER_KEPT)
        told = msgspec.json.encode(KeptForm(path, kept))
        sealed = nonce + self._cipher.encrypt(nonce, told, _associated(ticket, user))
        now, owner = self._clock(), _owner(user)
        with self._lock:
            self._held = {
                key: held
                for key, held in self._held.items()
                if now - held.kept_at < KEPT_MS and held.user != owner
            }
            while len(self._held) >= MOST:
                del self._held[next(iter(self._held))]
            self._held[ticket] = _Sealed(owner, sealed, now)
        return ticket

    def find(self, ticket: str, user: str) -> KeptForm | None:
        """Return what was kept under this ticket for this officer within ten minutes, or None."""
        with self._lock:
            held = self._held.get(ticket)
        if held is None or self._clock() - held.kept_at >= KEPT_MS:
            return None
        nonce, body = held.sealed[:_NONCE_BYTES], held.sealed[_NONCE_BYTES:]
        try:
            told = self._cipher.decrypt(nonce, body, _associated(ticket, user))
        except InvalidTag:
            return None
        return msgspec.json.decode(told, type=KeptForm)


def _owner(user: str) -> bytes:
    return user.encode("utf-8", errors="replace")


def _associated(ticket: str, user: str) -> bytes:
    return lp("ifi/1 kept form", ticket, _owner(user))
