"""A month in figures: checks, what came of them, justifications, and what supervisors did."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from agency_connector.installation import JOURNAL, Installation
from agency_connector.journal.records import Asked, CameOfIt
from agency_connector.journal.sealing import JournalSeal
from agency_connector.supervising import storage
from agency_connector.supervising.reviewing import Kept, Supervision, ms_of

_MOST: Final = 1_000_000
_DECEMBER: Final = 12


@dataclass(frozen=True, slots=True)
class Month:
    """The figures of a month of UTC. `outcomes` are of the checks that found somebody, by word.

    `unsaid` of those have no outcome. `justifications` by state, `verdicts` by word.
    """

    first: date
    checks: int
    wider: int
    answered: int
    none_found: int
    outcomes: Mapping[str, int]
    unsaid: int
    justifications: Mapping[str, int]
    openings: int
    verdicts: Mapping[str, int]

    @property
    def share_of_none(self) -> str:
        """The share of answered checks that found nobody, in words; "" without any."""
        return f"{100 * self.none_found / self.answered:.0f}%" if self.answered else ""


def month_of(installation: Installation, first: date) -> Month:
    """Return the figures of the month that begins on `first`, as they stand now."""
    begin, end = ms_of(first), ms_of(next_month(first))
    seal = JournalSeal(installation.keyring.get(JOURNAL))
    supervision = Supervision(installation)
    with installation.database.read() as connection:
        rows = storage.checks_between(connection, begin, end, _MOST)
        openings = storage.count(connection, "opened", begin, end)
    wider = answered = none_found = 0
    outcomes: Counter[str] = Counter()
    for row in rows:
        wider += seal.open("asked", row.check, row.asked, Asked).breadth == "wide"
        if row.kept is None:
            continue
        answered += 1
        if not seal.open("kept", row.check, row.kept, Kept).findings.found:
            none_found += 1
        elif row.came_of_it is None:
            outcomes[""] += 1
        else:
            outcomes[
                seal.open("came-of-it", row.check, row.came_of_it, CameOfIt).told[-1].outcome
            ] += 1
    unsaid = outcomes.pop("", 0)
    judged = (told for every in supervision.verdicts(begin).values() for told in every)
    return Month(
        first=first,
        checks=len(rows),
        wider=wider,
        answered=answered,
        none_found=none_found,
        outcomes=outcomes,
        unsaid=unsaid,
        justifications=Counter(told.state for told in supervision.justifications(begin, end)),
        openings=openings,
        verdicts=Counter(told.verdict for told in judged if told.at < end),
    )


def this_month(now: int) -> date:
    """Return the first day of the month of `now` (ms UTC)."""
    return datetime.fromtimestamp(now / 1000, UTC).date().replace(day=1)


def next_month(first: date) -> date:
    """Return the first day of the month after the one that begins on `first`."""
    if first.month == _DECEMBER:
        return date(first.year + 1, 1, 1)
    return first.replace(month=first.month + 1)
