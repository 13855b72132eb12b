"""The connector's migrations: they make exactly the tables that the code uses, and go back."""

import pkgutil
from importlib import import_module

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

import agency_connector
from agency_connector.database import LOCATION, metadata
from foundation.database import Database, downgrade, migrate


@pytest.fixture(autouse=True, scope="module")
def _all_tables() -> None:
    """Import every folder's storage module, so that the metadata is whole."""
    for module in pkgutil.walk_packages(agency_connector.__path__, "agency_connector."):
        if module.name.rpartition(".")[2] == "storage":
            import_module(module.name)


def test_the_migrations_make_the_tables_that_the_code_uses(database: Database) -> None:
    migrate(database, LOCATION)
    with database.read() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []


def test_every_migration_can_be_undone(database: Database) -> None:
    migrate(database, LOCATION)
    downgrade(database, LOCATION, "base")
    assert set(inspect(database.engine).get_table_names()) <= {"alembic_version"}
