"""Runs a program's Alembic migrations from code: no alembic.ini, one transaction, one environment.

A migrations folder holds `versions/`, with a file `NNNN_word.py` for each revision NNNN, each
following the one before, and this env.py:

    from alembic import context
    from foundation import migrating
    from the_program.tables import metadata

    migrating.run(context, metadata)
"""

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, MetaData, inspect, text

from foundation.operator import OperatorError

if TYPE_CHECKING:
    from foundation.database import Database


def migrate(database: "Database", script_location: str, revision: str = "head") -> None:
    """Bring `database` up to `revision`, in one transaction: all of it or none.

    `script_location` is a folder in a package, such as `index_service:migrations`. Raises
    OperatorError if the database was made by a newer version, StorageUnavailable as `write` does.
    """
    with database.migration() as connection:
        if revision == "head" and _current(connection) == known_revisions(script_location)[-1]:
            return
        from foundation import _alembic  # noqa: PLC0415 - see its first line

        _alembic.upgrade(connection, script_location, revision, database.name)


def downgrade(database: "Database", script_location: str, revision: str) -> None:
    """Take `database` back to `revision` (`base` for empty); arguments and errors as `migrate`."""
    from foundation import _alembic  # noqa: PLC0415 - see its first line

    with database.migration() as connection:
        _alembic.downgrade(connection, script_location, revision, database.name)


def require_migrated(
    database: "Database", script_location: str, *, command: str | None = None
) -> None:
    """Raise OperatorError unless `database` is exactly at the newest revision.

    `command` is what the operator has to type; without it, `<program> migrate`, the program being
    named after the package of `script_location`. Runs at every start, so it does without Alembic.
    """
    revisions = known_revisions(script_location)
    with database.read() as connection:
        current = _current(connection)
    if current == revisions[-1]:
        return
    if current is not None and current not in revisions:
        raise OperatorError(
            f"the database {database.name} is at revision {current}, which this version does not "
            "know: install the version that made it, or restore a backup from before"
        )
    typed = command or f"{_program(script_location)} migrate"
    state = "is empty" if current is None else f"is at revision {current}"
    raise OperatorError(
        f"the database {database.name} {state}, and this version needs {revisions[-1]}: stop the "
        f"program, make a backup, and run `{typed}`"
    )


def known_revisions(script_location: str) -> list[str]:
    """Return the revisions that `script_location` has files for, oldest first."""
    package, colon, folder = script_location.partition(":")
    place = files(package).joinpath(*folder.split("/")) if colon else Path(script_location)
    names = (file.name for file in place.joinpath("versions").iterdir())
    return sorted(name.partition("_")[0] for name in names if name[:1].isdigit())


def run(context: Any, target_metadata: MetaData) -> None:
    """Be the whole of an env.py: run the migrations on the connection that `migrate` gave.

    `context` is `alembic.context`. The transaction is the caller's, and DDL is part of it on
    SQLite too, because `Database` and not the driver begins it.
    """
    from foundation import _alembic  # noqa: PLC0415 - see its first line

    _alembic.run(context, target_metadata)


def _program(script_location: str) -> str:
    package = script_location.split(":", maxsplit=1)[0].split(".", maxsplit=1)[0]
    return package.replace("_", "-")


def _current(connection: Connection) -> str | None:
    """Return the revision that Alembic has written into the database, or None if it is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(
        text("SELECT version_num FROM alembic_version")
    ).scalar()
    return revision
