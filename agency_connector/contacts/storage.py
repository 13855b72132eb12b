"""The tables of contact requests, sent and received. What people wrote is sealed in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    Text,
    and_,
    delete,
    insert,
    select,
    update,
)

from agency_connector.database import metadata
from foundation.inserting import inserting
from schemas.contacts import ContactStep

ID_BYTES: Final = 16
DIGEST_BYTES: Final = 32
ON_ITS_WAY: Final = -1
"""The number of a step of ours that the index has not taken yet; a request has one at most."""

contacts = Table(
    "contacts",
    metadata,
    Column("contact_id", LargeBinary(ID_BYTES), primary_key=True),
    # Whether this agency asks.
    Column("sent", Boolean, nullable=False),
    Column("agency", String(32), nullable=False),
    Column("reference", String(10), nullable=False, index=True),
    Column("desk", String(32), nullable=False),
    # Keyed hash of the officer who asks (journal.sealing.JournalSeal.row_of).
    Column("officer_id", LargeBinary(32)),
    Column("state", String(16), nullable=False),
    # How many steps were taken, and the digest of the last (protocol.contacts.step_digest).
    Column("steps", Integer, nullable=False),
    Column("head", LargeBinary(DIGEST_BYTES)),
    Column("asked_at", BigInteger, nullable=False),
    Column("stepped_at", BigInteger, nullable=False, index=True),
    Column("closed_at", BigInteger),
    Column("crime_answered", Boolean, nullable=False),
    Column("about", LargeBinary),
    # Whether the words of its steps were erased.
    Column("erased", Boolean, nullable=False),
    Index("ix_contacts_officer_id_asked_at", "officer_id", "asked_at"),
)
steps = Table(
    "contact_steps",
    metadata,
    Column(
        "contact_id", LargeBinary(ID_BYTES), ForeignKey("contacts.contact_id"), primary_key=True
    ),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("step", String(16), nullable=False),
    Column("ours", Boolean, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("digest", LargeBinary(DIGEST_BYTES)),
    # Null if it could not be opened, or once it is erased.
    Column("told", LargeBinary),
    # Of ours, as it is sent, byte for byte, until the index has taken it; made anew at most a few
    # times, `tries`. `refused` is why the index does not take it, in its words.
    Column("prepared", LargeBinary),
    Column("tries", Integer, nullable=False),
    Column("refused", Text),
)


@dataclass(frozen=True, slots=True)
class ContactRow:
    """A contact request as it is kept. Times are ms UTC."""

    contact_id: bytes
    sent: bool
    agency: str
    reference: str
    desk: str
    officer_id: bytes | None
    state: ContactStep
    steps: int
    head: bytes | None
    asked_at: int
    stepped_at: int
    closed_at: int | None
    crime_answered: bool
    about: bytes | None
    erased: bool


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step as it is kept; `number` is ON_ITS_WAY for one that the index has not taken."""

    contact_id: bytes
    number: int
    step: ContactStep
    ours: bool
    at: int
    digest: bytes | None
    told: bytes | None
    prepared: bytes | None
    tries: int
    refused: str | None


def add(connection: Connection, row: ContactRow) -> bool:
    """Add a request; False if its id is known."""
    added = connection.execute(
        inserting(connection, contacts)
        .values(**{name: getattr(row, name) for name in ContactRow.__slots__})
        .on_conflict_do_nothing(index_elements=[contacts.c.contact_id])
        .returning(contacts.c.contact_id)
    )
    return added.first() is not None


def put_step(connection: Connection, row: StepRow) -> None:
    """Add a step; one of ours takes the place of one that the index refused."""
    if row.number == ON_ITS_WAY:
        drop_step(connection, row.contact_id)
    connection.execute(
        insert(steps).values(**{name: getattr(row, name) for name in StepRow.__slots__})
    )


def drop_step(connection: Connection, contact: bytes) -> None:
    """Forget the step of ours that the index has not taken."""
    connection.execute(delete(steps).where(_on_its_way(contact)))


def find(connection: Connection, contact: bytes, *, lock: bool = False) -> ContactRow | None:
    """Return a request, or None; `lock` keeps others from changing it meanwhile."""
    asked = select(contacts).where(contacts.c.contact_id == contact)
    row = connection.execute(asked.with_for_update() if lock else asked).one_or_none()
    return None if row is None else _contact(row)


def steps_of(connection: Connection, found: Sequence[bytes]) -> tuple[StepRow, ...]:
    """Return the steps of these requests in their order, those on their way last."""
    rows = connection.execute(
        select(steps).where(steps.c.contact_id.in_(found)).order_by(steps.c.number)
    )
    all_of_them = [StepRow(**row._mapping) for row in rows]
    return tuple(sorted(all_of_them, key=lambda row: row.number == ON_ITS_WAY))


def on_its_way(connection: Connection, contact: bytes) -> StepRow | None:
    """Return the step of ours that the index has not taken, refused or not, or None."""
    row = connection.execute(select(steps).where(_on_its_way(contact))).one_or_none()
    return None if row is None else StepRow(**row._mapping)


