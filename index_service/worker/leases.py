"""Who does a job: a row per job that one copy of the worker holds, for as long as it renews it.

A copy renews its lease in the very transaction that does a piece of the work. The row stays
locked until that commits, so nobody can take the job over in between, and a copy that stood
still for longer than its lease finds the fence moved on and commits nothing.
"""

import secrets
from dataclasses import dataclass
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    LargeBinary,
    String,
    Table,
    and_,
    or_,
    update,
)

from foundation.inserting import inserting
from index_service.database import metadata

NOBODY: Final = b""

leases = Table(
    "worker_leases",
    metadata,
    Column("job", String(32), primary_key=True),
    Column("holder", LargeBinary(16), nullable=False),
    # Moves up each time the job changes hands, and never down.
    Column("fence", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
)


class LeaseLost(Exception):
    """Another copy has taken the job over: what this one was about to commit is undone."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to do `job`, until another copy takes it over."""

    job: str
    holder: bytes
    fence: int


def take(
    connection: Connection, job: str, now: int, span_ms: int, every_ms: int | None = None
) -> Lease | None:
    """Take `job` for `span_ms` if it is due and nobody holds it; None otherwise.

    A job that is due every `every_ms` is also taken if it is due, or held, for longer from now
    than anybody could have said: then the clock was set back, and the fence keeps the rest safe.
    """
    due, expired = leases.c.due_at <= now, leases.c.expires_at <= now
    if every_ms is not None:
        due = or_(due, leases.c.due_at > now + every_ms)
        expired = or_(expired, leases.c.expires_at > now + span_ms)
    connection.execute(
        inserting(connection, leases)
        .values(job=job, holder=NOBODY, fence=0, expires_at=0, due_at=0)
        .on_conflict_do_nothing()
    )
    holder = secrets.token_bytes(16)
    fence = connection.execute(
        update(leases)
        .where(leases.c.job == job, due, expired)
        .values(holder=holder, fence=leases.c.fence + 1, expires_at=now + span_ms)
        .returning(leases.c.fence)
    ).scalar()
    return None if fence is None else Lease(job, holder, int(fence))


def renew(connection: Connection, lease: Lease, now: int, span_ms: int) -> None:
    """Hold `lease` until `now + span_ms`; raises LeaseLost if another copy has it.

    To be the first statement of the transaction whose effects it guards.
    """
    _change(connection, lease, expires_at=now + span_ms)


def give_back(connection: Connection, lease: Lease, due_at: int | None) -> None:
    """Let go of the job; `due_at` is when it is due again, None if it is not finished.

    Raises LeaseLost if another copy has it.
    """
    due = {} if due_at is None else {"due_at": due_at}
    _change(connection, lease, holder=NOBODY, expires_at=0, **due)


def _change(connection: Connection, lease: Lease, **values: object) -> None:
    mine = and_(
        leases.c.job == lease.job,
        leases.c.fence == lease.fence,
        leases.c.holder == lease.holder,
    )
    if connection.execute(update(leases).where(mine).values(**values)).rowcount != 1:
        raise LeaseLost(lease.job)
