"""The table of what supervisors opened and decided, and the journal as it is read for them."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    LargeBinary,
    String,
    Table,
    func,
    insert,
    select,
)

from agency_connector.database import metadata
from agency_connector.journal.storage import checks, resolutions
from agency_connector.justifying.storage import justifications

ID_BYTES = 16
Kind = Literal["opened", "verdict"]

reviews = Table(
    "supervision_reviews",
    metadata,
    Column("review_id", LargeBinary(ID_BYTES), primary_key=True),
    Column("check_id", LargeBinary(ID_BYTES), nullable=False, index=True),
    Column("at", BigInteger, nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    # Who, why, and in which words: sealed like the journal.
    Column("told", LargeBinary, nullable=False),
)


@dataclass(frozen=True, slots=True)
class CheckRow:
    """A check's sealed parts; `kept` and `came_of_it` are None before there is anything."""

    check: bytes
    asked_at: int
    asked: bytes
    kept: bytes | None
    came_of_it: bytes | None


@dataclass(frozen=True, slots=True)
class ResolutionRow:
    """A resolved reference's sealed parts; `replied` is None before the desk said anything."""

    id: bytes
    resolved: bytes
    replied: bytes | None


@dataclass(frozen=True, slots=True)
class JustificationRow:
    """A justification as a worklist needs it: what it is about is sealed. Times are ms UTC."""

    id: bytes
    kind: str
    state: str
    asked_at: int
    due_at: int | None
    about: bytes
    given: bytes | None


def put(
    connection: Connection, review: bytes, check: bytes, at: int, kind: Kind, told: bytes
) -> None:
    """Add an opening or a verdict."""
    connection.execute(
        insert(reviews).values(review_id=review, check_id=check, at=at, kind=kind, told=told)
    )


def find(connection: Connection, review: bytes, kind: Kind) -> bytes | None:
    """Return what is sealed of an opening or a verdict, or None."""
    found: bytes | None = connection.execute(
        select(reviews.c.told).where(reviews.c.review_id == review, reviews.c.kind == kind)
    ).scalar_one_or_none()
    return found


def verdicts_since(connection: Connection, since: int) -> tuple[tuple[bytes, bytes], ...]:
    """Return id and sealed record of the verdicts since then (ms UTC), oldest first."""
    rows = connection.execute(
        select(reviews.c.review_id, reviews.c.told)
        .where(reviews.c.kind == "verdict", reviews.c.at >= since)
        .order_by(reviews.c.at, reviews.c.review_id)
    )
    return tuple((row.review_id, row.told) for row in rows)


def count(connection: Connection, kind: Kind, since: int, before: int) -> int:
    """Return how many openings or verdicts there were in this time (ms UTC)."""
    counted = select(func.count()).where(
        reviews.c.kind == kind, reviews.c.at >= since, reviews.c.at < before
    )
    return int(connection.execute(counted).scalar_one())


def checks_between(
    connection: Connection, since: int, before: int, most: int
) -> tuple[CheckRow, ...]:
    """Return the first `most` checks with since <= asked_at < before (ms UTC), oldest first."""
    rows = connection.execute(
        select(
            checks.c.check_id, checks.c.asked_at, checks.c.asked, checks.c.kept, checks.c.came_of_it
        )
        .where(checks.c.asked_at >= since, checks.c.asked_at < before)
        .order_by(checks.c.asked_at, checks.c.check_id)
        .limit(most)
    )
    return tuple(
        CheckRow(row.check_id, row.asked_at, row.asked, row.kept, row.came_of_it) for row in rows
    )


def resolutions_between(
    connection: Connection, since: int, before: int
) -> tuple[ResolutionRow, ...]:
    """Return the references that were resolved in this time (ms UTC), oldest first."""
    told = resolutions.c
    rows = connection.execute(
        select(told.resolution_id, told.resolved, told.replied)
        .where(told.asked_at >= since, told.asked_at < before, told.resolved.is_not(None))
        .order_by(told.asked_at, told.resolution_id)
    )
    return tuple(ResolutionRow(row.resolution_id, row.resolved, row.replied) for row in rows)


def justifications_between(
    connection: Connection, since: int, before: int
) -> tuple[JustificationRow, ...]:
    """Return the justifications asked for in this time (ms UTC), newest first."""
    told = justifications.c
    rows = connection.execute(
        select(justifications)
        .where(told.asked_at >= since, told.asked_at < before)
        .order_by(told.asked_at.desc(), told.justification_id)
    )
    return tuple(
        JustificationRow(
            row.justification_id,
            row.kind,
            row.state,
            row.asked_at,
            row.due_at,
            row.about,
            row.given,
        )
        for row in rows
    )
