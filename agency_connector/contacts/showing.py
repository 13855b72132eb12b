"""Contact requests as they are kept, turned into what pages and commands show."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from agency_connector.contacts import records, storage
from agency_connector.contacts.contact import Contact, Step
from agency_connector.contacts.records import About, Told
from agency_connector.contacts.storage import ON_ITS_WAY, ContactRow, StepRow
from agency_connector.installation import Installation
from agency_connector.journal.sealing import JournalSeal
from agency_connector.lookups.partnership import team_of
from agency_connector.trust import directory
from agency_connector.trust.directory import PartnershipView
from foundation.operator import OperatorError
from protocol.contacts import CLOSING, allowed
from protocol.encoding import b64u_encode
from schemas.agencies import Desk
from schemas.contacts import ContactReply, ContactRequest, ContactStep, CrimeAnswer

_HOUR_MS: Final = 3_600_000
_NONE: Final[frozenset[ContactStep]] = frozenset()
UNREADABLE: Final = (
    "What was sealed cannot be read: it may be sealed to keys that were replaced since. Phone the "
    "agency that sent it."
)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one request is shown with."""

    seal: JournalSeal
    view: PartnershipView | None
    agency: str
    now: int
    overdue_ms: int


def shown(
    installation: Installation, connection: Connection, rows: Sequence[ContactRow]
) -> tuple[Contact, ...]:
    """Return these requests in their order, with names and teams of the directory last seen."""
    try:
        view = directory.last_seen(installation)
    except OperatorError:
        view = None
    seen = _Seen(
        seal=records.seal_of(installation),
        view=view,
        agency=installation.agency,
        now=installation.clock(),
        overdue_ms=installation.settings.contacts.overdue_hours * _HOUR_MS,
    )
    steps: dict[bytes, list[StepRow]] = {row.contact_id: [] for row in rows}
    for step in storage.steps_of(connection, list(steps)):
        steps[step.contact_id].append(step)
    return tuple(_contact(row, steps[row.contact_id], seen) for row in rows)


def _contact(row: ContactRow, steps: Sequence[StepRow], seen: _Seen) -> Contact:
    told = {step.number: _told(step, seen.seal) for step in steps}
    asked = next((told[step.number] for step in steps if step.step == "asked"), None)
    request = asked.contents if asked and isinstance(asked.contents, ContactRequest) else None
    about = None
    if row.about is not None:
        about = records.opened(seen.seal, row.contact_id, row.about, About)
    made = tuple(_step(step, told[step.number]) for step in steps)
    ours = next((step for step in steps if step.number == ON_ITS_WAY), None)
    is_open = row.closed_at is None
    due_at = row.stepped_at + seen.overdue_ms if is_open else None
    unsent = ours is not None and ours.refused is None
    ended = not is_open and row.state not in CLOSING
    dead = ended or unsent or row.steps == 0 or row.erased
    trouble = ours.refused if ours is not None else None
    if trouble is None and not row.erased and any(one is None for one in told.values()):
        trouble = UNREADABLE
    return Contact(
        id=b64u_encode(row.contact_id),
        sent=row.sent,
        agency=row.agency,
        partner=row.agency if seen.view is None else seen.view.name_of(row.agency),
        reference=row.reference,
        desk=row.desk,
        team=_team(row, seen),
        check=about.check if about else None,
        user=about.user if about else None,
        text=request.text if request else None,
        name=request.name if request else None,
        phone=request.phone if request else None,
        state=row.state,
        steps=made,
        may=_NONE if dead else allowed(row.state, "asker" if row.sent else "holder"),
        asked_at=row.asked_at,
        closed_at=row.closed_at,
        due_at=due_at,
        overdue=due_at is not None and due_at <= seen.now and row.steps > 0,
        waiting=unsent,
        trouble=trouble,
        crime=_crime(made),
        crime_open=row.state in CLOSING and not row.crime_answered and not row.erased,
    )


def _told(step: StepRow, seal: JournalSeal) -> Told | None:
    return None if step.told is None else records.opened(seal, step.contact_id, step.told, Told)


def _step(step: StepRow, told: Told | None) -> Step:
    contents = None if told is None else told.contents
    reply = contents if isinstance(contents, ContactReply) else None
    return Step(
        step=step.step,
        ours=step.ours,
        name=None if contents is None else contents.name,
        text=None if contents is None else contents.text,
        crime=None if reply is None else reply.crime,
        at=step.at,
        state="refused" if step.refused else "waiting" if step.number == ON_ITS_WAY else "taken",
    )


def _crime(made: Sequence[Step]) -> CrimeAnswer | None:
    answers = [step.crime for step in made if step.crime and step.state == "taken"]
    return answers[-1] if answers else None


def _team(row: ContactRow, seen: _Seen) -> Desk | None:
    if seen.view is None:
        return None
    if row.sent:
        return seen.view.desks.get((row.agency, row.desk))
    return team_of(seen.view, row.agency, seen.agency, "")
