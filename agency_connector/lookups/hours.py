"""When a desk is staffed, in words, and whether it is now: in the desk's own time zone."""

from datetime import UTC, datetime
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from schemas.agencies import Desk

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_END_OF_DAY: Final = "23:59"
_ALL_DAY: Final = (("00:00", _END_OF_DAY),)


def local(at: int, time_zone: str) -> datetime:
    """Return the moment `at`, ms UTC, as clocks show it in `time_zone`; UTC if there is none."""
    moment = datetime.fromtimestamp(at / 1000, UTC)
    try:
        return moment.astimezone(ZoneInfo(time_zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return moment


def clock_time(at: int, time_zone: str) -> str:
    """Return the local time of day, such as 14:05."""
    return local(at, time_zone).strftime("%H:%M")


def day_and_time(at: int, time_zone: str, now: int) -> str:
    """Return `today at 06:00`, `yesterday at 06:00` or `12 January 2026 at 06:00`."""
    then, today = local(at, time_zone), local(now, time_zone).date()
    days = (today - then.date()).days
    day = {0: "today", 1: "yesterday"}.get(days, f"{then.day} {then:%B %Y}")
    return f"{day} at {then:%H:%M}"


def is_open(desk: Desk, at: int) -> bool | None:
    """Return whether the desk is staffed at the moment `at`, ms UTC; None if it states no hours.

    Closing times are exclusive, but 23:59 lasts until midnight.
    """
    if not desk.hours:
        return None
    then = local(at, desk.time_zone)
    time = then.strftime("%H:%M")
    return any(
        told.day == then.weekday()
        and told.opens <= time
        and (time < told.closes or told.closes == _END_OF_DAY)
        for told in desk.hours
    )


def in_words(desk: Desk) -> str:
    """Return the hours as a page says them: `Monday to Friday 09:00 to 17:00`."""
    if not desk.hours:
        return "Hours are not stated"
    times = [
        tuple(sorted((told.opens, told.closes) for told in desk.hours if told.day == day))
        for day in range(len(_DAYS))
    ]
    if all(told == _ALL_DAY for told in times):
        return "Every day, day and night"
    parts = []
    for same, grouped in groupby(range(len(_DAYS)), key=lambda day: times[day]):
        days = list(grouped)
        if same:
            parts.append(f"{_span(days)} {_times(same)}")
    return "; ".join(parts)


def _span(days: list[int]) -> str:
    first, last = _DAYS[days[0]], _DAYS[days[-1]]
    if len(days) == len(_DAYS):
        return "Every day"
    if len(days) == 1:
        return first
    return f"{first} {'and' if len(days) == 2 else 'to'} {last}"


def _times(told: tuple[tuple[str, str], ...]) -> str:
    return " and ".join(
        "all day" if (opens, closes) == _ALL_DAY[0] else f"{opens} to {closes}"
        for opens, closes in told
    )
