"""How much of the record an agency may read in an hour, counted by the clock's hours."""

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Integer,
    String,
    Table,
    delete,
)

from foundation.inserting import inserting
from foundation.problems import Problem
from index_service.database import metadata
from index_service.settings import LimitSettings
from index_service.spans import HOUR_MS
from schemas.audit import ReadingOf

audit_counts = Table(
    "audit_counts",
    metadata,
    Column("agency", String(32), ForeignKey("agencies.agency"), primary_key=True),
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("person", Integer, primary_key=True, autoincrement=False),
    Column("count", Integer, nullable=False),
)


def count_reading(
    connection: Connection, limits: LimitSettings, agency: str, of: ReadingOf, now: int
) -> None:
    """Count one reading; Problem 429 if that is one too many, and then nothing is counted.

    The row is locked until the transaction ends, so the limit is exact.
    """
    hour = now // HOUR_MS
    this = {"agency": agency, "hour": hour, "person": int(of == "person")}
    counted = connection.execute(
        inserting(connection, audit_counts)
        .values(**this, count=1)
        .on_conflict_do_update(index_elements=list(this), set_={"count": audit_counts.c.count + 1})
        .returning(audit_counts.c.count)
    ).scalar_one()
    connection.execute(delete(audit_counts).where(audit_counts.c.hour < hour))
    person = of == "person"
    allowed = limits.audit_persons_per_hour if person else limits.audit_pages_per_hour
    if counted > allowed:
        what = "persons" if person else "pages"
        wait = (HOUR_MS - now % HOUR_MS) // 1000 + 1
        problem = Problem(
            429,
            "audit-over-hour",
            f"This agency has read {allowed} {what} of the record in this hour, as many as are "
            "allowed: go on in the next hour, or ask the steward.",
            retry_after=wait,
        )
        problem.headers["Retry-After"] = str(wait)
        raise problem
