"""An INSERT that can say what to do about a row that is there, for either database."""

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def inserting(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return the INSERT into `table` that has `on_conflict_do_nothing` and `_do_update`.

    SQLAlchemy's own `insert` has neither, since their words are each database's own.
    """
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)
