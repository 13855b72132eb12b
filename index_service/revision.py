"""The revision of the partnership: a number that every change to it moves on.

A lookup reads one number instead of agencies, keys, desks, agreements, epochs and marks: while it
stands still, what was read before still holds.
"""

from sqlalchemy import BigInteger, Column, Connection, Integer, Table, insert, select, update

from index_service.database import metadata

revision = Table(
    "revision",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
)


def move_on(connection: Connection) -> None:
    """Say, in the transaction that changes the partnership, that it has changed."""
    if connection.execute(update(revision).values(number=revision.c.number + 1)).rowcount == 0:
        connection.execute(insert(revision).values(id=1, number=1))


def current(connection: Connection) -> int:
    """Return the number at which the partnership stands; 0 before anything happened."""
    return connection.execute(select(revision.c.number)).scalar() or 0
