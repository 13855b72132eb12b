"""The revision of the partnership: a random number that every change to it draws anew.

A lookup reads one number instead of agencies, keys, desks, agreements, epochs and marks: while it
stands still, what was read before still holds.
"""

import secrets
from typing import Final

from sqlalchemy import BigInteger, Column, Connection, Integer, Table, insert, select, update

from foundation.statements import Asked, Statement
from index_service.database import metadata

revision = Table(
    "revision",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
)

_CURRENT: Final = Statement(select(revision.c.number))


def move_on(connection: Connection) -> None:
    """Say, in the transaction that changes the partnership, that it has changed.

    A random number, not the next one: what was read under the number of a transaction that was
    rolled back must never be taken for what another one commits.
    """
    number = secrets.randbits(62)
    if connection.execute(update(revision).values(number=number)).rowcount == 0:
        connection.execute(insert(revision).values(id=1, number=number))


def ask(connection: Connection) -> Asked:
    """Ask for the number at which the partnership stands, without waiting for it."""
    return _CURRENT.later(connection)


def told(asked: Asked) -> int:
    """Return the number that `ask` asked for; 0 before anything happened."""
    found = asked.rows()
    return int(found[0][0]) if found else 0
