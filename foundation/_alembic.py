"""What of migrating needs Alembic: apart, since importing that takes a third of a second."""

from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, MetaData

from foundation.operator import OperatorError


def upgrade(connection: Connection, script_location: str, revision: str, name: str) -> None:
    """Run the migrations up to `revision` on `connection`; `name` tells where the database is."""
    _require_known(connection, script_location, name)
    command.upgrade(_config(script_location, connection), revision)


def downgrade(connection: Connection, script_location: str, revision: str, name: str) -> None:
    """Run the migrations back to `revision`; arguments and errors as `upgrade`."""
    _require_known(connection, script_location, name)
    command.downgrade(_config(script_location, connection), revision)


def run(context: Any, target_metadata: MetaData) -> None:
    """Run the migrations in the environment `context`; see `foundation.migrating.run`."""
    connection: Connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=target_metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def _config(script_location: str, connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", script_location)
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _require_known(connection: Connection, script_location: str, name: str) -> None:
    """Raise OperatorError if `connection` is at a revision of which there is no file here."""
    scripts = ScriptDirectory.from_config(_config(script_location))
    for revision in MigrationContext.configure(connection).get_current_heads():
        try:
            scripts.get_revision(revision)
        except CommandError:
            raise OperatorError(
                f"the database {name} is at revision {revision}, which this version does not know: "
                "install the version that made it, or restore a backup from before"
            ) from None
