"""The scheme: which match keys a person has. Changing anything here makes a new scheme."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import msgspec

from agency_connector.matching import identifiers
from agency_connector.matching.person import Person, Postcode

SCHEME = "1"
"""Version of normalising, kinds and tables together; an epoch descriptor names it."""

SCHEMES = frozenset({SCHEME})
"""The schemes whose match keys this version can make."""

MOST_NAME_KEYS = 12
MOST_IDENTIFIER_KEYS = 4

SEPARATOR = "|"  # cannot occur in a part: names are a-z, dates and postcodes a-z, 0-9 and "-"


class MatchKey(msgspec.Struct, frozen=True, gc=False):
    """A normalised string of a named kind; two records match where kind and value are equal."""

    kind: str
    value: str

    def __repr__(self) -> str:
        """Name the kind only: the value is personal data."""
        return f"MatchKey({self.kind}, <withheld>)"


class RecordKeys(msgspec.Struct, frozen=True, gc=False):
    """The keys a record is published under, most telling first, each at most once."""

    names: tuple[MatchKey, ...]
    identifiers: tuple[MatchKey, ...]

    def __repr__(self) -> str:
        """Count the keys only: their values are personal data."""
        return f"RecordKeys({len(self.names)} names, {len(self.identifiers)} identifiers)"


class Facts(msgspec.Struct, frozen=True, gc=False):
    """What a compound key is made of, "" where it is not known; a lookup varies one at a time.

    Names are whole: of a first name that is an initial alone, only `initial` is set.
    """

    first: str = ""
    initial: str = ""
    middle: str = ""
    last: str = ""
    born: str = ""
    year: str = ""
    unit: str = ""
    sector: str = ""
    district: str = ""
    wide: bool = False

    def __repr__(self) -> str:
        """Name the class only: the values are personal data."""
        return "Facts(<withheld>)"


def pair_key(one: str, other: str, rest: str) -> str:
    """Two names in alphabetical order, so that transposed names meet, and a third part."""
    return f"{one}|{other}|{rest}" if one <= other else f"{other}|{one}|{rest}"


def names_key(one: str, other: str) -> str:
    """Two names in alphabetical order."""
    return f"{one}|{other}" if one <= other else f"{other}|{one}"


def single_key(*parts: str) -> str:
    """Parts whose order is fixed."""
    return SEPARATOR.join(parts)


def triple_key(f: Facts) -> str:
    """First name, middle name and surname in alphabetical order."""
    return SEPARATOR.join(sorted((f.first, f.middle, f.last)))


def _pair(one: str, other: str, rest: str) -> str | None:
    return pair_key(one, other, rest) if one and other and rest else None


def _names(f: Facts) -> str | None:
    return names_key(f.first, f.last) if f.first and f.last else None


def _two(one: str, other: str) -> str | None:
    return f"{one}|{other}" if one and other else None


def _three(one: str, other: str, third: str) -> str | None:
    return f"{one}|{other}|{third}" if one and other and third else None


def _triple(f: Facts) -> str | None:
    return triple_key(f) if f.first and f.middle and f.last else None


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of match key: its name (part of the token), what it is built of, and how."""

    name: str
    built_of: str
    make: Callable[[Facts], str | None]


NAME_KINDS: tuple[Kind, ...] = (
    Kind(
        "names-date",
        "first name and surname in alphabetical order; date of birth",
        lambda f: _pair(f.first, f.last, f.born),
    ),
    Kind(
        "surname-date",
        "surname; date of birth",
        lambda f: _two(f.last, f.born),
    ),
    Kind(
        "first-date",
        "first name; date of birth",
        lambda f: _two(f.first, f.born),
    ),
    Kind(
        "initial-surname-date",
        "first letter of the first name; surname; date of birth",
        lambda f: _three(f.initial, f.last, f.born),
    ),
    Kind(
        "stems-date",
        "three letters each of first name and surname in alphabetical order; date of birth",
        lambda f: _pair(f.first[:3], f.last[:3], f.born),
    ),
    Kind(
        "ending-surname-date",
        "last three letters of the first name; surname; date of birth",
        lambda f: _three(f.first[-3:], f.last, f.born),
    ),
    Kind(
        "forenames-date",
        "first and middle name in alphabetical order; date of birth",
        lambda f: _pair(f.first, f.middle, f.born),
    ),
    Kind(
        "names-sector",
        "first name and surname in alphabetical order; postcode sector",
        lambda f: _pair(f.first, f.last, f.sector),
    ),
    Kind(
        "postcode-date",
        "postcode; date of birth",
        lambda f: _two(f.unit, f.born),
    ),
    Kind(
        "names-year",
        "first name and surname in alphabetical order; year of a full date of birth",
        lambda f: _pair(f.first, f.last, f.year),
    ),
    Kind(
        "names-about",
        "the same for a record without a full date, once for each year that it may be",
        lambda f: _pair(f.first, f.last, f.year),
    ),
    Kind(
        "first-district-date",
        "first name; postcode district; date of birth",
        lambda f: _three(f.first, f.district, f.born),
    ),
    Kind(
        "three-names",
        "first name, middle name and surname in alphabetical order",
        _triple,
    ),
    Kind(
        "undated-three",
        "the same for a record without a full date",
        _triple,
    ),
    Kind(
        "undated-sector",
        "first name and surname in alphabetical order; postcode sector; without a full date",
        lambda f: _pair(f.first, f.last, f.sector),
    ),
    Kind(
        "undated-names",
        "first name and surname in alphabetical order; without a full date",
        _names,
    ),
)
"""The kinds made of names, dates and postcodes, most telling first. The documentation's table and
the record's keys both come from here."""

