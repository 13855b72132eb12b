"""Complete scans that wait for a second auditor, who confirms in a browser of their own.

In the memory of one process, for an hour: what is asked for, by whom, and who has confirmed it.
"""

import secrets
import threading
from dataclasses import dataclass, replace
from typing import Final

from foundation.clock import Clock
from protocol.encoding import b64u_encode

WAITING_MS: Final = 60 * 60_000
_MOST: Final = 50
_ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Scan:
    """A complete scan from entry `first` on, asked for by `user`, whose name is `name`.

    `second` is who has confirmed it, or "". `asked_at` is ms UTC.
    """

    id: str
    user: str
    name: str
    ground: str
    first: int
    asked_at: int
    second: str = ""
    second_name: str = ""


class WaitingScans:
    """The scans that wait; for several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[str, Scan] = {}

    def ask(self, user: str, name: str, ground: str, first: int) -> str:
        """Keep a scan in the place of an earlier one of this auditor; return its id."""
        made = b64u_encode(secrets.token_bytes(_ID_BYTES))
        scan = Scan(made, user, name, ground, first, self._clock())
        with self._lock:
            held = {key: one for key, one in self._living().items() if one.user != user}
            while len(held) >= _MOST:
                del held[next(iter(held))]
            held[made] = scan
            self._held = held
        return made

    def of(self, user: str, scan: str) -> Scan | None:
        """Return a scan that this auditor asked for, or None."""
        with self._lock:
            found = self._living().get(scan)
        return found if found is not None and found.user == user else None

    def for_second(self, user: str) -> tuple[Scan, ...]:
        """Return the scans that this auditor may confirm: others', not confirmed yet."""
        with self._lock:
            living = tuple(self._living().values())
        return tuple(scan for scan in living if scan.user != user and not scan.second)

    def confirm(self, user: str, name: str, scan: str) -> bool:
        """Keep that another auditor confirms a scan; False if there is none for them to confirm."""
        with self._lock:
            found = self._living().get(scan)
            if found is None or found.user == user or found.second:
                return False
            self._held[scan] = replace(found, second=user, second_name=name)
        return True

    def take(self, user: str, scan: str) -> Scan | None:
        """Return a scan of this auditor that was confirmed, which is then used up; or None."""
        with self._lock:
            found = self._living().get(scan)
            if found is None or found.user != user or not found.second:
                return None
            del self._held[scan]
        return found

    def _living(self) -> dict[str, Scan]:
        now = self._clock()
        return {key: one for key, one in self._held.items() if now - one.asked_at < WAITING_MS}
