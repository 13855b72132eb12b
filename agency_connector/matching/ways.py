"""The ways in which two records of one person differ, each with its keys and its evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from msgspec.structs import replace

from agency_connector.matching import communities, shares, tables, variants
from agency_connector.matching.grading import Evidence
from agency_connector.matching.person import Person
from agency_connector.matching.scheme import (
    Facts,
    facts_of,
    names_key,
    pair_key,
    single_key,
    triple_key,
)

# How often a record of the same person agrees in just this way (docs/matching.md says where each
# number is from). They need be right to a factor of two, no better.
EXACT = 0.75
FIRST_VARIANT = 0.02
FIRST_SLIP = 0.03
LAST_VARIANT = 0.01
LAST_SLIP = 0.035
LAST_PART = 0.15  # of those with a double surname
MIDDLE_FIRST = 0.01
JOINED = 0.005
DATE_SWAPPED = 0.004
DATE_SLIP = 0.010
DATE_NEW_YEAR = 0.001
DATE_OTHER = 0.008
DATE_MISSING = 0.010
FIRST_OTHER = 0.005
FIRST_INITIAL = 0.03
FIRST_ENDING = 0.015
STEMS = 0.03
LAST_OTHER = 0.035
TRANSPOSED = 0.004
NAMES_OTHER = 0.004
NEW_YEAR_STANDS = 0.3  # of the dates that are 1 January
UNDATED = 0.03  # of the records

SAME_PLACE = 0.5
SAME_MIDDLE = 0.5
ELSEWHERE = 1 / 0.4  # a postcode that could have agreed and did not
OTHER_MIDDLE = 2.0
UNIT = 6e-6 / SAME_PLACE
SECTOR = 4e-4 / 0.53
DISTRICT = 2e-3 / 0.6
SLIPS_A_LETTER = 20  # of the slips that hands make; there are 53, most of them rare
LIKELY_A_SLIP = 0.1  # the chance at which a second slip, in the date, is looked for too
NEVER_LISTED = 0.2  # people per million with a name that no table lists
MIDDLE_AT_LEAST = 0.005
MIDDLE_UNDATED = 0.03  # in a small community that the tables do not know
MIDDLE_NAME_EXCESS = 3.0  # middle names are fewer and commoner than first names

NEVER_MORE_THAN_POSSIBLE = 6.0
NEVER_STRONG = 0.8
"""Strangers per right record, at least, of what compares no day of birth: two names and perhaps a
year; three names. Only another fact (the middle name, the area) makes it surer."""

# Kin, as strangers per million: no table of names shows them. A twin whose first name differs is
# never strong: `kin / right` is above that cut-off wherever the whole first name is not compared.
TWIN = 0.03  # shares surname, date and often the place
TWIN_UNNAMED = 0.15  # where a name is missing, so that no name can tell the twin
TWIN_INITIAL = 0.015
TWIN_STEM = 0.0015
TWIN_ENDING = 0.009
NAMESAKE = 0.0002  # of one name and one day
PARENT = 0.006  # a father or mother of the same name in the same place


_YEARS_AWAY = ((0, 0.25), (1, 0.15), (2, 0.1), (3, 0.05))  # part of the wholly other dates, each
_ANY_YEAR = range(1930, 2010)


class Way(NamedTuple):
    """One key of a lookup before it is graded."""

    kind: str
    value: str
    because: str
    evidence: Evidence


def ways(person: Person) -> Iterator[Way]:
    """Every key that a record of the person may be found under, with its evidence."""
    facts = facts_of(person)
    if person.born is None:
        yield from _without_date(person, facts)
        yield from _with_date_meant(person, facts)
    else:
        yield from _names_and_date(person, facts, person.born)
        yield from _parts_and_date(person, facts)
        yield from _names_without_date(person, facts)


def _names_and_date(person: Person, f: Facts, born: date) -> Iterator[Way]:
    """`names-date` with every variant of first name, surname and date."""
    if not (f.first and f.last):
        return
    year, day = born.year, shares.born_on(f.born) / 1e6
    place = ELSEWHERE if f.district else 1.0
    middle = OTHER_MIDDLE if f.middle else 1.0

    def way(first: str, last: str, when: str, because: str, right: float, kin: float,
            place: float = 1.0, middle: float = 1.0, day: float = day) -> Way:  # fmt: skip
        strangers = shares.pair(first, last, year) * day
        evidence = Evidence(strangers, kin, right, place, middle)
        return Way("names-date", pair_key(first, last, when), because, evidence)

    yield way(f.first, f.last, f.born, _EXACT, EXACT, NAMESAKE, place, middle)
    for first, right in _spread(variants.known_forenames(f.first), FIRST_VARIANT, year):
        kin = TWIN * shares.forename(first, year) / 1e6
        yield way(first, f.last, f.born, _FIRST_VARIANT, right, kin)
    for first, right in _slipped_firsts(f.first):
        kin = TWIN * shares.forename(first, year) / 1e6
        yield way(first, f.last, f.born, _FIRST_SLIP, right, kin)
    for last, right in _even(variants.known_surnames(f.last), LAST_VARIANT):
        yield way(f.first, last, f.born, _LAST_VARIANT, right, 0.0, place, middle)
    for last, right in _slipped_lasts(f.last):
        yield way(f.first, last, f.born, _LAST_SLIP, right, 0.0, place, middle)
    for first, last, right in _both_slipped(f):
        yield way(first, last, f.born, _BOTH_SLIPS, right, 0.0)
    for last in person.family_parts:
        yield way(f.first, last, f.born, _LAST_PART, LAST_PART, NAMESAKE, place, middle)
    if f.middle:
        yield way(f.middle, f.last, f.born, _MIDDLE_FIRST, MIDDLE_FIRST, TWIN_ENDING)
        yield way(f.first + f.middle, f.last, f.born, _JOINED, JOINED, 0.0)
    swap, slips = variants.swapped(born), variants.slips(born)
    if swap is not None:
        yield way(f.first, f.last, swap.isoformat(), _DATE_SWAPPED, DATE_SWAPPED, 0.0)
    for other, weight in slips:
        yield way(f.first, f.last, other.isoformat(), _DATE_SLIP, DATE_SLIP * weight, 0.0)
    for first, last, right in _likely_slips(f):
        if swap is not None:
            right_of_swap = DATE_SWAPPED * right
            yield way(first, last, swap.isoformat(), _NAME_AND_DATE, right_of_swap, 0.0)
        for other, weight in slips:
            right_of_slip = DATE_SLIP * weight * right
            yield way(first, last, other.isoformat(), _NAME_AND_DATE, right_of_slip, 0.0)
    if not f.born.endswith("-01-01"):
        first_day = f"{f.born[:4]}-01-01"
        yield way(f.first, f.last, first_day, _NEW_YEAR, DATE_NEW_YEAR,
                  NEVER_MORE_THAN_POSSIBLE * DATE_NEW_YEAR,
                  day=shares.born_on(first_day) / 1e6)  # fmt: skip


def _parts_and_date(person: Person, f: Facts) -> Iterator[Way]:
    """The kinds that leave a name out, or a part of it; the date agrees."""
    year = int(f.year)
    everyone = shares.born_on(f.born)
    day = everyone / 1e6
    elsewhere = ELSEWHERE if f.district else 1.0
    other_middle = OTHER_MIDDLE if f.middle else 1.0
    if f.last:
        for last, because, right in _lasts(person, f):
            strangers = shares.surname(last) * day
            found = Evidence(strangers, TWIN, right)
            yield Way("surname-date", single_key(last, f.born), because, found)
            if f.initial:
                strangers = shares.pair(f.initial + "*", last, year) * day
                share = FIRST_INITIAL / FIRST_OTHER if f.first else EXACT / FIRST_OTHER
                found = Evidence(strangers, TWIN_INITIAL, right * share)
                value = single_key(f.initial, last, f.born)
                yield Way("initial-surname-date", value, _INITIALS[because], found)
    if f.unit:
        unit = DISTRICT if f.wide else UNIT
        named = f.first and f.last
        kin, right = (TWIN, NAMES_OTHER) if named else (TWIN_UNNAMED, EXACT / 3)
        found = Evidence(everyone, kin, right, unit)
        yield Way("postcode-date", single_key(f.unit, f.born), _POSTCODE, found)
    if not f.first:
        return
    if f.last:
        strangers = shares.pair(f.first[:3] + "*", f.last[:3] + "*", year) * day
        value = pair_key(f.first[:3], f.last[:3], f.born)
        yield Way("stems-date", value, _STEMS, Evidence(strangers, TWIN_STEM, STEMS))
    if f.last:
        # No table of endings: as many share one as share an initial, to be on the safe side.
        strangers = shares.pair(f.initial + "*", f.last, year) * day
        value = single_key(f.first[-3:], f.last, f.born)
        found = Evidence(strangers, TWIN_ENDING, FIRST_ENDING)
        yield Way("ending-surname-date", value, _ENDING, found)
    for first, because, right in _firsts(f, year):
        strangers = shares.forename(first, year) * day
        if f.district:
            found = Evidence(strangers, 0.0, LAST_OTHER * right, DISTRICT, other_middle)
            value = single_key(first, f.district, f.born)
            yield Way("first-district-date", value, _IN_DISTRICT[because], found)
        found = Evidence(strangers, 0.0, LAST_OTHER * right, elsewhere, other_middle)
        yield Way("first-date", single_key(first, f.born), because, found)
    strangers = shares.forename(f.first, year) * day
    if f.middle:
        found = Evidence(strangers, 0.0, LAST_OTHER, elsewhere, _middle_share(f, year))
        yield Way("forenames-date", pair_key(f.first, f.middle, f.born), _FORENAMES, found)


def _names_without_date(person: Person, f: Facts) -> Iterator[Way]:
    """The kinds that compare no day of birth, of a person whose date is known."""
    if not (f.first and f.last):
        return
    year = int(f.year)
    held = _undated(f.first, f.last, year)
    in_a_year = held * shares.BORN_IN_ONE_YEAR / 1e6
    stands = NEW_YEAR_STANDS if f.born.endswith("-01-01") else 0.0
    for away, part in _YEARS_AWAY:
        for other in {year - away, year + away}:
            right = DATE_OTHER * part + (stands if not away else 0.0)
            value = pair_key(f.first, f.last, str(other))
            yield Way("names-year", value, _YEAR, _possibly(Evidence(in_a_year, 0.0, right)))
    undated = held * UNDATED
    about = _possibly(Evidence(in_a_year * UNDATED, 0.0, DATE_MISSING / 2))
    yield Way("names-about", pair_key(f.first, f.last, f.year), _ABOUT, about)
    found = _possibly(Evidence(undated, 0.0, DATE_MISSING, ELSEWHERE if f.sector else 1.0))
    yield Way("undated-names", names_key(f.first, f.last), _UNDATED, found)
    yield from _named_place(person, f, "undated-sector", UNDATED, DATE_MISSING)
    yield from _named_place(person, f, "names-sector", 1.0, DATE_OTHER)
    if f.middle:
        middle = _middle_share(f, year, MIDDLE_UNDATED)
        found = _likely(Evidence(undated, 0.0, DATE_MISSING, 1.0, middle))
        yield Way("undated-three", triple_key(f), _THREE, found)
        found = _likely(Evidence(held, 0.0, DATE_OTHER, 1.0, middle))
        yield Way("three-names", triple_key(f), _THREE, found)


def _without_date(person: Person, f: Facts) -> Iterator[Way]:
    """The kinds that compare no day of birth, of a person for whom none is known."""
    if not (f.first and f.last):
        return
    known = person.years[0] if len(person.years) == 1 else None
    held = _undated(f.first, f.last, known)
    place = ELSEWHERE if f.sector else 1.0
    years = person.years or _ANY_YEAR
    for year in years:
        in_a_year = held * shares.BORN_IN_ONE_YEAR / 1e6
        found = _possibly(Evidence(in_a_year, 0.0, EXACT / len(years), place))
        for kind in ("names-year", "names-about") if person.years else ("names-year",):
            yield Way(kind, pair_key(f.first, f.last, str(year)), _YEAR, found)
    if known is not None:
        for first, last, right in _name_slips(f, known):
            in_a_year = _undated(first, last, known) * shares.BORN_IN_ONE_YEAR / 1e6
            found = _possibly(Evidence(in_a_year, 0.0, EXACT * right, place))
            yield Way("names-year", pair_key(first, last, f.year), _YEAR_SLIP, found)
    found = _possibly(Evidence(held * UNDATED, 0.0, DATE_MISSING, place))
    yield Way("undated-names", names_key(f.first, f.last), _UNDATED, found)
    for kind, part in (("undated-sector", UNDATED), ("names-sector", 1.0)):
        yield from _named_place(person, f, kind, part, EXACT * part)
    if f.middle:
        middle = _middle_share(f, known, MIDDLE_UNDATED)
        for kind, part in (("undated-three", UNDATED), ("three-names", 1.0)):
            found = _likely(Evidence(held * part, 0.0, EXACT * part, 1.0, middle))
            yield Way(kind, triple_key(f), _THREE, found)


def _with_date_meant(person: Person, f: Facts) -> Iterator[Way]:
    """The kinds of a full date, for each date one slip from the impossible one that was given."""
    each = 1 / max(len(person.meant), 1)
    for born in person.meant:
        facts = replace(f, born=born.isoformat(), year=str(born.year))
        if f.first and f.last:
            strangers = shares.pair(f.first, f.last, born.year) * shares.born_on(facts.born) / 1e6
            value = pair_key(f.first, f.last, facts.born)
            found = Evidence(strangers, NAMESAKE, EXACT * each)
            yield Way("names-date", value, f"{_EXACT}; {_MEANT}", found)
        for way in _parts_and_date(person, facts):
            found = replace(way.evidence, right=way.evidence.right * each)
            yield Way(way.kind, way.value, f"{way.because}; {_MEANT}", found)


def _named_place(person: Person, f: Facts, kind: str, part: float, right: float) -> Iterator[Way]:
    """Names and postcode sector, with the variants of both names.

    `part` of all records can have the kind at all.
    """
    if not f.sector:
        return
    year = int(f.year) if f.year else None

    def way(first: str, last: str, because: str, right: float) -> Way:
        strangers = _undated(first, last, year) * part
        place = DISTRICT if f.wide else SECTOR
        found = Evidence(strangers, PARENT * part, right, place)
        return Way(kind, pair_key(first, last, f.sector), because, found)

    yield way(f.first, f.last, _SECTOR, right)
    for first, share in _first_variants(f.first, year):
        yield way(first, f.last, _SECTOR_FIRST, right * share)
    for last, share in _slipped_lasts(f.last):
        yield way(f.first, last, _SECTOR_LAST, right * share)
    for last in person.family_parts:
        yield way(f.first, last, _SECTOR_LAST, right * LAST_PART)
    for first, last, share in _both_slipped(f):
        yield way(first, last, _SECTOR_BOTH, right * share)
    if f.middle:
        yield way(f.first + f.middle, f.last, _SECTOR_JOINED, right * JOINED)


def _lasts(person: Person, f: Facts) -> Iterator[tuple[str, str, float]]:
    """The surname and its variants, for kinds that leave the first name out."""
    yield f.last, _SURNAME, FIRST_OTHER
    for last in person.family_parts:
        yield last, _SURNAME_PART, FIRST_OTHER * LAST_PART
    for last, right in _even(variants.known_surnames(f.last), LAST_VARIANT):
        yield last, _SURNAME_VARIANT, FIRST_OTHER * right
    for last, right in _slipped_lasts(f.last):
        yield last, _SURNAME_SLIP, FIRST_OTHER * right


def _firsts(f: Facts, year: int) -> Iterator[tuple[str, str, float]]:
    """The first name and its variants, for the kinds that leave the surname out."""
    yield f.first, _FIRST_ONLY, 1.0
    for name, right in _first_variants(f.first, year):
        yield name, _FIRST_ONLY_VARIANT, right
    if f.middle:
        yield f.first + f.middle, _FIRST_ONLY_VARIANT, JOINED
    if f.last:
        yield f.last, _TRANSPOSED, TRANSPOSED


def _name_slips(f: Facts, year: int) -> Iterator[tuple[str, str, float]]:
    for first, right in _first_variants(f.first, year):
        yield first, f.last, right
    for last, right in _slipped_lasts(f.last):
        yield f.first, last, right


def _both_slipped(f: Facts) -> Iterator[tuple[str, str, float]]:
    """The likeliest neighbour of each name, where both may be slips."""
    firsts, lasts = _slipped_firsts(f.first), _slipped_lasts(f.last)
    if firsts and lasts:
        first, one = max(firsts, key=lambda pair: pair[1])
        last, other = max(lasts, key=lambda pair: pair[1])
        yield first, last, one * other


def _likely_slips(f: Facts) -> Iterator[tuple[str, str, float]]:
    """One name exchanged for its likeliest neighbour, where the typed one is likely a slip."""
    for name, right in _slipped_firsts(f.first):
        if right > LIKELY_A_SLIP:
            yield name, f.last, right
    for name, right in _slipped_lasts(f.last):
        if right > LIKELY_A_SLIP:
            yield f.first, name, right


def _first_variants(name: str, year: int | None) -> Iterator[tuple[str, float]]:
    yield from _spread(variants.known_forenames(name), FIRST_VARIANT, year)
    yield from _slipped_firsts(name)


def _possibly(evidence: Evidence) -> Evidence:
    """The same, but by itself never more than possible: a year fits too many."""
    return replace(evidence, kin=max(evidence.kin, NEVER_MORE_THAN_POSSIBLE * evidence.right))


def _likely(evidence: Evidence) -> Evidence:
    """The same, but by itself never strong: three names are not a person."""
    return replace(evidence, kin=max(evidence.kin, NEVER_STRONG * evidence.right))


def _undated(first: str, last: str, year: int | None) -> float:
    return max(shares.pair(first, last, year), shares.TOGETHER_WITHOUT_DAY)


def _middle_share(f: Facts, year: int | None, least: float = MIDDLE_AT_LEAST) -> float:
    """By how much an equal middle name multiplies the strangers."""
    share = shares.forename(f.middle, year) * MIDDLE_NAME_EXCESS / 1e6
    through = 0.0
    if f.last:
        joint = shares.pair(f.first, f.last, year)
        through = communities.middle_share(f.first, f.middle, f.last, joint)
    return max(share, through, least) / SAME_MIDDLE


def _even(names: Sequence[str], right: float) -> Iterator[tuple[str, float]]:
    for name in names:
        yield name, right / len(names)


def _spread(names: Sequence[str], right: float, year: int | None) -> Iterator[tuple[str, float]]:
    """Variants of a first name, each as likely as it is common."""
    weights = [shares.forename(name, year) for name in names]
    whole = sum(weights)
    for name, weight in zip(names, weights, strict=True):
        yield name, right * weight / whole


@lru_cache(maxsize=16_384)
def _slipped_firsts(name: str) -> tuple[tuple[str, float], ...]:
    near = variants.forename_neighbours(name)
    return _meant(name, near, FIRST_SLIP, shares.forename_best())


@lru_cache(maxsize=16_384)
def _slipped_lasts(name: str) -> tuple[tuple[str, float], ...]:
    near = variants.surname_neighbours(name)
    return _meant(name, near, LAST_SLIP, tables.surnames())


def _meant(
    typed: str, near: Sequence[str], rate: float, listed: Mapping[str, float]
) -> tuple[tuple[str, float], ...]:
    """How likely each neighbour is what a record of the person holds.

    Either the typed name is a slip for the neighbour (likely where the typed one is rare and the
    neighbour common) or the neighbour is a slip for the typed name: Bayes' rule with one chance
    in `SLIPS_A_LETTER` x letters for each particular slip.
    """
    one = rate / (SLIPS_A_LETTER * len(typed))
    held = listed.get(typed, NEVER_LISTED)
    whole = held + one * sum(listed.get(name, NEVER_LISTED) for name in near)
    return tuple((name, one * (listed.get(name, NEVER_LISTED) + held) / whole) for name in near)


_EXACT = "same first name, surname and date of birth"
_MEANT = "the date given is impossible, this one is a slip away from it"
_FIRST_VARIANT = "same surname and date of birth; first name is a known variant"
_FIRST_SLIP = "same surname and date of birth; first name differs by one letter"
_LAST_VARIANT = "same first name and date of birth; surname is a known spelling"
_LAST_SLIP = "same first name and date of birth; surname differs by one letter"
_BOTH_SLIPS = "same date of birth; first name and surname each differ by one letter"
_NAME_AND_DATE = (
    "one name is the same, one differs by one letter; one digit of the date of birth differs"
)
_LAST_PART = "same first name and date of birth; surname is one part of a double surname"
_MIDDLE_FIRST = "same surname and date of birth; middle name is used as first name"
_JOINED = "same names and date of birth; first and middle name are written as one"
_DATE_SWAPPED = "same first name and surname; day and month of birth are exchanged"
_DATE_SLIP = "same first name and surname; one digit of the date of birth differs"
_NEW_YEAR = (
    "same first name, surname and year of birth; day and month stand as the first of January"
)
_YEAR = "same first name and surname, possibly about the same year of birth; no day was compared"
_YEAR_SLIP = (
    "same year of birth; one name is the same, the other differs by one letter or is a known"
    " variant; no day was compared"
)
_ABOUT = "same first name and surname, possibly the same year of birth; the record has no full date"
_UNDATED = "same first name and surname; the record has no date of birth"
_SURNAME = "same surname and date of birth; first name was not compared"
_SURNAME_PART = "same date of birth and one part of a double surname; first name was not compared"
_SURNAME_VARIANT = "same date of birth; surname is a known spelling; first name was not compared"
_SURNAME_SLIP = "same date of birth; surname differs by one letter; first name was not compared"
_STEMS = "same first three letters of first name and surname, same date of birth"
_FIRST_ONLY = "same first name and date of birth; surname was not compared"
_FORENAMES = "same first name, middle name and date of birth; surname was not compared"
_ENDING = "same surname, date of birth and ending of the first name; its beginning differs"
_FIRST_ONLY_VARIANT = (
    "same date of birth; first name is a variant or differs by one letter; surname was not compared"
)
_TRANSPOSED = (
    "same date of birth; the surname stands as first name; the other name was not compared"
)
_IN_DISTRICT = {
    _FIRST_ONLY: "same first name, area and date of birth; surname was not compared",
    _FIRST_ONLY_VARIANT: (
        "same area and date of birth; first name is a variant or differs by one letter; surname was"
        " not compared"
    ),
    _TRANSPOSED: (
        "same area and date of birth; the surname stands as first name; the other name was not"
        " compared"
    ),
}
_POSTCODE = "same postcode and date of birth; names were not compared"
_SECTOR = "same first name, surname and area; date of birth was not compared"
_SECTOR_FIRST = (
    "same surname and area; first name differs by one letter or is a known variant; date of birth"
    " was not compared"
)
_SECTOR_LAST = (
    "same first name and area; surname differs by one letter or is a part of it; date of birth was"
    " not compared"
)
_SECTOR_JOINED = (
    "same names and area; first and middle name are written as one; date of birth was not compared"
)
_SECTOR_BOTH = (
    "same area; first name and surname each differ by one letter; date of birth was not compared"
)
_THREE = "same first name, middle name and surname; date of birth was not compared"
_INITIALS = {
    _SURNAME: "same initial, surname and date of birth; its rest was not compared",
    _SURNAME_PART: "same initial, date of birth and one part of a double surname",
    _SURNAME_VARIANT: "same initial and date of birth; surname is a known spelling",
    _SURNAME_SLIP: "same initial and date of birth; surname differs by one letter",
}
