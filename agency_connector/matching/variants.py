"""Other names and dates that a colleague may have written for the same person."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from functools import cache, lru_cache
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
    century = born.year // 100 * 100
    near = [
        (_date(born.year, born.month, day), weight)
        for day, weight in _slipped(born.day)
        if 1 <= day <= 31
    ]
    near += [
        (_date(born.year, month, born.day), weight)
        for month, weight in _slipped(born.month)
        if 1 <= month <= 12
    ]
    near += [
        (_date(century + year, born.month, born.day), weight)
        for year, weight in _slipped(born.year % 100)
    ]
    if century in (1900, 2000):
        other = _date(born.year + (100 if century == 1900 else -100), born.month, born.day)
        near.append((other, 1.0))
    swap = swapped(born)
    found = {other: weight for other, weight in near if other is not None and other != swap}
    whole = sum(found.values())
    return [(other, found[other] / whole) for other in sorted(found)]


@cache
def _slipped(number: int) -> tuple[tuple[int, float], ...]:
    """The numbers of two digits that are one slip from `number`, each with its weight."""
    two = f"{number:02}"
    found = {int(digit + two[1]): 1.0 for digit in "0123456789"}
    found |= {int(two[0] + digit): 1.0 for digit in "0123456789"}
    found |= {int(two[1] + two[0]): 3.0, (number - 1) % 100: 3.0, (number + 1) % 100: 3.0}
    found.pop(number, None)
    return tuple(found.items())


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
