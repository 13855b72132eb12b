"""The tables of justifications. What was typed, by whom and why is sealed in them."""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    LargeBinary,
    Row,
    String,
    Table,
    delete,
    insert,
    select,
    update,
)

from agency_connector.database import metadata
from foundation.inserting import inserting

ID_BYTES = 16
OFFICER_BYTES = 32

Kind = Literal["drawn", "at-once"]
"""`drawn`: asked for before the check; `at-once`: owed after it."""

State = Literal["pending", "given", "abandoned", "deferred"]
"""`deferred`: the check was made at once after all, and its own justification is owed."""

turns = Table(
    "justification_turns",
    metadata,
    # journal.sealing.JournalSeal.row_of
    Column("officer_id", LargeBinary(OFFICER_BYTES), primary_key=True),
    # How many draws are over. The one that stands is that of this number.
    Column("counter", BigInteger, nullable=False),
    # The check that the last draw let pass: sent again, it draws no more.
    Column("last_check", LargeBinary(ID_BYTES)),
)
justifications = Table(
    "justifications",
    metadata,
    Column("justification_id", LargeBinary(ID_BYTES), primary_key=True),
    Column("officer_id", LargeBinary(OFFICER_BYTES), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("asked_at", BigInteger, nullable=False, index=True),
    Column("due_at", BigInteger),
    Column("settled_at", BigInteger),
    Column("about", LargeBinary, nullable=False),
    Column("given", LargeBinary),
    Index("ix_justifications_officer_id_state", "officer_id", "state"),
)


@dataclass(frozen=True, slots=True)
class Turn:
    """Where an officer's draws stand."""

    counter: int
    last_check: bytes | None


@dataclass(frozen=True, slots=True)
class JustificationRow:
    """A justification as it is stored. Times are ms UTC; `given` is None until it is given."""

    id: bytes
    officer: bytes
    kind: Kind
    state: State
    asked_at: int
    due_at: int | None
    settled_at: int | None
    about: bytes
    given: bytes | None


def turn_of(connection: Connection, officer: bytes) -> Turn:
    """Return where an officer's draws stand; others who ask wait until this transaction ends."""
    connection.execute(
        inserting(connection, turns)
        .values(officer_id=officer, counter=0)
        .on_conflict_do_nothing(index_elements=[turns.c.officer_id])
    )
    row = connection.execute(
        select(turns).where(turns.c.officer_id == officer).with_for_update()
    ).one()
    return Turn(row.counter, row.last_check)


def end_turn(connection: Connection, officer: bytes, counter: int, check: bytes | None) -> None:
    """Go on to the draw of `counter`; `check` is what the last one let pass."""
    connection.execute(
        update(turns).where(turns.c.officer_id == officer).values(counter=counter, last_check=check)
    )


def add(connection: Connection, row: JustificationRow) -> None:
    """Add a justification that is asked for."""
    connection.execute(
        insert(justifications).values(
            justification_id=row.id,
            officer_id=row.officer,
            kind=row.kind,
            state=row.state,
            asked_at=row.asked_at,
            due_at=row.due_at,
            about=row.about,
        )
    )


def find(connection: Connection, justification: bytes) -> JustificationRow | None:
    """Return a justification, or None."""
    this = justifications.c.justification_id == justification
    row = connection.execute(select(justifications).where(this)).one_or_none()
    return None if row is None else _row(row)


def pending(connection: Connection, officer: bytes) -> tuple[JustificationRow, ...]:
    """Return what an officer is asked for and has neither given nor abandoned, oldest first."""
    rows = connection.execute(
        select(justifications)
        .where(justifications.c.officer_id == officer, justifications.c.state == "pending")
        .order_by(justifications.c.asked_at)
    )
    return tuple(_row(row) for row in rows)


def settle(
    connection: Connection, justification: bytes, state: State, at: int, given: bytes | None
) -> bool:
    """Close a pending justification; False if it is not pending any more."""
    closed = connection.execute(
        update(justifications)
        .where(
            justifications.c.justification_id == justification,
            justifications.c.state == "pending",
        )
        .values(state=state, settled_at=at, given=given)
        .returning(justifications.c.justification_id)
    )
    return closed.first() is not None


def take_back(connection: Connection, justification: bytes) -> None:
    """Remove what is owed for a check that was not made after all."""
    connection.execute(
        delete(justifications).where(
            justifications.c.justification_id == justification,
            justifications.c.state == "pending",
        )
    )


def _row(row: Row[Any]) -> JustificationRow:
    return JustificationRow(
        row.justification_id,
        row.officer_id,
        row.kind,
        row.state,
        row.asked_at,
        row.due_at,
        row.settled_at,
        row.about,
        row.given,
    )
