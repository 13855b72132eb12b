"""Sessions of the pages: in this process's memory, so they end with it and are in no file."""

import hmac
import secrets
import threading
from dataclasses import dataclass, replace
from typing import Final

from foundation.clock import Clock

IDLE_MS: Final = 60 * 60_000
LONGEST_MS: Final = 12 * 60 * 60_000
_MOST: Final = 1_000


@dataclass(frozen=True, slots=True)
class Session:
    """One signed-in browser. `csrf` stands in each of its forms; `token_hash` in the database."""

    user: str
    token_hash: bytes
    csrf: str
    started_at: int
    seen_at: int

    def has_csrf(self, given: str) -> bool:
        """Return whether `given` is this session's form token."""
        return hmac.compare_digest(self.csrf.encode(), given.encode("utf-8", errors="replace"))


class Sessions:
    """The sessions of one process, by the secret in the browser's cookie; for several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[str, Session] = {}

    def start(self, user: str, token_hash: bytes) -> str:
        """Start a session; return the secret for its cookie."""
        secret = secrets.token_urlsafe(32)
        now = self._clock()
        with self._lock:
            self._held = {key: held for key, held in self._held.items() if self._is_good(held, now)}
            while len(self._held) >= _MOST:
                del self._held[min(self._held, key=lambda key: self._held[key].seen_at)]
            self._held[secret] = Session(user, token_hash, secrets.token_urlsafe(32), now, now)
        return secret

    def find(self, secret: str) -> Session | None:
        """Return the session with this secret, which counts as used now, or None."""
        now = self._clock()
        with self._lock:
            held = self._held.get(secret)
            if held is None or not self._is_good(held, now):
                self._held.pop(secret, None)
                return None
            self._held[secret] = replace(held, seen_at=now)
            return held

    def end(self, secret: str) -> None:
        """End a session."""
        with self._lock:
            self._held.pop(secret, None)

    @staticmethod
    def _is_good(held: Session, now: int) -> bool:
        return now - held.seen_at < IDLE_MS and now - held.started_at < LONGEST_MS
