"""How sure a hit is: how many strangers would match so, for each time the right person does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

Grade = Literal["strong", "likely", "possible"]
GRADES: tuple[Grade, ...] = ("strong", "likely", "possible")

# Cut-offs on `strangers_per_right`: strangers per million stored people who would match in this
# way, for each time that the person looked for does. Reasons: docs/matching.md.
STRONG_AT_MOST = 0.3
LIKELY_AT_MOST = 5.0
POSSIBLE_AT_MOST = 58.0


class Evidence(msgspec.Struct, frozen=True, gc=False):
    """What a match on one key says, as numbers.

    `strangers` per million stored people agree so in names and date by coincidence, `kin` because
    they are related to the person; `right` is the probability that a record of the person agrees
    in just this way. `place` and `middle` multiply the strangers by what postcode and middle name
    add: below 1 where they agree, above where they could have agreed and did not, 1 where nothing
    is known.
    """

    strangers: float
    kin: float
    right: float
    place: float = 1.0
    middle: float = 1.0

    def __repr__(self) -> str:
        """Name the class only: the numbers tell how common a name is."""
        return "Evidence(<withheld>)"


class GradedKey(msgspec.Struct, frozen=True, gc=False):
    """One key of a lookup, the grade a hit on it alone has, and why, in words without a value."""

    kind: str
    value: str
    grade: Grade
    because: str
    evidence: Evidence | None = None

    def __repr__(self) -> str:
        """Leave the value out: it is personal data."""
        return f"GradedKey({self.kind}, <withheld>, {self.grade})"


def ratio(evidence: Evidence) -> float:
    """Strangers per million for each right record, of a hit on one key alone."""
    strangers = evidence.strangers * evidence.place * evidence.middle
    return (strangers + evidence.kin) / evidence.right


def grade_of(strangers_per_right: float) -> Grade | None:
    """The grade of a ratio; None: too many strangers to be looked for at all."""
    if strangers_per_right <= STRONG_AT_MOST:
        return "strong"
    if strangers_per_right <= LIKELY_AT_MOST:
        return "likely"
    return "possible" if strangers_per_right <= POSSIBLE_AT_MOST else None


def strangers_per_right(keys: Sequence[GradedKey]) -> float:
    """Strangers per million for each right record, of a hit on all of `keys` together.

    Names and date are taken from the key that says most; to it comes the best that any key says
    of the place, and the best that any says of the middle name: these are different facts, so
    their factors multiply. Kin share a place, so it lessens only coincidence; of kin count those
    whom all matched keys allow (a twin has the surname, hardly the first three letters too). A
    key without evidence (an identifier) counts by its grade.

    Raises:
        ValueError: no key was given.
    """
    if not keys:
        raise ValueError("a hit has at least one matched key")
    return _weigh(keys)[0]


def grade_hit(keys: Sequence[GradedKey]) -> tuple[Grade, str]:
    """Grade and reason of a hit.

    Args:
        keys: the lookup's keys whose tokens matched one flag, in the order of the expansion.

    Raises:
        ValueError: no key was given.
    """
    if not keys:
        raise ValueError("a hit has at least one matched key")
    together, core = _weigh(keys)
    grade = grade_of(together) or "possible"
    told = core if core.evidence is None else _told(keys)
    because = told.because
    for words, kinds in _ALSO:
        if told.kind not in kinds and any(key.kind in kinds for key in keys):
            because += f"; also {words}"
            break
    return min(grade, core.grade, key=GRADES.index), because


def _told(keys: Sequence[GradedKey]) -> GradedKey:
    """The key that says most clearly what agrees and what does not: names in full, if they do."""

    def clearness(key: GradedKey) -> tuple[int, float]:
        place = _CLEAREST.index(key.kind) if key.kind in _CLEAREST else len(_CLEAREST)
        return place, ratio(key.evidence) if key.evidence else 0.0

    return min(keys, key=clearness)


_CLEAREST = ("names-date", "forenames-date", "ending-surname-date", "initial-surname-date")
_ALSO = (
    ("the same postcode", ("postcode-date",)),
    ("the same area", ("first-district-date", "names-sector", "undated-sector")),
    ("the same middle name", ("forenames-date", "three-names", "undated-three")),
)
_BY_GRADE = {"strong": 0.0, "likely": STRONG_AT_MOST * 2, "possible": LIKELY_AT_MOST * 2}


def _weigh(keys: Sequence[GradedKey]) -> tuple[float, GradedKey]:
    """The ratio of all keys together, and the key that says most of names and date."""
    place = min((key.evidence.place for key in keys if key.evidence), default=1.0)
    middle = min((key.evidence.middle for key in keys if key.evidence), default=1.0)
    kin = min((key.evidence.kin for key in keys if key.evidence), default=0.0)
    best = float("inf")
    core = keys[0]
    for key in keys:
        if key.evidence is None:
            number = _BY_GRADE[key.grade]
        else:
            found = key.evidence
            number = (found.strangers * place * middle + kin) / found.right
        if number < best:
            best, core = number, key
    return best, core
