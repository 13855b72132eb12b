"""Names that go together: how often they do, by a mixture over communities (never whose they are).

The mixture only ever makes a hit *less* sure. It infers nobody's community: every community counts
for everybody, weighted by its share of the population, and neither the weights nor any community
leaves this module.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache

from agency_connector.matching import tables

LISTED_FORENAMES = 0.7
"""The part of a community whose first name is among the listed ones; of surnames below."""
LISTED_SURNAMES = 0.8
LOCAL = 3.0
"""How many times its national share a community may have where a partnership is; so the shares of
single names, too, count (`shares.forename`, `shares.surname`)."""
MIXED = 0.2
"""The part of the smaller of two communities that are akin with a name from either's list."""
UNLISTED_NAME = 0.005
"""The share that one name of a community may have which its list lacks."""

_FLATTENING = 2.0  # the name at rank r weighs 1 / (r + this): the usual shape of name tables


def together(first: str, last: str) -> float:
    """People per million who hold both names through a community that shares them.

    Args:
        first: a first name, or the first letters of one with `*` at the end.
        last: a surname, or the first letters of one with `*` at the end.
    """
    firsts = _forenames().get(first)
    lasts = _surnames().get(last)
    if firsts is None or lasts is None:
        return 0.0
    people, akin = _people(), _akin()
    found = 0.0
    for place, share in firsts.items():
        for other, held in lasts.items():
            if place == other:
                found += people[place] * share * held
            elif akin[place] and akin[place] == akin[other]:
                found += MIXED * min(people[place], people[other]) * share * held
    return LOCAL * found


def loosely(first: str, last: str) -> float:
    """People per million who may hold both names where a community lists one of the two only.

    Of whom a listed name says little (*David* is on the Welsh list, and everybody's) it counts by
    the square of the part of its holders who have it through communities.
    """
    firsts = _forenames().get(first, {})
    lasts = _surnames().get(last, {})
    people = _people()
    found = 0.0
    if firsts:
        sure = _told_by(forename_share(first), tables.forenames().get(first))
        for place, share in firsts.items():
            if place not in lasts:
                found = max(found, people[place] * share * sure)
    if lasts:
        sure = _told_by(surname_share(last), (tables.surnames().get(last, 0),))
        for place, share in lasts.items():
            if place not in firsts:
                found = max(found, people[place] * share * sure)
    return LOCAL * UNLISTED_NAME * found


def _told_by(through: float, listed: Sequence[int] | None) -> float:
    part = through / max(through, *(listed or (0,)), 1.0)
    return part * part


def middle_share(first: str, middle: str, last: str, joint: float) -> float:
    """The part of those who hold `first` and `last` who have this middle name through a community.

    Args:
        joint: people per million who hold both names, from all causes.
    """
    firsts, middles, lasts = (
        _forenames().get(first),
        _forenames().get(middle),
        _surnames().get(last),
    )
    if firsts is None or middles is None or lasts is None:
        return 0.0
    held = sum(
        people * firsts[place] * middles[place] * lasts[place]
        for place, people in enumerate(_people())
        if place in firsts and place in middles and place in lasts
    )
    return LOCAL * held / joint


@cache
def forename_share(first: str) -> float:
    """People per million who hold a first name through the communities, 0 where none lists it."""
    return _share(_forenames().get(first, {}))


@cache
def surname_share(last: str) -> float:
    """People per million who hold a surname through the communities, 0 where none lists it."""
    return _share(_surnames().get(last, {}))


def _share(held: Mapping[int, float]) -> float:
    people = _people()
    return sum(people[place] * share for place, share in held.items())


@cache
def _people() -> Sequence[float]:
    return [float(community.per_million) for community in tables.communities()]


@cache
def _akin() -> Sequence[str]:
    return [community.akin for community in tables.communities()]


@cache
def _forenames() -> Mapping[str, Mapping[int, float]]:
    return _weighed([c.forenames for c in tables.communities()], LISTED_FORENAMES)


@cache
def _surnames() -> Mapping[str, Mapping[int, float]]:
    return _weighed([c.surnames for c in tables.communities()], LISTED_SURNAMES)


def _weighed(lists: Sequence[Sequence[str]], listed: float) -> Mapping[str, Mapping[int, float]]:
    """{name, or first letters with `*`: {place of the community: share of its people}}."""
    found: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for place, names in enumerate(lists):
        whole = sum(1 / (rank + _FLATTENING) for rank in range(1, len(names) + 1))
        for rank, name in enumerate(names, start=1):
            share = listed / (rank + _FLATTENING) / whole
            for form in {name, name[:1] + "*", name[:3] + "*"}:
                found[form][place] += share
    return found
