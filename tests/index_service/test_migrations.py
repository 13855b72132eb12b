"""The index's schema is what its code expects, and steps up and down with data in it."""

from collections.abc import Callable

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Table, insert, inspect, select, text

from foundation.database import Database, downgrade, migrate
from index_service.audit.intake import intake
from index_service.database import LOCATION
from index_service.flags.storage import flag_tokens
from index_service.lookups.limits import lookup_counts
from index_service.lookups.storage import lookups, side_records
from index_service.tables import metadata


@pytest.fixture
def database_url(fresh_url: Callable[[], str]) -> str:
    """The URL of a database without tables: SQLite once, PostgreSQL once."""
    return fresh_url()


def _differences(database: Database) -> list[object]:
    with database.read() as connection:
        context = MigrationContext.configure(connection)
        found = compare_metadata(context, metadata)
    # What is made for PostgreSQL alone is compared there alone.
    if database.dialect == "sqlite":
        return [d for d in found if "ix_flag_tokens_token" not in str(d)]
    return list(found)


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


def test_lookups_and_side_records_outlive_the_step_that_drops_their_keys(
    database: Database,
) -> None:
    """SQLite makes their tables anew for it, down and up."""
    migrate(database, LOCATION)
    key: dict[str, object] = {"agency": "police", "lookup": b"0" * 16}
    rows: dict[Table, dict[str, object]] = {
        lookups: key | {"digest": b"1" * 32, "officer": b"", "purpose": "p", "wide": 0, "at": 1},
        intake: {"id": 7, "entry": b"e", "leaf": b"l", "recorded_at": 1},
        side_records: key
        | {"intake": 7, "sets": b"2" * 4000, "answer": b"a", "withheld": b"", "withheld_salt": b""},
        lookup_counts: {"agency": "police", "hour": 1, "officer": b"", "count": 3},
    }
    with database.write() as connection:
        connection.execute(
            text("INSERT INTO agencies VALUES ('police', 'Police', 'member', 'active', 1)")
        )
        for table, row in rows.items():
            connection.execute(insert(table), row)
    downgrade(database, LOCATION, "0010")
    migrate(database, LOCATION)
    with database.read() as connection:
        for table, row in rows.items():
            kept = connection.execute(select(table)).one()._mapping
            assert {name: kept[name] for name in row} == row


def test_tokens_outlive_the_step_to_one_table_and_back(database: Database) -> None:
    rows = [(bytes([number]) * 16, number) for number in range(40)]
    migrate(database, LOCATION, "0011")
    with database.write() as connection:
        for token, flag in rows:
            connection.execute(insert(flag_tokens).values(token=token, flag=flag))
    for step in (migrate, downgrade, migrate):
        step(database, LOCATION, "0012" if step is migrate else "0011")
        with database.read() as connection:
            found = connection.execute(select(flag_tokens).order_by(flag_tokens.c.token))
            assert [tuple(row) for row in found] == rows
            if database.dialect == "postgresql":
                kinds = connection.execute(
                    text("SELECT indexdef FROM pg_indexes WHERE tablename = 'flag_tokens'")
                )
                assert any("hash (token)" in kind for kind in kinds.scalars()) == (step is migrate)
