"""Runs a program's Alembic migrations from code: no alembic.ini, one transaction, one environment.

A migrations folder holds `versions/` and this env.py:

    from alembic import context
    from foundation import migrating
    from index_service.tables import metadata

    migrating.run(context, metadata)
"""

from typing import TYPE_CHECKING, Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, MetaData

from foundation.operator import OperatorError

if TYPE_CHECKING:
    from foundation.database import Database


def migrate(database: "Database", script_location: str, revision: str = "head") -> None:
    """Bring `database` up to `revision`, in one transaction: all of it or none.

    `script_location` is a folder in a package, such as `index_service:migrations`. Raises
    OperatorError if the database was made by a newer version, StorageUnavailable as `write` does.
    """
    with database.migration() as connection:
        _require_known(connection, script_location, database.name)
        command.upgrade(_config(script_location, connection), revision)


def downgrade(database: "Database", script_location: str, revision: str) -> None:
    """Take `database` back to `revision` (`base` for empty); arguments and errors as `migrate`."""
    with database.migration() as connection:
        _require_known(connection, script_location, database.name)
        command.downgrade(_config(script_location, connection), revision)


def require_migrated(
    database: "Database", script_location: str, *, command: str | None = None
) -> None:
    """Raise OperatorError unless `database` is exactly at the newest revision.

    `command` is what the operator has to type; without it, `<program> migrate`, the program being
    named after the package of `script_location`.
    """
    with database.read() as connection:
        current = _require_known(connection, script_location, database.name)
    newest = frozenset(ScriptDirectory.from_config(_config(script_location)).get_heads())
    if current != newest:
        typed = command or f"{_program(script_location)} migrate"
        state = f"is at revision {', '.join(sorted(current))}" if current else "is empty"
        raise OperatorError(
            f"the database {database.name} {state}, and this version needs "
            f"{', '.join(sorted(newest))}: stop the program, make a backup, and run `{typed}`"
        )


def run(context: Any, target_metadata: MetaData) -> None:
    """Be the whole of an env.py: run the migrations on the connection that `migrate` gave.

    `context` is `alembic.context`. The transaction is the caller's, and DDL is part of it on
    SQLite too, because `Database` and not the driver begins it.
    """
    connection: Connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=target_metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def _program(script_location: str) -> str:
    package = script_location.split(":", maxsplit=1)[0].split(".", maxsplit=1)[0]
    return package.replace("_", "-")


def _config(script_location: str, connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", script_location)
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _require_known(connection: Connection, script_location: str, name: str) -> frozenset[str]:
    """Return the revisions `connection` is at, all of which this version of the program knows."""
    scripts = ScriptDirectory.from_config(_config(script_location))
    current = frozenset(MigrationContext.configure(connection).get_current_heads())
    for revision in current:
        try:
            scripts.get_revision(revision)
        except CommandError:
            raise OperatorError(
                f"the database {name} is at revision {revision}, which this version does not know: "
                "install the version that made it, or restore a backup from before"
            ) from None
    return current
