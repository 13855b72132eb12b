"""The lease of a sync: one run at a time, and a run that lost its lease can write nothing more."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, delete, select, update

from agency_connector.publishing.storage import sync_lease
from foundation.clock import Clock
from foundation.database import Database
from foundation.inserting import inserting
from foundation.operator import OperatorError

LEASE_MS: Final = 5 * 60_000
"""How long a run that was killed keeps others out: longer than any one step takes."""


class Lease:
    """A run's right to change what is published. `run` names it, 16 bytes."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.run = secrets.token_bytes(16)
        self._database = database
        self._clock = clock

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Yield a write transaction that commits only while this run has the lease.

        The row is locked until the commit, so no other run can take the lease over in between.
        Raises OperatorError if the lease has been lost.
        """
        now = self._clock()
        with self._database.write() as connection:
            renewed = connection.execute(
                update(sync_lease)
                .where(sync_lease.c.run == self.run)
                .values(expires_at=now + LEASE_MS)
            )
            if renewed.rowcount != 1:
                raise OperatorError(
                    "this sync stood still for so long that another one took its place: look at "
                    "what that one reports"
                )
            yield connection


@contextmanager
def held(database: Database, clock: Clock) -> Iterator[Lease]:
    """Yield the lease, and give it back at the end; OperatorError if another sync is running."""
    lease = Lease(database, clock)
    now = clock()
    with database.write() as connection:
        taking = inserting(connection, sync_lease).values(
            singleton=1, run=lease.run, taken_at=now, expires_at=now + LEASE_MS
        )
        taken = connection.execute(
            taking.on_conflict_do_update(
                index_elements=[sync_lease.c.singleton],
                set_={"run": lease.run, "taken_at": now, "expires_at": now + LEASE_MS},
                where=sync_lease.c.expires_at <= now,
            ).returning(sync_lease.c.run)
        ).one_or_none()
        if taken is None:
            other = connection.execute(select(sync_lease)).one()
            raise OperatorError(
                f"another sync has been running since {_time(other.taken_at)}: wait for it; if it "
                f"was killed, its place is free at {_time(other.expires_at)}"
            )
    try:
        yield lease
    finally:
        with database.write() as connection:
            connection.execute(delete(sync_lease).where(sync_lease.c.run == lease.run))


def _time(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1000, UTC).astimezone().strftime("%H:%M:%S")
