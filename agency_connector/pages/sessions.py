"""Sessions of the pages: in this process's memory, so they end with it and are in no file."""

import hmac
import secrets
import threading
from dataclasses import dataclass, replace
from typing import Final

from agency_connector.sign_in.roles import Person, Role
from foundation.clock import Clock

IDLE_MS: Final = 15 * 60_000
WARN_MS: Final = 13 * 60_000
LONGEST_MS: Final = 12 * 60 * 60_000
REMEMBERED_MS: Final = 12 * 60 * 60_000
"""How long it is remembered whose a session was, so that a form sent too late can be kept."""

_MOST: Final = 2_000
_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Session:
    """One signed-in browser. `csrf` stands in each of its forms. Times are ms UTC."""

    person: Person
    csrf: str
    started_at: int
    seen_at: int

    @property
    def user(self) -> str:
        """The officer as the journal has them."""
        return self.person.user

    @property
    def name(self) -> str:
        """The officer's name for pages."""
        return self.person.name

    @property
    def roles(self) -> frozenset[str]:
        """The officer's roles as words, for templates."""
        return frozenset(role.value for role in self.person.roles)

    def has(self, role: Role) -> bool:
        """Return whether the officer has this role."""
        return role in self.person.roles

    def has_csrf(self, given: str) -> bool:
        """Return whether `given` is this session's form token."""
        return hmac.compare_digest(self.csrf.encode(), given.encode("utf-8", errors="replace"))

    def ends_at(self) -> int:
        """Return when the session ends unless it is used again (ms UTC)."""
        return min(self.seen_at + IDLE_MS, self.started_at + LONGEST_MS)


class Sessions:
    """The sessions of one process, by the secret in the browser's cookie; for several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[str, Session] = {}

    def start(self, person: Person) -> str:
        """Start a session; return the secret for its cookie, which is new each time."""
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        now = self._clock()
        session = Session(person, secrets.token_urlsafe(_SECRET_BYTES), now, now)
        with self._lock:
            self._held = {
                key: held
                for key, held in self._held.items()
                if now < held.ends_at() + REMEMBERED_MS
            }
            while len(self._held) >= _MOST:
                del self._held[min(self._held, key=lambda key: self._held[key].seen_at)]
            self._held[secret] = session
        return secret

    def find(self, secret: str) -> Session | None:
        """Return the session with this secret, which counts as used now, or None."""
        now = self._clock()
        with self._lock:
            held = self._held.get(secret)
            if held is None or now >= held.ends_at():
                return None
            used = replace(held, seen_at=now)
            self._held[secret] = used
            return used

    def lapsed(self, secret: str) -> Session | None:
        """Return a session that has ended by itself, so that its form can be kept, or None."""
        with self._lock:
            held = self._held.get(secret)
        return held if held is not None and self._clock() >= held.ends_at() else None

    def end(self, secret: str) -> None:
        """End a session and forget whose it was."""
        with self._lock:
            self._held.pop(secret, None)
