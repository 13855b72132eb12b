"""Slows whoever fails to sign in again and again, and nobody else.

What is slowed is one name from one address: whoever guesses an officer's password from elsewhere
does not keep that officer from their work. It is in memory, and ends with the process.
"""

import threading
from dataclasses import dataclass
from typing import Final

from foundation.clock import Clock

FREE: Final = 5
"""So many failures cost no time."""

LONGEST_MS: Final = 15 * 60_000
FORGOTTEN_MS: Final = 60 * 60_000
_MOST: Final = 20_000


@dataclass(frozen=True, slots=True)
class _Failures:
    count: int
    last_at: int


class SlowDown:
    """The failures of one process; for several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[tuple[str, str], _Failures] = {}

    def wait_ms(self, name: str, address: str) -> int:
        """Return how long this name has to wait at this address before it is tried again."""
        with self._lock:
            held = self._held.get((name, address))
        if held is None or held.count < FREE:
            return 0
        wait = min(1000 << min(held.count - FREE, 20), LONGEST_MS)
        return max(0, held.last_at + wait - self._clock())

    def failed(self, name: str, address: str) -> None:
        """Take note of a failure, whether or not there is such a name."""
        now = self._clock()
        with self._lock:
            held = self._held.pop((name, address), None)
            count = held.count if held and now - held.last_at < FORGOTTEN_MS else 0
            while len(self._held) >= _MOST:
                del self._held[next(iter(self._held))]
            self._held[name, address] = _Failures(count + 1, now)

    def succeeded(self, name: str, address: str) -> None:
        """Forget the failures of this name at this address."""
        with self._lock:
            self._held.pop((name, address), None)
