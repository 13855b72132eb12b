"""Whether a record goes up, for `sync` and `preview`: policy, its desk, then its particulars."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import Connection

from agency_connector.matching.normalise import normalise
from agency_connector.matching.person import Person, Unusable
from agency_connector.policy.decision import Publish, decide
from agency_connector.policy.settings import Policy
from agency_connector.sources.rows import SourceRow
from agency_connector.trust import storage as trust
from schemas.agencies import Desk

DESK_NOT_SIGNED: Final = "desk-not-signed"
DESK_NOT_HIDDEN: Final = "desk-not-hidden"


@dataclass(frozen=True, slots=True)
class Fit:
    """A record whose flag goes up.

    `people`: the person under each usable name, the record's own first; each has a match key.
    `unusable_names`: how many further names cannot be used.
    """

    decision: Publish
    people: tuple[Person, ...]
    unusable_names: int


@dataclass(frozen=True, slots=True)
class Unfit:
    """A record whose flag does not go up. `sentence` says why and holds no value of it.

    `to_mend`: somebody has something to put right. `keeps`: a flag that stands is left standing,
    because what is wrong says nothing about whether it is over.
    """

    code: str
    sentence: str
    to_mend: bool
    keeps: bool


def judge(row: SourceRow, policy: Policy, desks: Mapping[str, Desk], today: date) -> Fit | Unfit:
    """Return what becomes of `row` on `today`, the agency's local day.

    `desks`: as `desks_at_index` gives them.
    """
    decision = decide(row, policy, today)
    if not isinstance(decision, Publish):
        return Unfit(decision.code.value, decision.sentence, decision.to_mend, keeps=False)
    unfit = _desk_unfit(desks.get(decision.desk), decision)
    if unfit is not None:
        return unfit
    own = normalise(row.particulars, today=today)
    if isinstance(own, Unusable):
        code = own.code.replace("_", "-")  # as every other reason is written
        return Unfit(code, own.sentence, to_mend=True, keeps=True)
    also = [normalise(particulars, today=today) for particulars in row.also]
    usable = [one for one in also if isinstance(one, Person) and one.given and one.family]
    return Fit(decision, (own, *usable), len(also) - len(usable))


def desks_at_index(connection: Connection) -> dict[str, Desk]:
    """Return by id our desks as they were signed, of those that the index has."""
    return {
        row.desk.desk: row.desk
        for row in trust.own_desks(connection)
        if row.acknowledged_at is not None
    }


def _desk_unfit(desk: Desk | None, decision: Publish) -> Unfit | None:
    """Return why no flag may stand at `desk`, or None; `desk` is None if it is not signed."""
    if desk is None or desk.withdrawn:
        sentence = (
            f"the desk {decision.desk} is not signed: describe it under [[desks]] and run "
            "`agency-connector desk sign`"
        )
        return Unfit(DESK_NOT_SIGNED, sentence, to_mend=True, keeps=True)
    if decision.protected and desk.visibility != "hidden":
        sentence = (
            f"the desk {decision.desk} is not hidden, and this flag may stand at a hidden one "
            'only: set visibility = "hidden" and run `agency-connector desk sign`'
        )
        return Unfit(DESK_NOT_HIDDEN, sentence, to_mend=True, keeps=False)
    return None
