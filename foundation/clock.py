"""The time, as every program of ours keeps it: integer milliseconds since 1970, UTC."""

import time
from collections.abc import Callable
from typing import TypeAlias

Clock: TypeAlias = Callable[[], int]
"""Anything that tells the time in milliseconds UTC; a test passes its own."""


def now_ms() -> int:
    """Return the system's time in integer milliseconds UTC."""
    return time.time_ns() // 1_000_000
