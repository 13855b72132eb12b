"""The index's schema is what its code expects, and steps up and down with data in it."""

from collections.abc import Callable

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from foundation.database import Database, downgrade, migrate
from index_service.database import LOCATION
from index_service.tables import metadata


@pytest.fixture
def database_url(fresh_url: Callable[[], str]) -> str:
    """The URL of a database without tables: SQLite once, PostgreSQL once."""
    return fresh_url()


def _differences(database: Database) -> list[object]:
    with database.read() as connection:
        context = MigrationContext.configure(connection)
        found = compare_metadata(context, metadata)
    # The partitions of the token table are part of it, and no table of their own.
    return [d for d in found if "flag_tokens_" not in str(d)]


def test_the_migrated_schema_is_the_one_in_the_code(database: Database) -> None:
    migrate(database, LOCATION)
    assert _differences(database) == []


def test_each_step_goes_down_and_up_again_with_data(database: Database) -> None:
    migrate(database, LOCATION, "0001")
    with database.write() as connection:
        connection.execute(
            text("INSERT INTO agencies VALUES ('police', 'Police', 'member', 'active', 1)")
        )
    migrate(database, LOCATION)
    with database.write() as connection:
        connection.execute(text("INSERT INTO publishers VALUES ('police', 7)"))
    downgrade(database, LOCATION, "0001")
    migrate(database, LOCATION)
    with database.read() as connection:
        assert connection.execute(text("SELECT name FROM agencies")).scalar() == "Police"
        assert connection.execute(text("SELECT count(*) FROM publishers")).scalar() == 0
    downgrade(database, LOCATION, "base")
    with database.read() as connection:
        assert set(inspect(connection).get_table_names()) <= {"alembic_version"}


def test_tokens_are_spread_over_hash_partitions_on_postgresql(database: Database) -> None:
    migrate(database, LOCATION)
    if database.dialect == "sqlite":
        return
    with database.read() as connection:
        count = connection.execute(
            text("SELECT count(*) FROM pg_inherits WHERE inhparent = 'flag_tokens'::regclass")
        ).scalar()
    assert count == 8
