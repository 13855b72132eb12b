"""The table of alarms: one open alarm for each kind and subject, kept for good."""

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    String,
    Table,
    Text,
    select,
    update,
)

from agency_connector.database import metadata
from foundation.inserting import inserting

alarms = Table(
    "alarms",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("kind", String(64), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("sentence", Text, nullable=False),
    Column("raised_at", BigInteger, nullable=False),
    Column("acknowledged_at", BigInteger),
    Column("acknowledged_by", String(200)),
    sqlite_autoincrement=True,
)
_OPEN = alarms.c.acknowledged_at.is_(None)
Index(
    "ix_alarms_open",
    alarms.c.kind,
    alarms.c.subject,
    unique=True,
    sqlite_where=_OPEN,
    postgresql_where=_OPEN,
)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm. Times are in ms UTC; the last two are None while it is open.

    `kind` names what went wrong in one word, such as `receipt-overdue`; `subject` names what it
    went wrong with: a lookup's id, a log's size; `sentence` is for a person, and says what to do.
    """

    number: int
    kind: str
    subject: str
    sentence: str
    raised_at: int
    acknowledged_at: int | None
    acknowledged_by: str | None


def raise_alarm(
    connection: Connection, *, kind: str, subject: str, sentence: str, now: int
) -> None:
    """Raise an alarm, unless one of this kind and subject is open.

    Once it has been acknowledged, raising it again makes a new one: whoever calls raises it when
    something happens, not for as long as it lasts. `sentence` holds no name or date of birth.
    """
    connection.execute(
        inserting(connection, alarms)
        .values(kind=kind, subject=subject, sentence=sentence, raised_at=now)
        .on_conflict_do_nothing(index_elements=[alarms.c.kind, alarms.c.subject], index_where=_OPEN)
    )


def open_alarms(connection: Connection) -> tuple[Alarm, ...]:
    """Return the alarms that nobody has acknowledged, oldest first."""
    rows = connection.execute(select(alarms).where(_OPEN).order_by(alarms.c.number))
    return tuple(Alarm(*row) for row in rows)


def every_alarm(connection: Connection) -> tuple[Alarm, ...]:
    """Return all alarms there ever were, oldest first."""
    return tuple(Alarm(*row) for row in connection.execute(select(alarms).order_by("number")))


def acknowledge(connection: Connection, number: int, by: str, now: int) -> bool:
    """Keep that `by`, a user of this machine, has seen alarm `number`; False if none is open."""
    done = connection.execute(
        update(alarms)
        .where(alarms.c.number == number, _OPEN)
        .values(acknowledged_at=now, acknowledged_by=by)
        .returning(alarms.c.number)
    )
    return done.first() is not None