def to_send(connection: Connection) -> tuple[bytes, ...]:
    """Return the requests with a step that waits for the index, oldest first."""
    rows = connection.execute(
        select(steps.c.contact_id)
        .where(steps.c.number == ON_ITS_WAY, steps.c.refused.is_(None))
        .order_by(steps.c.at)
    )
    return tuple(row.contact_id for row in rows)


def prepare(connection: Connection, contact: bytes, prepared: bytes | None, tries: int) -> None:
    """Keep what is about to be sent, or None to have it made anew."""
    connection.execute(
        update(steps).where(_on_its_way(contact)).values(prepared=prepared, tries=tries)
    )


def refuse(connection: Connection, contact: bytes, why: str) -> None:
    """Keep why the index does not take our step."""
    connection.execute(update(steps).where(_on_its_way(contact)).values(refused=why, prepared=None))


def taken(connection: Connection, contact: bytes, number: int, digest: bytes) -> None:
    """Give the step on its way its number: the index has taken it."""
    connection.execute(
        update(steps)
        .where(_on_its_way(contact))
        .values(number=number, digest=digest, prepared=None, refused=None)
    )


def move_on(
    connection: Connection,
    row: ContactRow,
    *,
    state: ContactStep,
    head: bytes,
    at: int,
    closes: bool,
    crime_answered: bool,
) -> None:
    """Note that a step was taken after those of `row`."""
    connection.execute(
        update(contacts)
        .where(contacts.c.contact_id == row.contact_id)
        .values(
            state=state,
            steps=row.steps + 1,
            head=head,
            stepped_at=at,
            closed_at=at if closes else row.closed_at,
            crime_answered=row.crime_answered or crime_answered,
        )
    )


def open_about(connection: Connection, reference: str) -> bool:
    """Return whether a request that we sent about this reference is open and was not refused."""
    refused = select(steps.c.contact_id).where(steps.c.refused.is_not(None))
    c = contacts.c
    row = connection.execute(
        select(c.contact_id).where(
            c.reference == reference, c.sent, c.closed_at.is_(None),
            ~and_(c.steps == 0, c.contact_id.in_(refused)),
        )
    )  # fmt: skip
    return row.first() is not None


def sent_by(connection: Connection, officer: bytes, since: int, most: int) -> list[ContactRow]:
    """Return what an officer asked since then (ms UTC), newest first."""
    return _listed(
        connection,
        and_(contacts.c.officer_id == officer, contacts.c.asked_at >= since),
        contacts.c.asked_at.desc(),
        most,
    )


def received(
    connection: Connection, desk: str | None, open_only: bool, most: int
) -> list[ContactRow]:
    """Return the requests to us, or to one desk and to none that can be told, oldest first."""
    these = ~contacts.c.sent
    if desk is not None:
        these = and_(these, contacts.c.desk.in_((desk, "")))
    if open_only:
        these = and_(these, contacts.c.closed_at.is_(None))
    return _listed(connection, these, contacts.c.asked_at.asc(), most)


def between(connection: Connection, since: int, before: int, most: int) -> list[ContactRow]:
    """Return the requests of since <= asked_at < before (ms UTC), sent and received, in order."""
    these = and_(contacts.c.asked_at >= since, contacts.c.asked_at < before)
    return _listed(connection, these, contacts.c.asked_at.asc(), most)


def stepped_before(connection: Connection, before: int, most: int) -> list[ContactRow]:
    """Return the open requests whose last step was before then (ms UTC), oldest first."""
    these = and_(contacts.c.closed_at.is_(None), contacts.c.stepped_at < before)
    return _listed(connection, these, contacts.c.stepped_at.asc(), most)


def crime_open(connection: Connection, most: int) -> list[ContactRow]:
    """Return the closed requests whose crime question is not answered, oldest first."""
    these = and_(contacts.c.closed_at.is_not(None), ~contacts.c.crime_answered, ~contacts.c.erased)
    return _listed(connection, these, contacts.c.stepped_at.asc(), most)


def erase(connection: Connection, before: int) -> int:
    """Erase the words of requests whose last step was before then (ms UTC); how many requests.

    One that was never closed has lapsed by then, at the index too, and is closed.
    """
    c = contacts.c
    found = connection.execute(
        select(c.contact_id, c.closed_at).where(c.stepped_at < before, ~c.erased)
    ).all()
    for row in found:
        this = steps.c.contact_id == row.contact_id
        drop_step(connection, row.contact_id)
        connection.execute(update(steps).where(this).values(told=None))
        connection.execute(
            update(contacts)
            .where(c.contact_id == row.contact_id)
            .values(erased=True, closed_at=row.closed_at or before)
        )
    return len(found)


def _listed(
    connection: Connection, these: ColumnElement[bool], order: ColumnElement[Any], most: int
) -> list[ContactRow]:
    rows = connection.execute(
        select(contacts).where(these).order_by(order, contacts.c.contact_id).limit(most)
    )
    return [_contact(row) for row in rows]


def _contact(row: Row[Any]) -> ContactRow:
    return ContactRow(**row._mapping)


def _on_its_way(contact: bytes) -> ColumnElement[bool]:
    return and_(steps.c.contact_id == contact, steps.c.number == ON_ITS_WAY)
