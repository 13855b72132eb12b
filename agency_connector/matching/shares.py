"""How many people per million share a name or a birthday, conservatively where no table says."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache

from agency_connector.matching import communities, tables

# Shares of a population, all as "people per million".
BORN_IN_ONE_YEAR = 14_000.0
BORN_ON_ONE_DAY = BORN_IN_ONE_YEAR / 365.25
NEW_YEAR_EXCESS = 20.0  # 1 January stands in for an unknown day

# Floors: a table knows neither the names it lacks nor the people born abroad.
UNSEEN_FORENAME = 20.0
UNSEEN_SURNAME = 60.0  # twice the least share the table lists
OTHER_COHORT_SHARE = 0.3
TOGETHER = 0.04
"""P(first and surname) is at least this part of the rarer one's share."""
TOGETHER_AT_MOST = 6.0
"""People per million: so many may share two names through a community that nobody listed."""
TOGETHER_UNSEEN = 5.0
"""The same of two names that no table knows: both may be of one community."""
TOGETHER_WITHOUT_DAY = 4.0
"""People per million whom two names have at least, where no day of birth is compared: a small
community that the tables do not know may share them."""

_MILLION = 1e6


@lru_cache(maxsize=65_536)
def forename(name: str, year: int | None) -> float:
    """People per million with this first name (or a longer one, where `name` ends in `*`) among
    those born around `year`; the highest of all years where `year` is None.

    The decade and its nearer neighbour count, and never less than a part of the name's best
    decade: whoever was born abroad follows no British fashion.
    """
    stem = name.removesuffix("*")
    parts = (_forename_stems() if stem != name else tables.forenames()).get(stem)
    through = max(communities.forename_share(name) * communities.LOCAL, UNSEEN_FORENAME)
    if parts is None:
        return through
    best = float(max(parts))
    if year is not None:
        last = len(parts) - 1
        place = (year - tables.COHORTS[0]) / 10
        lower = min(max(round(place) - 1, 0), last)
        upper = min(max(round(place), 0), last)
        best = max(parts[lower], parts[upper], best * OTHER_COHORT_SHARE)
    return max(best, through)


@lru_cache(maxsize=65_536)
def surname(name: str) -> float:
    """People per million with this surname (or a longer one, where `name` ends in `*`)."""
    stem = name.removesuffix("*")
    parts = (_surname_stems() if stem != name else tables.surnames()).get(stem, 0)
    through = communities.surname_share(name) * communities.LOCAL
    return max(float(parts), through, UNSEEN_SURNAME)


@lru_cache(maxsize=65_536)
def pair(first: str, last: str, year: int | None) -> float:
    """People per million who hold both names (or first letters, with `*`).

    Independence would be the product. Names go together (*Mohammed Khan*): the most of the
    product, the mixture over communities, and (for communities that nobody listed) the part
    `TOGETHER` of the rarer name's holders, up to `TOGETHER_AT_MOST`.
    """
    one, other = forename(first, year), surname(last)
    rarer = min(one, other)
    unlisted = min(TOGETHER * rarer, TOGETHER_AT_MOST)
    loosely = min(communities.loosely(first, last), rarer)
    if first not in tables.forenames() and last not in tables.surnames() and loosely == 0.0:
        unlisted = max(unlisted, TOGETHER_UNSEEN)
    return max(one * other / _MILLION, communities.together(first, last), unlisted, loosely)


def born_on(born: str) -> float:
    """People per million born on this ISO date; 1 January is also what systems write for a year."""
    return BORN_ON_ONE_DAY * (NEW_YEAR_EXCESS if born.endswith("-01-01") else 1.0)


@cache
def forename_best() -> Mapping[str, float]:
    """First name -> people per million in its best decade, as the table has it."""
    return {name: float(max(parts)) for name, parts in tables.forenames().items()}


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
        for stem in {name[:1], name[:3]}:
            sums[stem] = sums.get(stem, 0) + parts
    return sums
