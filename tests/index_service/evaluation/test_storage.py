"""The evaluator's schema and what it counts, on both databases."""

import threading
from collections.abc import Callable

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import exc, inspect, select

from foundation.database import Database, downgrade, migrate, require_migrated
from foundation.operator import OperatorError
from index_service.evaluation import storage
from index_service.evaluation.storage import LOCATION
from protocol.keys import SigningKey

DAY = 1_768_435_200_000  # 15 January 2026, midnight UTC
TABLES = {"agencies", "counts", "keys", "nonces"}


@pytest.fixture
def database_url(fresh_url: Callable[[], str]) -> str:
    """The URL of a database without tables: SQLite once, PostgreSQL once."""
    return fresh_url()


@pytest.fixture
def migrated(database: Database) -> Database:
    """An empty evaluator's database."""
    migrate(database, LOCATION)
    return database


def fill(database: Database) -> SigningKey:
    key = SigningKey.generate()
    with database.write() as connection:
        storage.add_agency(connection, "north-police", "North Police", DAY)
        storage.give_key(connection, "north-police", key.key_id, key.public, DAY)
        storage.count(connection, "north-police", DAY, 1, "lookup", 64, 4096)
    return key


def test_the_migrations_make_exactly_the_tables_the_code_uses(migrated: Database) -> None:
    with migrated.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, storage.metadata) == []


def test_the_schema_goes_up_and_down_with_data_in_it(migrated: Database) -> None:
    fill(migrated)
    downgrade(migrated, LOCATION, "base")
    with migrated.read() as connection:
        assert not TABLES & set(inspect(connection).get_table_names())
    migrate(migrated, LOCATION)
    key = fill(migrated)
    migrate(migrated, LOCATION)  # a second time changes nothing
    with migrated.read() as connection:
        assert set(inspect(connection).get_table_names()) >= TABLES
        assert storage.find_holder(connection, key.key_id) is not None


def test_an_empty_database_is_refused_with_the_command_that_mends_it(database: Database) -> None:
    with pytest.raises(OperatorError, match="evaluator migrate"):
        require_migrated(database, LOCATION, command="index-service evaluator migrate")


def test_counts_add_up_to_the_quota_and_no_further(migrated: Database) -> None:
    fill(migrated)

    def count(elements: int, epoch: int = 1) -> int | None:
        with migrated.write() as connection:
            return storage.count(
                connection, "north-police", DAY, epoch, "lookup", elements, quota=200
            )

    assert count(64) == 128
    assert count(73) is None
    assert count(72) == 200
    assert count(1) is None
    assert count(201, epoch=2) is None  # also where there is no row yet
    assert count(200, epoch=2) == 200


def test_counts_made_at_the_same_time_are_all_kept(migrated: Database) -> None:
    fill(migrated)
    together = threading.Barrier(8)

    def count() -> None:
        together.wait(10)
        for _ in range(5):
            with migrated.write() as connection:
                storage.count(connection, "north-police", DAY, 1, "publish", 64, 10**6)

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    with migrated.read() as connection:
        rows = storage.counts_since(connection, DAY)
    assert {(row.use, row.elements) for row in rows} == {("lookup", 64), ("publish", 8 * 5 * 64)}


def test_counts_are_listed_from_a_day_on_latest_first(migrated: Database) -> None:
    fill(migrated)
    with migrated.write() as connection:
        storage.count(connection, "north-police", DAY + 86_400_000, 1, "audit", 128, 4096)
    with migrated.read() as connection:
        assert [row.use for row in storage.counts_since(connection, DAY)] == ["audit", "lookup"]
        assert [row.use for row in storage.counts_since(connection, DAY + 1)] == ["audit"]


def test_an_agency_has_one_key_at_a_time_and_old_ones_are_kept(migrated: Database) -> None:
    old, new = fill(migrated), SigningKey.generate()
    with migrated.write() as connection:
        storage.give_key(connection, "north-police", new.key_id, new.public, DAY + 1)
    with migrated.read() as connection:
        assert storage.find_holder(connection, old.key_id) is None
        holder = storage.find_holder(connection, new.key_id)
        assert holder is not None
        assert (holder.agency, holder.public) == ("north-police", new.public)
        assert storage.key_was_seen(connection, old.key_id)
        replaced = connection.execute(select(storage.keys.c.replaced_at)).scalars().all()
    assert sorted(replaced, key=str) == [DAY + 1, None]


def test_nothing_is_counted_for_an_agency_that_is_not_on_the_list(migrated: Database) -> None:
    with pytest.raises(exc.IntegrityError), migrated.write() as connection:
        storage.count(connection, "nobody", DAY, 1, "lookup", 64, 4096)
