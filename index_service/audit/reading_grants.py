"""Which entry bundles an auditor may fetch: those that a recorded complete scan has covered.

Two people confirmed that scan, it has its ground, and it is an entry; fetching the same entries
once more within a day adds nothing to what it says.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    String,
    Table,
    delete,
    exists,
    select,
)

from foundation.inserting import inserting
from index_service.database import metadata
from protocol.log.tiles import Bundle
from schemas.audit import BUNDLES_OPEN_MS

reading_grants = Table(
    "reading_grants",
    metadata,
    Column("agency", String(32), ForeignKey("agencies.agency"), primary_key=True),
    # Entries from `first` to just before `end`; `until` in ms UTC.
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("end", BigInteger, primary_key=True, autoincrement=False),
    Column("until", BigInteger, nullable=False),
)


def grant(connection: Connection, agency: str, first: int, end: int, now: int) -> None:
    """Let `agency` fetch the entries from `first` to just before `end` for a day from `now` on.

    What has lapsed is forgotten.
    """
    connection.execute(delete(reading_grants).where(reading_grants.c.until <= now))
    until = now + BUNDLES_OPEN_MS
    connection.execute(
        inserting(connection, reading_grants)
        .values(agency=agency, first=first, end=end, until=until)
        .on_conflict_do_update(
            index_elements=[
                reading_grants.c.agency,
                reading_grants.c.first,
                reading_grants.c.end,
            ],
            set_={"until": until},
        )
    )


def is_granted(connection: Connection, agency: str, bundle: Bundle, now: int) -> bool:
    """Return whether one scan that `agency` made in the last day covered all of `bundle`."""
    granted = reading_grants.c
    return bool(
        connection.execute(
            select(
                exists().where(
                    granted.agency == agency,
                    granted.first <= bundle.first,
                    granted.end >= bundle.first + bundle.width,
                    granted.until > now,
                )
            )
        ).scalar_one()
    )
