"""A commit lasts, writers take turns, readers see one moment, and a fault says what to do."""

import socket
import sqlite3
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import exc, text

from foundation.database import Database, StorageUnavailable
from foundation.operator import OperatorError
from tests.postgres import PostgresServer

PASSWORD = "hunter2secret"


def counted(database: Database) -> int:
    with database.read() as connection:
        return int(connection.execute(text("SELECT count(*) FROM numbers")).scalar_one())


def add(database: Database, number: int) -> None:
    with database.write() as connection:
        connection.execute(text("INSERT INTO numbers VALUES (:number)"), {"number": number})


@pytest.fixture
def numbers(database: Database) -> Database:
    with database.write() as connection:
        connection.execute(text("CREATE TABLE numbers (number BIGINT PRIMARY KEY)"))
    return database


def test_a_write_commits_on_success_and_rolls_back_on_an_exception(numbers: Database) -> None:
    add(numbers, 1)

    def fail() -> None:
        with numbers.write() as connection:
            connection.execute(text("INSERT INTO numbers VALUES (2)"))
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert counted(numbers) == 1


def test_a_read_that_writes_is_refused(numbers: Database) -> None:
    with pytest.raises(exc.DBAPIError), numbers.read() as connection:
        connection.execute(text("INSERT INTO numbers VALUES (1)"))
    assert counted(numbers) == 0
    add(numbers, 1)  # the same pooled connection writes again afterwards


def test_a_read_sees_one_moment(numbers: Database) -> None:
    with numbers.read() as connection:
        before = connection.execute(text("SELECT count(*) FROM numbers")).scalar_one()
        add(numbers, 1)
        assert connection.execute(text("SELECT count(*) FROM numbers")).scalar_one() == before
    assert counted(numbers) == 1


def test_read_then_write_never_fails_under_concurrency(numbers: Database) -> None:
    """The pattern that fails under a deferred BEGIN on SQLite (SQLITE_BUSY_SNAPSHOT)."""
    # On SQLite BEGIN IMMEDIATE holds the write lock already.
    on_sqlite = numbers.dialect == "sqlite"
    lock = "SELECT 1" if on_sqlite else "LOCK TABLE numbers IN EXCLUSIVE MODE"

    def add_next(_: int) -> None:
        with numbers.write() as connection:
            connection.execute(text(lock))
            highest = connection.execute(text("SELECT count(*) FROM numbers")).scalar_one()
            connection.execute(text("INSERT INTO numbers VALUES (:n)"), {"n": highest + 1})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add_next, range(40)))
    assert counted(numbers) == 40


def test_a_mistake_in_a_query_stays_a_mistake(numbers: Database) -> None:
    add(numbers, 1)
    with pytest.raises(exc.IntegrityError):
        add(numbers, 1)
    with pytest.raises(exc.DBAPIError) as mistake, numbers.read() as connection:
        connection.execute(text("SELECT nothing FROM numbers"))
    assert not isinstance(mistake.value, StorageUnavailable)


def test_parameters_never_stand_in_an_error(numbers: Database) -> None:
    with pytest.raises(exc.DBAPIError) as mistake, numbers.read() as connection:
        connection.execute(text("SELECT :name FROM nowhere"), {"name": "Aoife"})
    assert "Aoife" not in str(mistake.value)


def test_a_locked_database_is_told_as_locked(numbers: Database) -> None:
    url = numbers.engine.url.render_as_string(hide_password=False)
    impatient = Database(url, lock_wait_ms=50)
    with numbers.write() as connection:
        connection.execute(text("INSERT INTO numbers VALUES (1)"))
        with pytest.raises(StorageUnavailable, match="locked by another program"):
            add(impatient, 1)
    impatient.close()


def test_a_process_that_holds_all_its_connections_is_told(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foundation.database.POOL_KEPT", 1)
    monkeypatch.setattr("foundation.database.POOL_EXTRA", 0)
    monkeypatch.setattr("foundation.database.POOL_WAIT_S", 0.05)
    database = Database(database_url)
    with (
        database.read(),
        pytest.raises(StorageUnavailable, match=r"all 1 connections .* are in use"),
        database.read(),
    ):
        pass
    database.close()


# --- SQLite ---------------------------------------------------------------------------------


@pytest.fixture
def sqlite(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path}/a.db")


def pragma(database: Database, name: str) -> object:
    with database.write() as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()


@pytest.mark.parametrize(
    ("name", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 10_000)],
)
def test_sqlite_is_opened_so_that_a_commit_lasts(
    sqlite: Database, name: str, value: object
) -> None:
    assert pragma(sqlite, name) == value
    sqlite.close()


def test_sqlite_files_are_for_their_owner_only(sqlite: Database, tmp_path: Path) -> None:
    with sqlite.write() as connection:
        connection.execute(text("CREATE TABLE numbers (number BIGINT)"))
        files = list(tmp_path.glob("a.db*"))
        assert len(files) == 3
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    sqlite.close()


def test_sqlite_takes_the_write_lock_at_the_beginning(sqlite: Database, tmp_path: Path) -> None:
    with sqlite.write():
        other = sqlite3.connect(tmp_path / "a.db", timeout=0, isolation_level=None)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()
    sqlite.close()


