"""A lookup's keys: the person's own, the variants a colleague may have written, each graded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from agency_connector.matching import grading, identifiers, variants
from agency_connector.matching.grading import Grade, GradedKey
from agency_connector.matching.person import Person
from agency_connector.matching.scheme import KIND, Facts, facts_of

MOST_KEYS = 160
"""Keys in each of the two sets; what comes last in the order of rules is left out first."""


@dataclass(frozen=True, slots=True, repr=False)
class Expansion:
    """The two sets of a lookup: `narrow` would grade strong or likely, `wide` possible."""

    narrow: tuple[GradedKey, ...]
    wide: tuple[GradedKey, ...]

    def __repr__(self) -> str:
        """Count the keys only: their values are personal data."""
        return f"Expansion({len(self.narrow)} narrow, {len(self.wide)} wide)"


@dataclass(frozen=True, slots=True)
class _Rule:
    """One way in which two records of a person differ: its kind of key, its words, its variants."""

    kind: str
    because: str
    of: tuple[Facts, ...]
    at_most: Grade = "strong"
    usual: float = 1.0
    always: bool = False


def expand(person: Person) -> Expansion:
    """The graded keys of a lookup, best rule first; a pure function of person and scheme.

    All keys of a rule have one grade: by the number of people per million who would hold *any* of
    them by coincidence. A rule for which that number is above `grading.POSSIBLE_AT_MOST` is left
    out. A value reached by several rules keeps the best grade.
    """
    graded: list[GradedKey] = [
        GradedKey(kind, number, "strong", f"same {identifiers.KINDS[kind]}")
        for kind, number in person.identifiers
    ]
    for rule in _rules(person):
        graded += _graded(rule)
    best: dict[tuple[str, str], GradedKey] = {}
    for key in sorted(graded, key=lambda key: grading.GRADES.index(key.grade)):
        best.setdefault((key.kind, key.value), key)
    narrow = tuple(key for key in best.values() if key.grade != "possible")
    wide = tuple(key for key in best.values() if key.grade == "possible")
    return Expansion(narrow[:MOST_KEYS], wide[:MOST_KEYS])


def _graded(rule: _Rule) -> Iterator[GradedKey]:
    make = KIND[rule.kind].make
    values = {value: facts for facts in rule.of if (value := make(facts)) is not None}
    if not values:
        return
    holders = sum(map(_HOLDERS[rule.kind], values.values())) / rule.usual
    grade = grading.grade_of(max(holders, grading.KIN.get(rule.kind, 0.0)))
    if grade is None and rule.always:
        grade = "possible"
    if grade is None:
        return
    if grading.GRADES.index(grade) < grading.GRADES.index(rule.at_most):
        grade = rule.at_most
    for value in values:
        yield GradedKey(rule.kind, value, grade, rule.because)


def _rules(person: Person) -> Iterator[_Rule]:
    """Every rule that applies to the person; the order is that of usefulness."""
    facts = facts_of(person)
    if person.born is None:
        yield from _without_date(person, facts)
        return
    born = person.born
    firsts = variants.known_forenames(facts.first)
    lasts = variants.known_surnames(facts.last)
    near_firsts = variants.forename_neighbours(facts.first)
    near_lasts = variants.surname_neighbours(facts.last)
    swap = variants.swapped(born)
    full = "names-date"

    yield _Rule(
        full,
        "same first name, surname and date of birth",
        (facts,),
        usual=grading.EXACT_IS_USUAL,
    )
    yield _Rule(
        full,
        "same surname and date of birth; first name is a known variant",
        _firsts(facts, firsts),
    )
    yield _Rule(
        full,
        "same surname and date of birth; first name differs by one letter",
        _firsts(facts, near_firsts),
    )
    yield _Rule(
        full,
        "same first name and date of birth; surname is a known spelling",
        _lasts(facts, lasts),
    )
    yield _Rule(
        full,
        "same first name and date of birth; surname differs by one letter",
        _lasts(facts, near_lasts),
    )
    yield _Rule(
        full,
        "same first name and date of birth; surname is one part of a double surname",
        _lasts(facts, person.family_parts),
    )
    yield _Rule(
        full,
        "same surname and date of birth; middle name is used as first name",
        _firsts(facts, (facts.middle,)),
    )
    if facts.first and facts.middle:
        yield _Rule(
            full,
            "same names and date of birth; first and middle name are written as one",
            _firsts(facts, (facts.first + facts.middle,)),
        )
    if swap is not None:
        yield _Rule(
            full,
            "same first name and surname; day and month of birth are exchanged",
            (replace(facts, born=swap.isoformat()),),
        )
    yield _Rule(
        full,
        "same first name and surname; one digit of the date of birth differs",
        tuple(replace(facts, born=other.isoformat()) for other in variants.slips(born)),
        at_most="likely",
    )
    yield from _loose(facts, person)
    yield _Rule(
        "surname-date",
        "same date of birth; surname is a known spelling; first name was not compared",
        _lasts(facts, lasts),
    )
    yield _Rule(
        "surname-date",
        "same date of birth; surname differs by one letter; first name was not compared",
        _lasts(facts, near_lasts),
    )
    yield _Rule("names-about", _ABOUT, (facts,), at_most="possible", always=True)


def _without_date(person: Person, facts: Facts) -> Iterator[_Rule]:
    yield from _loose(facts, person)
    years = tuple(replace(facts, year=str(year)) for year in person.years)
    for kind in ("names-year", "names-about"):
        yield _Rule(kind, _ABOUT, years, at_most="possible", always=True)
    words = "same first name, middle name and surname; date of birth was not compared"
    yield _Rule("three-names", words, (facts,), at_most="possible", always=True)


def _loose(facts: Facts, person: Person) -> Iterator[_Rule]:
    """The rules that leave a field out, with the person's own values; sectors with variants."""
    for kind, because in _LOOSE:
        yield _Rule(kind, because, (facts,))
    yield _Rule(
        "surname-date",
        "same date of birth and one part of a double surname; first name was not compared",
        _lasts(facts, person.family_parts),
    )
    yield _Rule(
        "names-sector",
        "same surname and area; first name differs by one letter or is a known variant; date of"
        " birth was not compared",
        _firsts(
            facts,
            variants.known_forenames(facts.first)[:4] + variants.forename_neighbours(facts.first),
        ),
    )
    yield _Rule(
        "names-sector",
        "same first name and area; surname differs by one letter; date of birth was not compared",
        _lasts(facts, variants.surname_neighbours(facts.last)),
    )


