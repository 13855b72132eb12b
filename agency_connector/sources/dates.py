"""Reads the ways in which case systems write a day. Two-digit years are never guessed."""

import re
from datetime import date
from typing import Final, Literal

DateOrder = Literal["day-first", "month-first"]

_YEAR_FIRST: Final = re.compile(r"(\d{4})([-/.]?)(\d{2})\2(\d{2})", re.ASCII)
_YEAR_LAST: Final = re.compile(r"(\d{1,2})([-/. ])(\d{1,2})\2(\d{4})", re.ASCII)
_MONTH_NAMED: Final = re.compile(r"(\d{1,2})[-/. ]([A-Za-z]{3,9})[-/. ](\d{4})", re.ASCII)
_TIME: Final = re.compile(
    r"(?P<day>.*?\d{4}|\d{4}\S*?\d{2})[T ](?P<time>\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)"
    r"(?: ?(?:Z|UTC|[+-]\d{2}:?\d{2}))?",
    re.ASCII,
)
_MIDNIGHT: Final = re.compile(r"0{1,2}:00(:00(\.0+)?)?", re.ASCII)
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            ("jan", "january"),
            ("feb", "february"),
            ("mar", "march"),
            ("apr", "april"),
            ("may",),
            ("jun", "june"),
            ("jul", "july"),
            ("aug", "august"),
            ("sep", "sept", "september"),
            ("oct", "october"),
            ("nov", "november"),
            ("dec", "december"),
        ),
        start=1,
    )
    for name in names
}
_MAX_LENGTH: Final = 40


def read_date(text: str, order: DateOrder = "day-first", *, with_time: bool = False) -> date | None:
    """Return the day that `text` states, or None if it states none that exists.

    Read are `2026-03-14`, `20260314`, `14/03/2026` (in the source's `order`) and `14 Mar 2026`,
    also with `-`, `/` or `.` between. A time of day after it must be midnight, because a date of
    birth stored as a moment in another time zone may name the day before; `with_time` allows any.
    """
    text = text.strip()
    if len(text) > _MAX_LENGTH:
        return None
    if timed := _TIME.fullmatch(text):
        if not with_time and not _MIDNIGHT.fullmatch(timed["time"]):
            return None
        text = timed["day"]
    if found := _YEAR_FIRST.fullmatch(text):
        return _day(int(found[1]), int(found[3]), int(found[4]))
    if found := _YEAR_LAST.fullmatch(text):
        first, second = int(found[1]), int(found[3])
        day, month = (first, second) if order == "day-first" else (second, first)
        return _day(int(found[4]), month, day)
    if found := _MONTH_NAMED.fullmatch(text):
        return _day(int(found[3]), _MONTHS.get(found[2].lower(), 0), int(found[1]))
    return None


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
