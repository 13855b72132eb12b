"""Spans of time that rules of the index are stated in, in milliseconds."""

from typing import Final

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
CLOCK_SLACK_MS: Final = 300_000
"""How far a caller's clock may be off."""
