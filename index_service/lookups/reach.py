"""Reach: which partners and desks an asker's lookup can find, by agreement, purpose and time."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from index_service.agencies.desks import DeskRow
from index_service.agencies.storage import AgencyRow
from index_service.standing import Standing
from schemas.agencies import Publication
from schemas.lookups import PartnerReason, PartnerSearched, PartnerState


@dataclass(frozen=True, slots=True)
class Reach:
    """Everything that decides who may be found, as the partnership stands."""

    asker: str
    purpose: str
    epochs: frozenset[int]
    stale_before: int
    partners: tuple[AgencyRow, ...]
    covered: frozenset[str]
    desks: Mapping[tuple[str, str], DeskRow]
    published: Mapping[str, tuple[Publication, ...]]

    def desk(self, agency: str, desk: str) -> DeskRow | None:
        """Return the desk if a flag that points to it may count for this lookup."""
        row = self.desks.get((agency, desk))
        in_reach = agency in self.covered and row is not None
        return row if in_reach and row and row.answers(self.asker, self.purpose) else None

    def never_show(self) -> tuple[str, ...]:
        """Return every partner with a hidden desk: hit or miss, the same for every lookup."""
        active = {row.agency for row in self.partners if row.status == "active"}
        hidden = {
            row.document.agency
            for row in self.desks.values()
            if row.document.visibility == "hidden" and not row.document.withdrawn
        }
        return tuple(sorted(active & hidden))

    def states(self) -> tuple[PartnerState, ...]:
        """Return for each partner whether it was searched, and if not wholly, why."""
        visible: dict[str, list[DeskRow]] = defaultdict(list)
        for desk in self.desks.values():
            if desk.document.visibility == "visible" and not desk.document.withdrawn:
                visible[desk.document.agency].append(desk)
        return tuple(self._state(row, visible[row.agency]) for row in self.partners)

    def _state(self, row: AgencyRow, visible: Sequence[DeskRow]) -> PartnerState:
        searched, because, read_at = self._searched(row, visible)
        return PartnerState(agency=row.agency, searched=searched, because=because, read_at=read_at)

    def _searched(
        self, row: AgencyRow, visible: Sequence[DeskRow]
    ) -> tuple[PartnerSearched, PartnerReason | None, int | None]:
        published = self.published.get(row.agency, ())
        if row.status != "active":
            return "not_searched", "suspended", None
        if row.agency not in self.covered:
            return "not_searched", "no_agreement", None
        if not published:
            return "not_searched", "nothing_published", None
        latest = max(published, key=lambda mark: mark.read_at)
        seen = [mark for mark in published if mark.epoch in self.epochs]
        if not seen:
            return "not_searched", "other_epoch", None
        answering = [desk for desk in visible if desk.answers(self.asker, self.purpose)]
        if not answering:
            return "not_searched", "no_desk_answers", None
        newest = max(seen, key=lambda mark: mark.read_at)
        if latest.epoch not in self.epochs:
            return "partly", "other_epoch", newest.read_at
        if newest.state == "paused":
            return "paused", "source_paused", newest.read_at
        if newest.read_at < self.stale_before:
            return "stale", "out_of_date", newest.read_at
        if len(answering) < len(visible):
            return "partly", "some_desks_do_not_answer", newest.read_at
        return "searched", None, newest.read_at


def reach_of(
    standing: Standing,
    *,
    asker: str,
    purpose: str,
    epochs: frozenset[int],
    relied_on: frozenset[str],
    now: int,
    stale_before: int,
) -> Reach:
    """Return the reach of a lookup that relies on the agreements `relied_on`."""
    partners = [
        row for row in standing.agencies.values() if row.agency != asker and row.role == "member"
    ]
    active = {row.agency for row in partners if row.status == "active"}
    covering = [
        agreement
        for agreement in standing.agreements_in_force(now)
        if agreement.agreement in relied_on
        and asker in agreement.parties
        and purpose in agreement.purposes
    ]
    return Reach(
        asker=asker,
        purpose=purpose,
        epochs=epochs,
        stale_before=stale_before,
        partners=tuple(partners),
        covered=frozenset(p for agreement in covering for p in agreement.parties) & active,
        desks=standing.desks,
        published=standing.published,
    )
