"""The scheme: which match keys a person has. Changing anything here makes a new scheme."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from agency_connector.matching import identifiers
from agency_connector.matching.person import Person

SCHEME = "1"
"""Version of normalising, kinds and tables together; an epoch descriptor names it."""

MOST_NAME_KEYS = 12
MOST_IDENTIFIER_KEYS = 4

SEPARATOR = "|"  # cannot occur in a part: names are a-z, dates and postcodes a-z, 0-9 and "-"


class MatchKey(msgspec.Struct, frozen=True):
    """A normalised string of a named kind; two records match where kind and value are equal."""

    kind: str
    value: str

    def __repr__(self) -> str:
        """Name the kind only: the value is personal data."""
        return f"MatchKey({self.kind}, <withheld>)"


class RecordKeys(msgspec.Struct, frozen=True):
    """The keys a record is published under, most telling first, each at most once."""

    names: tuple[MatchKey, ...]
    identifiers: tuple[MatchKey, ...]

    def __repr__(self) -> str:
        """Count the keys only: their values are personal data."""
        return f"RecordKeys({len(self.names)} names, {len(self.identifiers)} identifiers)"


class Facts(msgspec.Struct, frozen=True):
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

    def __repr__(self) -> str:
        """Name the class only: the values are personal data."""
        return "Facts(<withheld>)"


def _pair_with(one: str, other: str, rest: str) -> str | None:
    """Two names in alphabetical order, so that transposed names meet, and a third part."""
    if not (one and other and rest):
        return None
    return f"{one}|{other}|{rest}" if one <= other else f"{other}|{one}|{rest}"


def _two(one: str, other: str) -> str | None:
    return f"{one}|{other}" if one and other else None


def _three(one: str, two: str, three: str) -> str | None:
    return f"{one}|{two}|{three}" if one and two and three else None


def _three_names(f: Facts) -> str | None:
    if not (f.first and f.middle and f.last):
        return None
    return SEPARATOR.join(sorted((f.first, f.middle, f.last)))


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
        lambda f: _pair_with(f.first, f.last, f.born),
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
        lambda f: _pair_with(f.first[:3], f.last[:3], f.born),
    ),
    Kind(
        "forenames-date",
        "first and middle name in alphabetical order; date of birth",
        lambda f: _pair_with(f.first, f.middle, f.born),
    ),
    Kind(
        "names-sector",
        "first name and surname in alphabetical order; postcode sector",
        lambda f: _pair_with(f.first, f.last, f.sector),
    ),
    Kind(
        "postcode-date",
        "postcode; date of birth",
        lambda f: _two(f.unit, f.born),
    ),
    Kind(
        "names-year",
        "first name and surname in alphabetical order; year of a full date of birth",
        lambda f: _pair_with(f.first, f.last, f.year),
    ),
    Kind(
        "names-about",
        "the same for a record without a full date, once for each year that it may be",
        lambda f: _pair_with(f.first, f.last, f.year),
    ),
    Kind(
        "first-district-date",
        "first name; postcode district; date of birth",
        lambda f: _three(f.first, f.district, f.born),
    ),
    Kind(
        "three-names",
        "first name, middle name and surname in alphabetical order",
        _three_names,
    ),
)
"""The kinds made of names, dates and postcodes, most telling first. The documentation's table and
the record's keys both come from here."""

IDENTIFIER_KINDS: tuple[Kind, ...] = tuple(
    Kind(name, f"{label}, valid, in one form", lambda f: None)
    for name, label in identifiers.KINDS.items()
)

_DATED_KINDS = tuple(kind for kind in NAME_KINDS if kind.name != "names-about")
_UNDATED_KINDS = tuple(kind for kind in NAME_KINDS if kind.name != "names-year")

KIND: dict[str, Kind] = {kind.name: kind for kind in NAME_KINDS}


def facts_of(person: Person) -> Facts:
    """The person as typed, before any variation."""
    place = person.postcode
    return Facts(
        first=_whole(person.given),
        initial=person.given[:1],
        middle=next(filter(_whole, person.middles), ""),
        last=_whole(person.family),
        born=person.born.isoformat() if person.born is not None else "",
        year=str(person.years[0]) if person.years else "",
        unit=place.unit if place is not None else "",
        sector=place.sector if place is not None else "",
        district=place.district if place is not None else "",
    )


def _whole(name: str) -> str:
    return name if len(name) > 1 else ""


def record_keys(person: Person) -> RecordKeys:
    """The match keys of one name of a record: at most 12 of names, at most 4 of identifiers.

    Every kind of `NAME_KINDS` that the person's fields allow (`names-year` for a full date,
    `names-about` otherwise, once for each possible year); then, while there is room, `names-date`
    with each part of a double-barrelled surname, `names-date` with the middle name as first name,
    and `surname-date` with each part. A pure function of person and scheme.
    """
    facts = facts_of(person)
    found = [
        MatchKey(kind.name, value)
        for kind in (_DATED_KINDS if facts.born else _UNDATED_KINDS)
        if (value := kind.make(facts)) is not None
    ]
    for kind, other in _further(person, facts):
        if (value := KIND[kind].make(other)) is not None:
            found.append(MatchKey(kind, value))
    return RecordKeys(
        names=tuple(dict.fromkeys(found))[:MOST_NAME_KEYS],
        identifiers=tuple(MatchKey(k, n) for k, n in person.identifiers[:MOST_IDENTIFIER_KEYS]),
    )


def _further(person: Person, facts: Facts) -> Iterator[tuple[str, Facts]]:
    """Kinds and facts of the keys beside the regular ones, most useful first."""
    for year in person.years[1:]:
        yield "names-about", Facts(first=facts.first, last=facts.last, year=str(year))
    parts = [part for part in person.family_parts if len(part) > 1]
    for part in parts:
        yield "names-date", Facts(first=facts.first, last=part, born=facts.born)
    if facts.middle:
        yield "names-date", Facts(first=facts.middle, last=facts.last, born=facts.born)
    for part in parts:
        yield "surname-date", Facts(last=part, born=facts.born)


def kinds_table() -> str:
    """The table of kinds in Markdown, as `docs/decisions/match-keys.md` prints it."""
    lines = ["| kind | built of |", "|---|---|"]
    lines += [f"| `{kind.name}` | {kind.built_of} |" for kind in NAME_KINDS + IDENTIFIER_KINDS]
    return "\n".join(lines) + "\n"
