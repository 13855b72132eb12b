"""Readings of the record as an auditor's pages show them: sealed in memory, for that auditor alone.

The journal keeps that a reading was made and what proves it. The rows themselves end with the
process, an hour after they were read, or when the auditor has read more.
"""

import secrets
import threading
from dataclasses import dataclass
from typing import Final, Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from agency_connector.auditing.reading import Report
from foundation.clock import Clock
from protocol.encoding import b64u_encode, lp

KEPT_MS: Final = 60 * 60_000
MOST_OF_ONE: Final = 5
"""How many readings of one auditor are kept; a further one pushes their oldest out."""
MOST: Final = 50
_NONCE_BYTES: Final = 12
_ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Whole:
    """How far the record is whole, in sentences.

    `state`: `whole` if enough have countersigned it, `signed` if only the log itself vouches for
    it, `alarm` if something is wrong with it.
    """

    state: Literal["whole", "signed", "alarm"]
    title: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True, repr=False)
class KeptReading:
    """A reading: what was asked for, by name and value, what came of it, and when (ms UTC).

    `names` are those of agencies by id. `go_on`: the fields of the form that reads what follows.
    """

    title: str
    asked: tuple[tuple[str, str], ...]
    report: Report
    whole: Whole
    names: dict[str, str]
    go_on: dict[str, str]
    read_at: int


@dataclass(frozen=True, slots=True)
class _Sealed:
    user: bytes
    sealed: bytes
    kept_at: int


class KeptReadings:
    """The readings of one process; for several threads.

    Each is sealed with AES-256-GCM (NIST SP 800-38D) under a key that is made with this object and
    is in no file. The auditor is associated data: what one has read opens for no other.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._cipher = AESGCM(AESGCM.generate_key(256))
        self._lock = threading.Lock()
        self._held: dict[str, _Sealed] = {}

    def keep(self, user: str, reading: KeptReading) -> str:
        """Keep a reading; return the id under which it is found."""
        name = b64u_encode(secrets.token_bytes(_ID_BYTES))
        nonce = secrets.token_bytes(_NONCE_BYTES)
        told = msgspec.json.encode(reading)
        sealed = nonce + self._cipher.encrypt(nonce, told, _associated(name, user))
        now, owner = self._clock(), _owner(user)
        with self._lock:
            held = {key: one for key, one in self._held.items() if now - one.kept_at < KEPT_MS}
            own = [key for key, one in held.items() if one.user == owner]
            for key in own[: max(0, len(own) - MOST_OF_ONE + 1)]:
                del held[key]
            while len(held) >= MOST:
                del held[next(iter(held))]
            held[name] = _Sealed(owner, sealed, now)
            self._held = held
        return name

    def find(self, user: str, name: str) -> KeptReading | None:
        """Return what this auditor read within the hour under this id, or None."""
        with self._lock:
            held = self._held.get(name)
        if held is None or self._clock() - held.kept_at >= KEPT_MS:
            return None
        nonce, body = held.sealed[:_NONCE_BYTES], held.sealed[_NONCE_BYTES:]
        try:
            told = self._cipher.decrypt(nonce, body, _associated(name, user))
        except InvalidTag:
            return None
        return msgspec.json.decode(told, type=KeptReading)


def _owner(user: str) -> bytes:
    return user.encode("utf-8", errors="replace")


def _associated(name: str, user: str) -> bytes:
    return lp("ifi/1 kept reading", name, _owner(user))
