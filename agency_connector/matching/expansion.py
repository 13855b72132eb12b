"""A lookup's keys: the person's own, the variants a colleague may have written, each graded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agency_connector.matching import grading, identifiers
from agency_connector.matching.grading import GradedKey
from agency_connector.matching.person import Person
from agency_connector.matching.ways import Way, ways

MOST_KEYS = 128
"""Keys in the two sets together; those that the person is least likely to have are left out."""


@dataclass(frozen=True, slots=True, repr=False)
class Expansion:
    """The two sets of a lookup: `narrow` would grade strong or likely, `wide` possible."""

    narrow: tuple[GradedKey, ...]
    wide: tuple[GradedKey, ...]

    def __repr__(self) -> str:
        """Count the keys only: their values are personal data."""
        return f"Expansion({len(self.narrow)} narrow, {len(self.wide)} wide)"


def expand(person: Person) -> Expansion:
    """The graded keys of a lookup, most telling first; a pure function of person and scheme.

    Each key has the grade that a hit on it alone would have; one that not even `possible` allows
    is left out. A value reached in several ways keeps the best.
    """
    graded = [
        GradedKey(kind, number, "strong", f"same {identifiers.KINDS[kind]}")
        for kind, number in person.identifiers
    ]
    found: dict[tuple[str, str], tuple[float, Way]] = {}
    for way in ways(person):
        number = grading.ratio(way.evidence)
        place = (way.kind, way.value)
        if number <= grading.POSSIBLE_AT_MOST and (place not in found or number < found[place][0]):
            found[place] = (number, way)
    kept = sorted(found.values(), key=lambda pair: -pair[1].evidence.right)
    ranked = sorted(kept[: MOST_KEYS - len(graded)], key=lambda pair: pair[0])
    graded += _graded(ranked)
    return Expansion(
        tuple(key for key in graded if key.grade != "possible"),
        tuple(key for key in graded if key.grade == "possible"),
    )


def _graded(ranked: list[tuple[float, Way]]) -> Iterator[GradedKey]:
    for number, way in ranked:
        grade = grading.grade_of(number)
        if grade is not None:
            yield GradedKey(way.kind, way.value, grade, way.because, way.evidence)
