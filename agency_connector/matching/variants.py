"""Other names and dates that a colleague may have written for the same person."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from string import ascii_lowercase

from agency_connector.matching import tables

MOST_KNOWN = 16
MOST_NEIGHBOURS = 12

_ENDINGS = (
    ("ski", "ska"),
    ("cki", "cka"),
    ("dzki", "dzka"),
    ("ov", "ova"),
    ("ev", "eva"),
    ("in", "ina"),
    ("enko", "enka"),
)
_SPELLINGS = (("ae", "a"), ("oe", "o"), ("ue", "u"), ("ph", "f"), ("mac", "mc"), ("saint", "st"))


@lru_cache(maxsize=16_384)
def known_forenames(name: str) -> tuple[str, ...]:
    """Nicknames, full forms and spellings of a first name, commonest first."""
    return tables.forename_variants().get(name, ())[:MOST_KNOWN]


@lru_cache(maxsize=16_384)
def known_surnames(name: str) -> tuple[str, ...]:
    """Spellings of a surname: listed ones, then by rule (-ski/-ska, -ov/-ova, Mac/Mc, ue/u, O')."""
    found = dict.fromkeys(tables.surname_variants().get(name, ()))
    for male, female in _ENDINGS:
        if name.endswith(female):
            found[name[: -len(female)] + male] = None
        elif name.endswith(male) and len(name) > len(male) + 2:
            found[name[: -len(male)] + female] = None
    for one, other in _SPELLINGS:
        if one in name:
            found[name.replace(one, other, 1)] = None
    if name.startswith("mc") and len(name) > 4:
        found["mac" + name[2:]] = None
    if name.startswith("o") and name[1:] in tables.surnames():
        found[name[1:]] = None
    elif "o" + name in tables.surnames():
        found["o" + name] = None
    return tuple(other for other in found if other != name and len(other) > 1)[:MOST_KNOWN]


@lru_cache(maxsize=16_384)
def forename_neighbours(name: str) -> tuple[str, ...]:
    """First names of the tables at one edit, commonest first."""
    return _neighbours(name, tables.forenames(), lambda other: max(tables.forenames()[other]))


@lru_cache(maxsize=16_384)
def surname_neighbours(name: str) -> tuple[str, ...]:
    """Surnames of the tables at one edit, commonest first."""
    return _neighbours(name, tables.surnames(), lambda other: tables.surnames()[other])


def _neighbours(
    name: str, known: Mapping[str, object], rank: Callable[[str], int]
) -> tuple[str, ...]:
    if not 3 <= len(name) <= 40:
        return ()
    found = [other for other in one_edit(name) if len(other) > 1 and other in known]
    return tuple(sorted(found, key=lambda other: (-rank(other), other))[:MOST_NEIGHBOURS])


def one_edit(word: str) -> Collection[str]:
    """All strings at one insertion, deletion, substitution or exchange of neighbouring letters."""
    cuts = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    found = {a + b[1:] for a, b in cuts if b}
    found |= {a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1}
    found |= {a + c + b[1:] for a, b in cuts if b for c in ascii_lowercase}
    found |= {a + c + b for a, b in cuts for c in ascii_lowercase}
    found.discard(word)
    return found


def swapped(born: date) -> date | None:
    """Day and month exchanged, where that is another date."""
    return _date(born.year, born.day, born.month) if born.day != born.month else None


def slips(born: date) -> Sequence[tuple[date, float]]:
    """Dates one slip away in order of time, each with its share of all slips.

    A slip is one digit mistyped, two neighbouring digits exchanged within day, month or year, or
    the wrong century; the next day or year is a likelier one, since people miscount too.
    """
    day, month, year = f"{born.day:02}", f"{born.month:02}", f"{born.year % 100:02}"
    century = born.year // 100 * 100
    found: dict[date, float] = {}

    def add(other: date | None, weight: float) -> None:
        if other is not None and other not in (born, swapped(born)):
            found[other] = max(found.get(other, 0.0), weight)

    for text, weight in _slipped(day):
        add(_date(born.year, born.month, int(text)), weight)
    for text, weight in _slipped(month):
        add(_date(born.year, int(text), born.day), weight)
    for text, weight in _slipped(year):
        add(_date(century + int(text), born.month, born.day), weight)
    if century in (1900, 2000):
        add(_date(born.year + (100 if century == 1900 else -100), born.month, born.day), 1.0)
    whole = sum(found.values())
    return [(other, found[other] / whole) for other in sorted(found)]


def _slipped(two: str) -> Iterator[tuple[str, float]]:
    for digit in "0123456789":
        yield digit + two[1], 1.0
        yield two[0] + digit, 1.0
    yield two[1] + two[0], 3.0
    for near in (int(two) - 1, int(two) + 1):
        yield f"{near % 100:02}", 3.0


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
