"""Databases that a program's migrations have already been run on, made once and used often.

To create a database, migrate it and drop it costs a test more than most of what it then proves. So
a SQLite file is a copy of one that was migrated once, and a PostgreSQL database is emptied when
its test is over and given to the next one, unless the test changed its schema.
"""

import shutil
from collections import defaultdict
from pathlib import Path
from typing import Final

import psycopg

from foundation.database import Database, migrate
from tests.postgres import PostgresServer

# Rows that were deleted stay in a table's file: after so many tests a database is dropped.
_MOST_USES = 40

_EMPTY: Final = """
DO $$
DECLARE name text;
BEGIN
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid();
    SET LOCAL session_replication_role = replica;
    FOR name IN SELECT oid::regclass FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
            AND relname <> 'alembic_version'
    LOOP
        EXECUTE 'DELETE FROM ' || name;
    END LOOP;
    PERFORM setval(seqrelid::regclass, seqstart, false) FROM pg_sequence;
END $$
"""
# Each row of PostgreSQL's own tables bears the transaction that wrote it last.
_SCHEMA: Final = """
SELECT md5(string_agg(change, ',' ORDER BY change)) FROM (
    SELECT 'relation ' || oid || ' ' || xmin FROM pg_class WHERE oid >= 16384
    UNION ALL SELECT 'column ' || attrelid || ' ' || attnum || ' ' || xmin FROM pg_attribute
        WHERE attrelid >= 16384
    UNION ALL SELECT 'constraint ' || oid || ' ' || xmin FROM pg_constraint WHERE oid >= 16384
    UNION ALL SELECT 'trigger ' || oid || ' ' || xmin FROM pg_trigger
    UNION ALL SELECT 'function ' || oid || ' ' || xmin FROM pg_proc WHERE oid >= 16384
    UNION ALL SELECT 'setting ' || setdatabase || ' ' || xmin FROM pg_db_role_setting
) AS changes(change)
"""


class MigratedFiles:
    """SQLite files, each a copy of one that was migrated."""

    def __init__(self, folder: Path) -> None:
        """Keep what is copied in `folder`."""
        self._folder: Final = folder

    def copy(self, location: str, to: Path) -> str:
        """Make the file `to`, migrated by the migrations at `location`; return its URL."""
        original = self._folder / f"{location.replace(':', '.')}.sqlite"
        if not original.exists():
            database = Database(f"sqlite:///{original}")
            migrate(database, location)
            database.close()
        shutil.copy(original, to)
        return f"sqlite:///{to}"


class MigratedDatabases:
    """Databases of a PostgreSQL server, empty but migrated, and used one after the other."""

    def __init__(self, server: PostgresServer) -> None:
        """Make them in `server`, which ends them with itself."""
        self._server: Final = server
        self._free: Final[dict[str, list[str]]] = defaultdict(list)
        self._schemas: Final[dict[str, str]] = {}
        self._uses: Final[dict[str, int]] = defaultdict(int)

    def take(self, location: str) -> str:
        """Return the name of a database that the migrations at `location` were run on."""
        if not self._free[location]:
            name = self._server.create()
            database = Database(self._server.url(name))
            migrate(database, location)
            database.close()
            self._schemas[name] = self._schema(name)
            self._free[location].append(name)
        name = self._free[location].pop()
        self._uses[name] += 1
        return name

    def give_back(self, location: str, name: str) -> None:
        """Empty the database for another test, or drop it if it is no longer as it was made."""
        if self._uses[name] < _MOST_USES and self._schema(name) == self._schemas[name]:
            with self._connection(name) as connection:
                connection.execute(_EMPTY)
            self._free[location].append(name)
        else:
            self._server.drop(name)

    def _schema(self, name: str) -> str:
        with self._connection(name) as connection:
            row = connection.execute(_SCHEMA).fetchone()
        return str(row)

    def _connection(self, name: str) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(
            host=str(self._server.socket_directory), user="postgres", dbname=name, autocommit=True
        )
