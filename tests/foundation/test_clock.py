"""The clock's unit, on which every stored time rests."""

import time

from foundation.clock import now_ms


def test_the_clock_tells_whole_milliseconds_utc() -> None:
    before = time.time()
    now = now_ms()
    assert type(now) is int
    assert before * 1000 - 1 <= now <= time.time() * 1000 + 1
