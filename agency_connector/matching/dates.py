"""Dates of birth in the forms that exports and people write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from agency_connector.matching.person import Unusable

LONGEST = 60
"""Characters a date may have; longer text is refused before anything else looks at it."""

PLACEHOLDERS = frozenset(
    {
        date(1, 1, 1),
        date(1111, 11, 11),
        date(1601, 1, 1),
        date(1753, 1, 1),
        date(1800, 1, 1),
        date(1899, 12, 30),
        date(1899, 12, 31),
        date(1900, 1, 1),
        date(1970, 1, 1),
    }
)
"""Dates that systems write where they know none: they are no date of birth."""

_OLDEST_YEAR = (
    1000  # older text is a slip of the keys; a wrong century can still be found as a slip
)
_OLDEST_AGE = 125
_EXCEL_EPOCH = date(1899, 12, 30)
_MONTHS = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
        start=1,
    )
}
_TIME = r"(?:[T ]+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(?:[ap]m)?\s*(?:Z|[+-]\d{2}:?\d{2})?)?"
_YEAR_FIRST = re.compile(rf"(\d{{4}})([-/. ])(\d{{1,2}})\2(\d{{1,2}}){_TIME}", re.I | re.A)
_DAY_FIRST = re.compile(rf"(\d{{1,2}})([-/. ])(\d{{1,2}})\2(\d{{4}}|\d{{2}}){_TIME}", re.I | re.A)
_DAY_NAMED = re.compile(
    rf"(\d{{1,2}})(?:st|nd|rd|th)?[-/. ,]*([a-z]{{3,9}})[-/. ,]*(\d{{4}}|\d{{2}}){_TIME}",
    re.I | re.A,
)
_MONTH_NAMED = re.compile(
    rf"([a-z]{{3,9}})[. ]+(\d{{1,2}})(?:st|nd|rd|th)?[, ]+(\d{{4}}){_TIME}", re.I | re.A
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T?\d{4,6}Z?)?", re.A)
_SERIAL = re.compile(r"(\d{5})(?:\.\d+)?", re.A)
_YEAR = re.compile(r"(?:born )?(c(?:irca|a)?\.?|about|approx\.?|around|~)? ?(\d{4})", re.I | re.A)
_MONTH_YEAR = re.compile(r"(?:(\d{1,2})[-/. ]|([a-z]{3,9})[-/. ]+)(\d{4})", re.I | re.A)
_YEAR_OF_IMPOSSIBLE = re.compile(
    r"([0-9]{4})[-/. ]?[0-9]{1,2}[-/. ]?[0-9]{1,2}|[0-9]{1,2}[-/. ][0-9]{1,2}[-/. ]([0-9]{4})"
)
_AGE = re.compile(
    r"(c\.?|about|approx\.?|around|~)? ?age[d]?:? ?(c\.?|about|approx\.?|~)? ?(\d{1,3})",
    re.I | re.A,
)


@dataclass(frozen=True, slots=True, repr=False)
class Birth:
    """A date of birth, or (`born` None) the years in which the person may have been born."""

    born: date | None
    years: tuple[int, ...]


def read(text: str, today: date) -> Birth | Unusable:
    """The date of birth that `text` says.

    Understood: ISO (`1985-03-27`, `19850327`, with or without a time), UK order with the day first
    (`27/3/85`, `27.03.1985`, `27 March 1985`), month by name first (`March 27, 1985`), Excel's
    serial numbers of five digits (1900 system, 1927 and later), a year, a month and year, `c. 1985`
    (two years either way), `aged 40` (two years), `about aged 40` (five).

    A two-digit year is the latest one that puts the date not after `today`. Where the place of
    the month holds more than 12, day and month are taken in the only order that is a date
    (`03/27/1985`). Impossible and future dates and `PLACEHOLDERS` are refused; `year_in` says what
    may be saved of an impossible one.
    """
    if len(text) > LONGEST:
        return Unusable(
            "date_unreadable", f"Date of birth: longer than {LONGEST} characters. {_TYPE_IT}"
        )
    if len(text) == 10 and text[4] == text[7] == "-" and text.isascii():
        try:
            return _settled(date.fromisoformat(text), today)
        except ValueError:
            pass  # what looks like ISO may still be a date in another order
    text = " ".join(text.split())
    if match := _YEAR_FIRST.fullmatch(text):
        return _day(match[1], match[3], match[4], today)
    if match := _DAY_FIRST.fullmatch(text):
        return _day(match[4], match[3], match[1], today)
    if match := _COMPACT.fullmatch(text):
        if match[1][:2] in {"18", "19", "20"}:
            return _day(match[1], match[2], match[3], today)
        if len(text) == 8:
            return _day(text[4:], text[2:4], text[:2], today)
    if match := _SERIAL.fullmatch(text):
        return _settled(_EXCEL_EPOCH + timedelta(days=int(match[1])), today)
    if match := _DAY_NAMED.fullmatch(text):
        return _named_day(match[3], match[2], match[1], today)
    if match := _MONTH_NAMED.fullmatch(text):
        return _named_day(match[3], match[1], match[2], today)
    return _roughly(text, today)


def year_in(text: str, today: date) -> tuple[int, ...]:
    """The year in a date whose day or month is impossible (`1985-02-31`), or nothing."""
    match = _YEAR_OF_IMPOSSIBLE.fullmatch(" ".join(text.split())) if len(text) <= LONGEST else None
    if match is None:
        return ()
    year = int(match[1] or match[2])
    return (year,) if _OLDEST_YEAR <= year <= today.year else ()


def meant(text: str, today: date) -> tuple[date, ...]:
    """The dates one slip (a digit mistyped, or exchanged with the next) from an impossible one.

    Of a date of eight digits, with or without signs between, of this century or the last; else
    none.
    """
    text = " ".join(text.split()) if len(text) <= LONGEST else ""
    if match := _YEAR_FIRST.fullmatch(text):
        digits = f"{match[1]}{int(match[3]):02}{int(match[4]):02}"
    elif match := _DAY_FIRST.fullmatch(text):
        digits = f"{match[4]}{int(match[3]):02}{int(match[1]):02}"
    elif match := _COMPACT.fullmatch(text):
        digits = match[1] + match[2] + match[3]
    else:
        return ()
    if len(digits) != 8 or digits[:2] not in {"19", "20"}:
        return ()
    near = {digits[:i] + d + digits[i + 1 :] for i in range(2, 8) for d in "0123456789"}
    near |= {digits[:i] + digits[i + 1] + digits[i] + digits[i + 2 :] for i in range(2, 7)}
    found = []
    for other in sorted(near):
        try:
            born = date(int(other[:4]), int(other[4:6]), int(other[6:]))
        except ValueError:
            continue
        if born <= today and born not in PLACEHOLDERS:
            found.append(born)
    return tuple(found)


_TYPE_IT = "Give day, month and year, for example 27 3 1985, or a year alone."


def _roughly(text: str, today: date) -> Birth | Unusable:
    if match := _YEAR.fullmatch(text):
        around = 2 if match[1] else 0
        year = int(match[2])
        return _years(range(year - around, year + around + 1), today)
    if match := _MONTH_YEAR.fullmatch(text):
        month = int(match[1]) if match[1] else _month(match[2])
        if 1 <= month <= 12:
            return _years(range(int(match[3]), int(match[3]) + 1), today)
    if match := _AGE.fullmatch(text):
        latest = today.year - int(match[3])
        around = 2 if match[1] or match[2] else 0
        first = latest - around if around else latest - 1
        return _years(range(first, latest + around + 1), today)
    return Unusable("date_unreadable", f"Date of birth: cannot be read. {_TYPE_IT}")


def _month(name: str) -> int:
    """1 to 12, or 0 if `name` is not the name of a month or its first letters."""
    return _MONTHS.get(name[:3].lower(), 0)


def _named_day(year: str, month: str, day: str, today: date) -> Birth | Unusable:
    number = _month(month)
    if not number:
        return Unusable("date_unreadable", f"Date of birth: cannot be read. {_TYPE_IT}")
    return _day(year, str(number), day, today)


def _day(year: str, month: str, day: str, today: date) -> Birth | Unusable:
    century = today.year // 100 * 100
    candidates = [int(year)] if len(year) == 4 else [century + int(year), century - 100 + int(year)]
    found: date | None = None
    if int(month) > 12 >= int(day):
        month, day = day, month
    for candidate in candidates:
        try:
            found = date(candidate, int(month), int(day))
        except ValueError:
            continue
        if found <= today:
            break
    if found is None:
        return Unusable(
            "date_impossible",
            f"Date of birth: there is no such day (the day comes first). {_TYPE_IT}",
        )
    return _settled(found, today)


def _settled(born: date, today: date) -> Birth | Unusable:
    if born in PLACEHOLDERS:
        return Unusable(
            "date_placeholder",
            "Date of birth: is one that systems write where they know none. Give the real one or"
            " leave it empty.",
        )
    if born > today:
        return Unusable("date_future", f"Date of birth: lies in the future. {_TYPE_IT}")
    if born.year < _OLDEST_YEAR:
        return Unusable("date_impossible", f"Date of birth: the year is wrong. {_TYPE_IT}")
    return Birth(born, (born.year,))


def _years(years: range, today: date) -> Birth | Unusable:
    kept = tuple(y for y in years if today.year - _OLDEST_AGE <= y <= today.year)
    if not kept:
        return Unusable("date_impossible", f"Date of birth: the year or age is wrong. {_TYPE_IT}")
    return Birth(None, kept)
