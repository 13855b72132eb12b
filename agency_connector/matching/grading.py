"""How sure a hit is: how many strangers per million would hold the matched key by coincidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Literal

import msgspec

from agency_connector.matching import tables

Grade = Literal["strong", "likely", "possible"]
GRADES: tuple[Grade, ...] = ("strong", "likely", "possible")

# Cut-offs, in expected coincidental holders per million stored people and rule.
# Reasons: docs/decisions/match-keys.md.
STRONG_AT_MOST = 0.006
LIKELY_AT_MOST = 0.05
POSSIBLE_AT_MOST = 1.0
EXACT_IS_USUAL = 5.0
"""How much likelier two records of one person agree exactly than in any one other way."""

# Shares of a population, all as "people per million".
BORN_IN_ONE_YEAR = 14_000.0
BORN_ON_ONE_DAY = BORN_IN_ONE_YEAR / 365.25
NEW_YEAR_EXCESS = 20.0  # 1 January stands in for an unknown day
IN_ONE_SECTOR = 200.0
IN_ONE_DISTRICT = 1_000.0
IN_ONE_POSTCODE = 2.0

# Floors: a table knows neither the names it lacks nor the people born abroad.
UNSEEN_FORENAME = 20.0
UNSEEN_SURNAME = 60.0  # twice the least share the table lists
NAME_WITHOUT_DAY = 400.0  # what any name may reach in a community the tables know little of
WITHOUT_DAY = 0.05  # of the records, those that have a year of birth at most
OTHER_COHORT_SHARE = 0.3
TOGETHER = 0.04  # P(first and surname) is at least this part of the rarer one's share
TOGETHER_WITHOUT_DAY = 0.25  # the same where no day of birth is compared: names are all there is
MIDDLE_NAME_EXCESS = 3.0  # middle names are fewer and commoner than first names

_MILLION = 1e6

KIN: Mapping[str, float] = {
    "names-date": 0.0005,
    "surname-date": 0.02,
    "initial-surname-date": 0.003,
    "stems-date": 0.0015,
    "names-sector": 0.006,
    "postcode-date": 0.02,
    "three-names": 0.003,
}
"""Per kind, the least number of coincidental holders: twins share surname, address and date;
fathers and sons share names and address. No table of names shows them."""


class GradedKey(msgspec.Struct, frozen=True):
    """One key of a lookup, the grade a hit on it would have, and why, in words without a value."""

    kind: str
    value: str
    grade: Grade
    because: str

    def __repr__(self) -> str:
        """Leave the value out: it is personal data."""
        return f"GradedKey({self.kind}, <withheld>, {self.grade})"


def grade_of(holders: float) -> Grade | None:
    """The grade for a number of coincidental holders per million; None: too many to be used."""
    if holders <= STRONG_AT_MOST:
        return "strong"
    if holders <= LIKELY_AT_MOST:
        return "likely"
    return "possible" if holders <= POSSIBLE_AT_MOST else None


def grade_hit(keys: Sequence[GradedKey]) -> tuple[Grade, str]:
    """Grade and reason of a hit: those of the best key that matched, the earliest among equals.

    Args:
        keys: the lookup's keys whose tokens matched one flag, in the order of the expansion.

    Raises:
        ValueError: no key was given.
    """
    if not keys:
        raise ValueError("a hit has at least one matched key")
    best = min(keys, key=lambda key: GRADES.index(key.grade))
    return best.grade, best.because


@lru_cache(maxsize=65_536)
def forename_share(name: str, year: int | None) -> float:
    """People per million with this first name (or a longer one, where `name` ends in `*`) among
    those born around `year`; the highest of all years where `year` is None.

    The decade and its nearer neighbour count, and never less than a part of the name's best
    decade: whoever was born abroad follows no British fashion.
    """
    stem = name.removesuffix("*")
    parts = (_forename_stems() if stem != name else tables.forenames()).get(stem)
    if parts is None:
        return UNSEEN_FORENAME
    best = float(max(parts))
    if year is not None:
        last = len(parts) - 1
        place = (year - tables.COHORTS[0]) / 10
        lower = min(max(round(place) - 1, 0), last)
        upper = min(max(round(place), 0), last)
        best = max(parts[lower], parts[upper], best * OTHER_COHORT_SHARE)
    return max(best, UNSEEN_FORENAME)


@lru_cache(maxsize=65_536)
def surname_share(name: str) -> float:
    """People per million with this surname (or a longer one, where `name` ends in `*`)."""
    stem = name.removesuffix("*")
    parts = (_surname_stems() if stem != name else tables.surnames()).get(stem, 0)
    return float(parts) or UNSEEN_SURNAME


def together(one: float, other: float, least: float = TOGETHER) -> float:
    """People per million who hold two names of these shares.

    Independence would be the product. Names go together (*Mohammed Khan*), and nobody's
    community is to be guessed, so the floor holds for everybody: the part `least` of the rarer
    name's holders.
    """
    return max(one * other / _MILLION, least * min(one, other))


def on_the_day(born: str) -> float:
    """People per million born on this ISO date; 1 January is also what systems write for a year."""
    return BORN_ON_ONE_DAY * (NEW_YEAR_EXCESS if born.endswith("-01-01") else 1.0)


@cache
def _forename_stems() -> Mapping[str, tuple[int, ...]]:
    sums: dict[str, list[int]] = {}
    for name, parts in tables.forenames().items():
        for stem in {name[:1], name[:3]}:
            held = sums.setdefault(stem, [0] * len(parts))
            for place, part in enumerate(parts):
                held[place] += part
    return {stem: tuple(held) for stem, held in sums.items()}


@cache
def _surname_stems() -> Mapping[str, int]:
    sums: dict[str, int] = {}
    for name, parts in tables.surnames().items():
        sums[name[:3]] = sums.get(name[:3], 0) + parts
    return sums