def test_a_full_disk_is_told_as_full_and_loses_nothing(sqlite: Database) -> None:
    with sqlite.write() as connection:
        connection.execute(text("CREATE TABLE numbers (number BIGINT PRIMARY KEY)"))
    add(sqlite, 1)

    def fill() -> None:
        with sqlite.write() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 5")
            connection.execute(text("CREATE TABLE filler (content BLOB)"))
            connection.execute(text("INSERT INTO filler VALUES (zeroblob(1000000))"))

    with pytest.raises(StorageUnavailable, match="is full: make room"):
        fill()
    assert counted(sqlite) == 1
    sqlite.close()


def test_a_file_that_is_no_database_is_told_as_damaged(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"not a database at all" * 100)
    database = Database(f"sqlite:///{tmp_path}/a.db")
    with pytest.raises(StorageUnavailable, match="not a database or is damaged"), database.read():
        pass


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/absent/a.db")
    with pytest.raises(StorageUnavailable, match=r"check that .*/absent exists"), database.write():
        pass


# --- PostgreSQL -----------------------------------------------------------------------------


def test_a_server_that_does_not_answer_is_told_without_the_password() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    database = Database(f"postgresql://user:{PASSWORD}@127.0.0.1:{port}/index")
    with pytest.raises(StorageUnavailable) as refused, database.write():
        pass
    assert f"no database answers for index on 127.0.0.1:{port}" in str(refused.value)
    assert PASSWORD not in repr(refused.value) + repr(refused.value.__cause__) + database.name
    assert PASSWORD not in repr(database.engine)


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://user:{PASSWORD}@host/index",
        f"postgresql://user:{PASSWORD}@host:port/index",
        f"postgresql://user:{PASSWORD}@host",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:a?mode=memory&uri=true",
        "",
        PASSWORD,
    ],
)
def test_an_address_that_keeps_nothing_or_is_not_known_is_refused(url: str) -> None:
    with pytest.raises(OperatorError, match="write sqlite:") as refused:
        Database(url)
    assert PASSWORD not in str(refused.value)


def test_a_database_that_is_not_there_is_told(postgres: PostgresServer) -> None:
    database = Database(postgres.url("absent"))
    with pytest.raises(StorageUnavailable, match="there is no database absent"), database.read():
        pass


def test_a_cut_connection_is_told_as_lost_and_the_next_one_works(postgres: PostgresServer) -> None:
    database = Database(postgres.url(postgres.create()))

    def work_while_cut() -> None:
        with database.write() as connection:
            number = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            with database.write() as other:
                other.execute(text("SELECT pg_terminate_backend(:number)"), {"number": number})
            connection.execute(text("SELECT 1"))

    with pytest.raises(StorageUnavailable, match="was lost"):
        work_while_cut()
    with database.read() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    database.close()


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("53100", "is full: make room"),
        ("53300", "raise max_connections"),
        ("55P03", "locked by another program"),
        ("57P03", "no database answers"),
        ("28P01", "does not let this program"),
        ("58030", "check the disk"),
    ],
)
def test_what_the_server_reports_is_told_with_its_mend(
    postgres: PostgresServer, state: str, told: str
) -> None:
    database = Database(postgres.url(postgres.create()))
    raising = f"DO $$ BEGIN RAISE EXCEPTION 'reported' USING ERRCODE = '{state}'; END $$"
    with pytest.raises(StorageUnavailable, match=told), database.write() as connection:
        connection.execute(text(raising))
    database.close()


def test_a_deadlock_is_told_as_locked(postgres: PostgresServer) -> None:
    database = Database(postgres.url(postgres.create()))
    with database.write() as connection:
        connection.execute(text("CREATE TABLE numbers (number BIGINT PRIMARY KEY, n INT)"))
        connection.execute(text("INSERT INTO numbers VALUES (1, 0), (2, 0)"))
    both = threading.Barrier(2)
    told: list[str] = []

    def cross(first: int, second: int) -> None:
        try:
            with database.write() as connection:
                update = text("UPDATE numbers SET n = n + 1 WHERE number = :number")
                connection.execute(update, {"number": first})
                both.wait()
                connection.execute(update, {"number": second})
        except StorageUnavailable as error:
            told.append(str(error))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(cross, (1, 2), (2, 1)))
    assert len(told) == 1
    assert "locked" in told[0]
    database.close()


@pytest.mark.parametrize("name", ["fsync", "synchronous_commit", "full_page_writes"])
def test_a_server_that_may_forget_a_commit_is_refused_with_the_mend(
    postgres: PostgresServer, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only one of the three can be switched off for one session; the others are pretended."""
    if name == "synchronous_commit":
        url = postgres.url(postgres.create()) + "&options=-csynchronous_commit%3Doff"
    else:
        url = postgres.url(postgres.create())
        monkeypatch.setattr(
            "foundation.database._asked",
            lambda setting: "'off'" if setting == name else f"current_setting('{setting}')",
        )
    with pytest.raises(OperatorError, match=f"ALTER SYSTEM SET {name} = on"), Database(url).write():
        pass


def test_a_write_is_read_committed_and_names_travel_as_utf8(postgres: PostgresServer) -> None:
    database = Database(postgres.url(postgres.create()))
    with database.write() as connection:
        level = connection.execute(text("SHOW transaction_isolation")).scalar_one()
        assert level == "read committed"
        assert connection.execute(text("SHOW client_encoding")).scalar_one() == "UTF8"
    with database.read() as connection:
        level = connection.execute(text("SHOW transaction_isolation")).scalar_one()
        assert level == "repeatable read"
    with database.write() as connection:  # what a reader set does not stay with the connection
        assert connection.execute(text("SHOW transaction_read_only")).scalar_one() == "off"
    database.close()
