"""Doing a job: piece by piece, each piece one transaction under the job's lease."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from foundation import logs
from foundation.operator import PlainError
from index_service.installation import Installation
from index_service.worker import leases
from index_service.worker.leases import Lease, LeaseLost

_SECOND_MS = 1_000


@dataclass(frozen=True, slots=True)
class Done:
    """What a piece of work did to how many rows, and whether there may be more of it."""

    rows: int
    more: bool


Piece = Callable[[Connection, Installation, int], Done]
"""One piece of a job, in the transaction given, as of the time given (ms UTC).

It leaves the database as if the job had ended there, so a copy that dies after it loses nothing.
"""


@dataclass(frozen=True, slots=True)
class Job:
    """Something the index does by itself every `every_s` seconds, in one copy at a time."""

    name: str
    every_s: int
    piece: Piece


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job went: `done`, `stopped` on request, `lost` to another copy, or `failed`."""

    word: str
    rows: int
    seconds: float


def do(job: Job, index: Installation, stopping: Callable[[], bool]) -> Outcome | None:
    """Do `job` if it is due and no other copy is at it; None if not.

    When `stopping` says so, the piece at hand is finished and the rest is left to whoever comes
    next. Whatever fails undoes its piece alone, is logged, and is tried again when next asked.
    """
    span_ms = index.settings.worker.lease_seconds * _SECOND_MS
    started = time.monotonic()
    lease: Lease | None = None
    rows = 0
    try:
        with index.database.write() as connection:
            every_ms = job.every_s * _SECOND_MS
            lease = leases.take(connection, job.name, index.clock(), span_ms, every_ms)
        if lease is None:
            return None
        more = True
        while more and not stopping():
            with index.database.write() as connection:
                now = index.clock()
                leases.renew(connection, lease, now, span_ms)
                done = job.piece(connection, index, now)
            rows += done.rows
            more = done.more
        due_at = None if more else index.clock() + job.every_s * _SECOND_MS
        with index.database.write() as connection:
            leases.give_back(connection, lease, due_at)
        word = "stopped" if more else "done"
    except LeaseLost:
        word = "lost"
        logs.get_logger().warning("job.lost", job=job.name, rows=rows)
    except Exception as error:
        word = "failed"
        logs.get_logger().error("job.failed", job=job.name, rows=rows, exc_info=error)
        if lease is not None:
            _let_go(index, lease)
    outcome = Outcome(word, rows, time.monotonic() - started)
    if word in {"done", "stopped"} and (rows or word == "stopped"):
        logs.get_logger().info(
            f"job.{word}", job=job.name, rows=rows, duration_ms=round(outcome.seconds * 1000)
        )
    return outcome


def _let_go(index: Installation, lease: Lease) -> None:
    """Give a failed job's lease back; if even that fails, it expires by itself."""
    try:
        with index.database.write() as connection:
            leases.give_back(connection, lease, None)
    except (LeaseLost, PlainError):
        return
