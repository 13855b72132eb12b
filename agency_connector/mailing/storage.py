"""The table of mail notices: to which desk, about which reference, when due, and whether sent."""

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    delete,
    func,
    select,
    update,
)

from agency_connector.database import metadata
from foundation.inserting import inserting

ID_BYTES = 16

notices = Table(
    "mail_notices",
    metadata,
    # What the notice is about: the same request is told of once.
    Column("notice_id", LargeBinary(ID_BYTES), primary_key=True),
    Column("desk", String(32), nullable=False),
    Column("reference", String(16), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False),
    # Why the last try failed, in one word; never words of a server.
    Column("failed", String(32)),
    Column("sent_at", BigInteger),
)
_WAITING = notices.c.sent_at.is_(None)
Index("ix_mail_notices_due", notices.c.due_at, sqlite_where=_WAITING, postgresql_where=_WAITING)


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice that is to be sent. `made_at` is ms UTC; `tries` were made before this one."""

    id: bytes
    desk: str
    reference: str
    made_at: int
    tries: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """The notices that were not sent yet, by what failed ("" for those that nobody has tried)."""

    failed: str
    count: int
    oldest_at: int


def put(connection: Connection, notice: bytes, desk: str, reference: str, now: int) -> None:
    """Add a notice, due now; a second one of this id is the first."""
    connection.execute(
        inserting(connection, notices)
        .values(notice_id=notice, desk=desk, reference=reference, made_at=now, due_at=now, tries=0)
        .on_conflict_do_nothing(index_elements=[notices.c.notice_id])
    )


def next_due(connection: Connection, now: int) -> Notice | None:
    """Return the notice that has been due longest, or None if none is due."""
    row = connection.execute(
        select(notices)
        .where(_WAITING, notices.c.due_at <= now)
        .order_by(notices.c.due_at, notices.c.notice_id)
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    return Notice(row.notice_id, row.desk, row.reference, row.made_at, row.tries)


def claim(connection: Connection, notice: Notice, now: int, again_at: int) -> bool:
    """Put a due notice off to `again_at` and count the try; False if another has done it.

    Of two that would send it at once, one gets it; a process that dies before it has sent it
    leaves it to be tried then.
    """
    claimed = connection.execute(
        update(notices)
        .where(notices.c.notice_id == notice.id, _WAITING, notices.c.due_at <= now)
        .values(due_at=again_at, tries=notice.tries + 1)
        .returning(notices.c.notice_id)
    )
    return claimed.first() is not None


def note_sent(connection: Connection, notice: bytes, now: int) -> None:
    """Note that the server has taken a notice."""
    this = notices.c.notice_id == notice
    connection.execute(update(notices).where(this).values(sent_at=now, failed=None))


def note_failed(connection: Connection, notice: bytes, code: str) -> None:
    """Note why a notice could not be sent."""
    connection.execute(
        update(notices).where(notices.c.notice_id == notice, _WAITING).values(failed=code)
    )


def call_off(connection: Connection, notice: bytes) -> None:
    """Drop a notice that was not sent: nothing waits there any more."""
    connection.execute(delete(notices).where(notices.c.notice_id == notice, _WAITING))


def forget(connection: Connection, before: int) -> None:
    """Erase the notices that were made before then (ms UTC), sent or not."""
    connection.execute(delete(notices).where(notices.c.made_at < before))


def waiting(connection: Connection) -> tuple[Waiting, ...]:
    """Return what waits, by what failed."""
    rows = connection.execute(
        select(
            func.coalesce(notices.c.failed, "").label("failed"),
            func.count().label("number"),
            func.min(notices.c.made_at).label("oldest"),
        )
        .where(_WAITING)
        .group_by(notices.c.failed)
        .order_by("failed")
    )
    return tuple(Waiting(row.failed, row.number, row.oldest) for row in rows)
