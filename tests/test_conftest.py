"""The rules that the test run itself keeps: its databases, its clock, its walls."""

import socket
from collections.abc import Callable

import psycopg
import pytest
import sqlalchemy
from sqlalchemy import inspect

from foundation.database import Database, migrate, require_migrated
from tests.conftest import MIDDAY, FakeClock
from tests.databases import MigratedDatabases
from tests.postgres import PostgresServer


def test_the_test_server_is_as_durable_as_a_real_one(postgres: PostgresServer) -> None:
    """A server with these off would be refused by our programs, and would prove nothing."""
    name = postgres.create()
    engine = sqlalchemy.create_engine(postgres.url(name))
    with engine.connect() as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert connection.exec_driver_sql(f"SHOW {setting}").scalar_one() == "on"
    engine.dispose()
    postgres.drop(name)


def test_the_test_server_listens_on_no_network_address(postgres: PostgresServer) -> None:
    with psycopg.connect(
        host=str(postgres.socket_directory), user="postgres", dbname="postgres"
    ) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_every_database_is_fresh(fresh_url: Callable[[], str]) -> None:
    """What one database holds is not seen in the next, on SQLite and on PostgreSQL."""
    for url in (fresh_url(), fresh_url()):
        engine = sqlalchemy.create_engine(url)
        assert sqlalchemy.inspect(engine).get_table_names() == []
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE flag (handle TEXT)")
        engine.dispose()


def test_the_clock_moves_only_when_told(clock: FakeClock) -> None:
    assert clock() == clock() == MIDDAY
    clock.advance(1_500)
    assert clock() == MIDDAY + 1_500
    clock.set(7)
    assert clock() == 7


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_a_test_cannot_reach_beyond_this_machine(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with (
        socket.socket(family) as opened,
        pytest.raises(pytest.fail.Exception, match="tests may use loopback only"),
    ):
        opened.connect((address, 80))


def test_a_test_cannot_ask_the_name_service() -> None:
    with pytest.raises(pytest.fail.Exception, match="tests may use loopback only"):
        socket.getaddrinfo("index.example", 443)


def test_a_test_may_use_loopback() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()[:2]) as client,
    ):
        assert client.getpeername() == server.getsockname()


def test_a_database_is_of_the_kind_its_name_says(
    request: pytest.FixtureRequest, database: Database
) -> None:
    """A test on both kinds really runs on both."""
    assert f"[{database.dialect}]" in request.node.name
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE flag (handle TEXT)")
        connection.exec_driver_sql("INSERT INTO flag VALUES ('kept')")
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT handle FROM flag").scalar_one() == "kept"


@pytest.mark.parametrize(
    "location",
    ["index_service:migrations", "index_service.evaluation:migrations",
     "agency_connector:migrations"],
)  # fmt: skip
def test_a_replayed_migration_leaves_the_schema_of_a_real_one(
    fresh_url: Callable[[], str], location: str
) -> None:
    """One of three is surely replayed, and all must be alike."""
    schemas = []
    for _ in range(3):
        database = Database(fresh_url())
        migrate(database, location)
        require_migrated(database, location)
        with database.read() as connection:
            found = inspect(connection)
            schemas.append(
                {
                    table: (
                        [str(column) for column in found.get_columns(table)],
                        str(found.get_pk_constraint(table)),
                        sorted(str(key) for key in found.get_foreign_keys(table)),
                        sorted(
                            f"{index['name']} {index['column_names']} {index['unique']}"
                            for index in found.get_indexes(table)
                        ),
                    )
                    for table in found.get_table_names()
                }
            )
        database.close()
    assert schemas[0] == schemas[1] == schemas[2]
    assert "alembic_version" in schemas[0]


def test_a_migrated_database_comes_back_as_it_was_made(postgres: PostgresServer) -> None:
    """The next test finds no row of this one."""
    location = "index_service:migrations"
    pool = MigratedDatabases(postgres)
    for _ in range(2):
        name = pool.take(location)
        engine = sqlalchemy.create_engine(postgres.url(name))
        with engine.begin() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM publishers").scalar() == 0
            connection.exec_driver_sql(
                "INSERT INTO agencies VALUES ('police', 'Police', 'member', 'active', 1)"
            )
            connection.exec_driver_sql("INSERT INTO publishers VALUES ('police', 7)")
        engine.dispose()
        pool.give_back(location, name)
    assert pool.take(location) == name


def test_a_database_whose_schema_was_changed_is_not_given_out_again(
    postgres: PostgresServer,
) -> None:
    location = "index_service:migrations"
    pool = MigratedDatabases(postgres)
    name = pool.take(location)
    with psycopg.connect(
        host=str(postgres.socket_directory), user="postgres", dbname=name
    ) as connection:
        connection.execute("ALTER TABLE publishers ADD COLUMN spoilt integer")
    pool.give_back(location, name)
    assert pool.take(location) != name


def test_a_migrated_database_needs_no_migration(migrated_url: Callable[[str], str]) -> None:
    location = "agency_connector:migrations"
    database = Database(migrated_url(location))
    require_migrated(database, location)
    with database.read() as connection:
        tables = set(inspect(connection).get_table_names()) - {"alembic_version"}
        assert tables
        for table in tables:
            found = connection.exec_driver_sql(f"SELECT count(*) FROM {table}")  # noqa: S608 - the table's own name
            assert found.scalar() == 0
    database.close()