_ABOUT = "same first name and surname, possibly the same year of birth; day and month are not known"

_LOOSE = (
    ("forenames-date", "same first name, middle name and date of birth; surname was not compared"),
    (
        "initial-surname-date",
        "same initial, surname and date of birth; the rest of the first name was not compared",
    ),
    (
        "stems-date",
        "same first three letters of first name and surname, same date of birth",
    ),
    ("first-district-date", "same first name, area and date of birth; surname was not compared"),
    ("postcode-date", "same postcode and date of birth; names were not compared"),
    ("surname-date", "same surname and date of birth; first name was not compared"),
    ("names-sector", "same first name, surname and area; date of birth was not compared"),
    ("first-date", "same first name and date of birth; surname was not compared"),
)


def _firsts(facts: Facts, names: Iterable[str]) -> tuple[Facts, ...]:
    return tuple(replace(facts, first=name) for name in names)


def _lasts(facts: Facts, names: Iterable[str]) -> tuple[Facts, ...]:
    return tuple(replace(facts, last=name) for name in names)


def _year(facts: Facts) -> int | None:
    return int(facts.year) if facts.year else None


def _first(facts: Facts) -> float:
    return grading.forename_share(facts.first, _year(facts))


def _pair(facts: Facts) -> float:
    return grading.together(_first(facts), grading.surname_share(facts.last))


def _pair_without_day(facts: Facts) -> float:
    return grading.together(
        max(_first(facts), grading.NAME_WITHOUT_DAY),
        max(grading.surname_share(facts.last), grading.NAME_WITHOUT_DAY),
        grading.TOGETHER_WITHOUT_DAY,
    )


def _day(facts: Facts) -> float:
    return grading.on_the_day(facts.born) / 1e6


def _middle(facts: Facts) -> float:
    return grading.forename_share(facts.middle, _year(facts)) * grading.MIDDLE_NAME_EXCESS


def _stems(facts: Facts) -> float:
    return grading.together(
        grading.forename_share(facts.first[:3] + "*", _year(facts)),
        grading.surname_share(facts.last[:3] + "*"),
    )


def _initial(facts: Facts) -> float:
    return grading.together(
        grading.forename_share(facts.initial + "*", _year(facts)),
        grading.surname_share(facts.last),
    )


_HOLDERS: dict[str, Callable[[Facts], float]] = {
    "names-date": lambda f: _pair(f) * _day(f),
    "surname-date": lambda f: grading.surname_share(f.last) * _day(f),
    "first-date": lambda f: _first(f) * _day(f),
    "initial-surname-date": lambda f: _initial(f) * _day(f),
    "stems-date": lambda f: _stems(f) * _day(f),
    "forenames-date": lambda f: grading.together(_first(f), _middle(f)) * _day(f),
    "names-sector": lambda f: _pair_without_day(f) * grading.IN_ONE_SECTOR / 1e6,
    "postcode-date": lambda f: grading.IN_ONE_POSTCODE * _day(f),
    "names-year": lambda f: _pair_without_day(f) * grading.BORN_IN_ONE_YEAR / 1e6,
    "names-about": lambda f: (
        _pair_without_day(f) * grading.BORN_IN_ONE_YEAR * grading.WITHOUT_DAY / 1e6
    ),
    "first-district-date": lambda f: _first(f) * _day(f) * grading.IN_ONE_DISTRICT / 1e6,
    "three-names": lambda f: grading.together(_pair_without_day(f), _middle(f)),
}
"""Per kind of name key: people per million who hold it by coincidence, kin apart."""
