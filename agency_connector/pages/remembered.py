"""What a session remembers for the next check: purpose and case reference, nothing of a person."""

import threading
from dataclasses import dataclass
from typing import Final

from foundation.clock import Clock

REMEMBERED_MS: Final = 30 * 60_000
_MOST: Final = 2_000


@dataclass(frozen=True, slots=True)
class LastCheck:
    """What the next check's form begins with. `at` is ms UTC."""

    purpose: str
    case_reference: str
    at: int


class Remembered:
    """By session, for half an hour, in this process's memory alone; for several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[str, LastCheck] = {}

    def keep(self, session: str, purpose: str, case_reference: str) -> None:
        """Remember this for the session with this form token."""
        now = self._clock()
        with self._lock:
            self._held = {
                key: held for key, held in self._held.items() if now - held.at < REMEMBERED_MS
            }
            while len(self._held) >= _MOST:
                del self._held[next(iter(self._held))]
            self._held[session] = LastCheck(purpose, case_reference, now)

    def of(self, session: str) -> dict[str, str]:
        """Return the values of the form's fields that are remembered."""
        with self._lock:
            held = self._held.get(session)
        if held is None or self._clock() - held.at >= REMEMBERED_MS:
            return {}
        return {"purpose": held.purpose, "case_reference": held.case_reference}
