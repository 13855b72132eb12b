"""An INSERT that can say what to do about a row that is there, for either database."""

from typing import TYPE_CHECKING

from sqlalchemy import Connection, Table

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite


def inserting(connection: Connection, table: Table) -> "postgresql.Insert | sqlite.Insert":
    """Return the INSERT into `table` that has `on_conflict_do_nothing` and `_do_update`.

    SQLAlchemy's own `insert` has neither, since their words are each database's own.
    """
    # Each is imported for who uses it: PostgreSQL's takes a tenth of the time to start a command.
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - see above

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite  # noqa: PLC0415 - see above

    return sqlite.insert(table)
