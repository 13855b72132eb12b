"""The tables of contact requests and of the sealed steps that wait for their recipients."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    and_,
    delete,
    func,
    insert,
    select,
    update,
)

from foundation.inserting import inserting
from index_service.database import metadata
from schemas.contacts import ContactStep

contact_requests = Table(
    "contact_requests",
    metadata,
    Column("request", LargeBinary(16), primary_key=True),
    Column("asker", String(32), ForeignKey("agencies.agency"), nullable=False),
    Column("holder", String(32), ForeignKey("agencies.agency"), nullable=False),
    Column("reference", String(10), nullable=False),
    Column("lookup", LargeBinary(16), nullable=False),
    Column("officer", LargeBinary(16), nullable=False),
    # The last step that is no answer to the crime question.
    Column("state", String(16), nullable=False),
    Column("steps", Integer, nullable=False),
    # The digest of the last step (protocol.contacts.step_digest).
    Column("head", LargeBinary(32), nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("stepped_at", BigInteger, nullable=False, index=True),
    Column("closed_at", BigInteger),
    Index("ix_contact_requests_asker_asked_at", "asker", "asked_at"),
)
# One open request about a reference at a time.
_OPEN = contact_requests.c.closed_at.is_(None)
Index(
    "ix_contact_requests_open",
    contact_requests.c.reference,
    unique=True,
    sqlite_where=_OPEN,
    postgresql_where=_OPEN,
)

contact_steps = Table(
    "contact_steps",
    metadata,
    Column("request", LargeBinary(16), ForeignKey("contact_requests.request"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("recipient", String(32), ForeignKey("agencies.agency"), nullable=False),
    # SHA-256 over the message that brought it: the same again gets the first answer.
    Column("digest", LargeBinary(32), nullable=False),
    Column("intake", BigInteger, ForeignKey("intake.id"), nullable=False),
    Column("taken_at", BigInteger, nullable=False),
    # Only the recipient can open it; null once it is delivered or its term has ended.
    Column("sealed", LargeBinary),
)
_WAITING = contact_steps.c.sealed.is_not(None)
Index(
    "ix_contact_steps_waiting",
    contact_steps.c.recipient,
    contact_steps.c.intake,
    sqlite_where=_WAITING,
    postgresql_where=_WAITING,
)


@dataclass(frozen=True, slots=True)
class RequestRow:
    """A contact request as it stands. Times are ms UTC."""

    request: bytes
    asker: str
    holder: str
    reference: str
    lookup: bytes
    officer: bytes
    state: ContactStep
    steps: int
    head: bytes
    asked_at: int
    stepped_at: int
    closed_at: int | None


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step that was taken: what brought it, and its row of the intake."""

    digest: bytes
    intake: int


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """A step that waits for its recipient."""

    intake: int
    sealed: bytes


def find(connection: Connection, request: bytes) -> RequestRow | None:
    """Return a request, locked until the transaction ends, or None."""
    this = select(contact_requests).where(contact_requests.c.request == request)
    row = connection.execute(this.with_for_update()).one_or_none()
    return None if row is None else RequestRow(**row._mapping)


def find_step(connection: Connection, request: bytes, number: int) -> StepRow | None:
    """Return a step that was taken, or None."""
    this = and_(contact_steps.c.request == request, contact_steps.c.number == number)
    asked = select(contact_steps.c.digest, contact_steps.c.intake).where(this)
    row = connection.execute(asked).one_or_none()
    return None if row is None else StepRow(row.digest, row.intake)


def begin(connection: Connection, row: RequestRow) -> bool:
    """Add a request; False if its id is known or another about the reference is open."""
    values = {name: getattr(row, name) for name in RequestRow.__slots__}
    begun = connection.execute(
        inserting(connection, contact_requests)
        .values(**values)
        .on_conflict_do_nothing()
        .returning(contact_requests.c.request)
    )
    return begun.first() is not None


def move_on(
    connection: Connection,
    row: RequestRow,
    *,
    state: ContactStep,
    head: bytes,
    closes: bool,
    now: int,
) -> None:
    """Note that a step was taken after those of `row`, which is locked."""
    connection.execute(
        update(contact_requests)
        .where(contact_requests.c.request == row.request)
        .values(
            state=state,
            steps=row.steps + 1,
            head=head,
            stepped_at=now,
            closed_at=now if closes else row.closed_at,
        )
    )


def put_step(
    connection: Connection,
    request: bytes,
    number: int,
    *,
    recipient: str,
    digest: bytes,
    intake: int,
    sealed: bytes,
    now: int,
) -> None:
    """Leave a step for its recipient."""
    connection.execute(
        insert(contact_steps).values(
            request=request, number=number, recipient=recipient, digest=digest,
            intake=intake, sealed=sealed, taken_at=now,
        )
    )  # fmt: skip


def delivered(connection: Connection, recipient: str, steps: Iterable[tuple[bytes, int]]) -> None:
    """Delete the sealed bytes of these steps, if they are for `recipient`; the others stay."""
    for request, number in steps:
        this = and_(contact_steps.c.request == request, contact_steps.c.number == number)
        connection.execute(
            update(contact_steps)
            .where(this, contact_steps.c.recipient == recipient)
            .values(sealed=None)
        )


def waiting(connection: Connection, recipient: str, most: int) -> tuple[WaitingRow, ...]:
    """Return the first `most` steps that wait for `recipient`, in the order they were taken."""
    asked = (
        select(contact_steps.c.intake, contact_steps.c.sealed)
        .where(contact_steps.c.recipient == recipient, _WAITING)
        .order_by(contact_steps.c.intake)
        .limit(most)
    )
    return tuple(WaitingRow(row.intake, row.sealed) for row in connection.execute(asked))


def count_asked(connection: Connection, asker: str, officer: bytes | None, since: int) -> int:
    """Return how many requests the agency, or one officer of it, made after `since` (ms UTC)."""
    c = contact_requests.c
    asked = select(func.count()).where(c.asker == asker, c.asked_at > since)
    if officer is not None:
        asked = asked.where(c.officer == officer)
    return int(connection.execute(asked).scalar_one())


def erase_sealed(connection: Connection, before: int, most: int) -> int:
    """Delete the sealed bytes of at most `most` steps taken before then (ms UTC); how many."""
    keys = select(contact_steps.c.request, contact_steps.c.number).where(
        _WAITING, contact_steps.c.taken_at < before
    )
    found = connection.execute(keys.limit(most)).all()
    for row in found:
        this = and_(contact_steps.c.request == row.request, contact_steps.c.number == row.number)
        connection.execute(update(contact_steps).where(this).values(sealed=None))
    return len(found)


def forget(connection: Connection, before: int, most: int) -> int:
    """Delete at most `most` requests whose last step was before then (ms UTC); how many."""
    c = contact_requests.c
    keys = connection.execute(select(c.request).where(c.stepped_at < before).limit(most))
    old = keys.scalars().all()
    if old:
        connection.execute(delete(contact_steps).where(contact_steps.c.request.in_(old)))
        connection.execute(delete(contact_requests).where(c.request.in_(old)))
    return len(old)