IDENTIFIER_KINDS: tuple[Kind, ...] = tuple(
    Kind(name, f"{label}, valid, in one form", lambda f: None)
    for name, label in identifiers.KINDS.items()
)

KIND: dict[str, Kind] = {kind.name: kind for kind in NAME_KINDS}

_UNDATED = ("undated-sector", "undated-three", "names-about", "undated-names")
_LAST = ("names-year", "three-names")
_DATED_KINDS = (
    tuple(kind for kind in NAME_KINDS if kind.name not in _UNDATED + _LAST),
    tuple(kind for kind in NAME_KINDS if kind.name in _LAST),
)
_UNDATED_KINDS = (tuple(kind for kind in NAME_KINDS if kind.name in _UNDATED), ())
"""The kinds of a record with and without a full date: those that come before the parts of a
double surname, and those after."""


def facts_of(person: Person) -> Facts:
    """The person as typed, before any variation."""
    place = person.postcode or _NOWHERE
    return Facts(
        first=_whole(person.given),
        initial=person.given[:1],
        middle=next(filter(_whole, person.middles), "") if person.middles else "",
        last=_whole(person.family),
        born=person.born.isoformat() if person.born is not None else "",
        year=str(person.years[0]) if person.years else "",
        unit=place.unit,
        sector=place.sector,
        district=place.district,
        wide=place.wide,
    )


_NOWHERE = Postcode("", "", "")


def _whole(name: str) -> str:
    return name if len(name) > 1 else ""


def record_keys(person: Person) -> RecordKeys:
    """The match keys of one name of a record: at most 12 of names, at most 4 of identifiers.

    Every kind of `NAME_KINDS` that the person's fields allow: those for records without a full
    date where there is none, `names-about` once for each possible year. `names-date` stands also
    for each part of a double surname, before `names-year` and `three-names`; while there is room,
    also for the middle name used as first name, and `surname-date` for each part. A pure function
    of person and scheme.
    """
    facts = facts_of(person)
    first_kinds, last_kinds = _DATED_KINDS if facts.born else _UNDATED_KINDS
    found = _made(first_kinds, facts)
    parts = [part for part in person.family_parts if len(part) > 1]
    for part in parts:
        found += _made(_NAMES_DATE, Facts(facts.first, last=part, born=facts.born))
    found += _made(last_kinds, facts)
    for year in person.years[1:]:
        found += _made(_NAMES_ABOUT, Facts(facts.first, last=facts.last, year=str(year)))
    if facts.middle:
        found += _made(_NAMES_DATE, Facts(facts.middle, last=facts.last, born=facts.born))
    for part in parts:
        found += _made(_SURNAME_DATE, Facts(last=part, born=facts.born))
    return RecordKeys(
        names=tuple(dict.fromkeys(found) if parts or facts.middle else found)[:MOST_NAME_KEYS],
        identifiers=tuple(MatchKey(k, n) for k, n in person.identifiers[:MOST_IDENTIFIER_KEYS])
        if person.identifiers
        else (),
    )


def subject_keys(people: Sequence[Person]) -> RecordKeys:
    """The match keys of one person under several names, each list in turn, as many as for one.

    Args:
        people: the person under each name, the usual one first.
    """
    if len(people) == 1:
        return record_keys(people[0])
    found = [record_keys(person) for person in people]
    names = (key for turn in zip_longest(*(keys.names for keys in found)) for key in turn)
    numbers = (key for keys in found for key in keys.identifiers)
    return RecordKeys(
        names=tuple(dict.fromkeys(key for key in names if key is not None))[:MOST_NAME_KEYS],
        identifiers=tuple(dict.fromkeys(numbers))[:MOST_IDENTIFIER_KEYS],
    )


_NAMES_DATE = (KIND["names-date"],)
_NAMES_ABOUT = (KIND["names-about"],)
_SURNAME_DATE = (KIND["surname-date"],)


def _made(kinds: Sequence[Kind], of: Facts) -> list[MatchKey]:
    return [MatchKey(kind.name, value) for kind in kinds if (value := kind.make(of)) is not None]


def kinds_table() -> str:
    """The table of kinds in Markdown, as `docs/matching.md` prints it."""
    lines = ["| kind | built of |", "|---|---|"]
    lines += [f"| `{kind.name}` | {kind.built_of} |" for kind in NAME_KINDS + IDENTIFIER_KINDS]
    return "\n".join(lines) + "\n"
