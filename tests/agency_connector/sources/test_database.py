"""An SQL source: read-only, streamed, on real SQLite files and a real PostgreSQL server."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from agency_connector.sources.rows import Refusal, RowRefused, SourceFailed, SourceRow
from tests.postgres import PostgresServer

Read = Callable[..., list[SourceRow | RowRefused]]
QUERY = 'SELECT "Ref", "First", "Last", "DOB", "Role", "Status", "Opened", "NHS" FROM cases'
JOHN = "('A1', 'John', 'Smith', '1985-03-14', 'Client', 'Open', '2026-10-01', '9434765919')"
MARY = "('A2', 'Mary', 'Jones', '1990-07-02', 'Client', 'Open', '2026-10-05', NULL)"
TABLE = (
    'CREATE TABLE cases ("Ref" varchar, "First" varchar, "Last" varchar, "DOB" date, '
    '"Role" varchar, "Status" varchar, "Opened" timestamp, "NHS" varchar)'
)


def filled(url: str) -> str:
    """Fill a case database with two records and return its URL."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(TABLE))
        connection.execute(text(f"INSERT INTO cases VALUES {JOHN}, {MARY}"))  # noqa: S608 - no outside text in it
    engine.dispose()
    return url


@pytest.fixture
def cases_url(database_url: str) -> str:
    """The URL of a case database: SQLite once, PostgreSQL once."""
    return filled(database_url)


@pytest.fixture
def postgres_cases(postgres: PostgresServer) -> Iterator[str]:
    """The URL of a case database in PostgreSQL."""
    name = postgres.create()
    yield filled(postgres.url(name))
    postgres.drop(name)


@pytest.fixture
def cases_file(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A connection of the case system's own to its SQLite file."""
    connection = sqlite3.connect(tmp_path / "cases.sqlite")
    connection.execute(TABLE)
    connection.execute(f"INSERT INTO cases VALUES {JOHN}, {MARY}")  # noqa: S608 - no outside text in it
    connection.commit()
    yield connection
    connection.close()


def test_rows_arrive_with_days_as_dates(cases_url: str, read: Read) -> None:
    """Whatever type the database keeps a day in, it arrives the same."""
    john, mary = read(kind="sql", url=cases_url, query=QUERY)
    assert isinstance(john, SourceRow)
    assert (john.where, john.local_id) == ("row 1 of the query", "A1")
    assert john.particulars.born == "1985-03-14"
    assert john.particulars.identifiers == (("nhs", "9434765919"),)
    assert john.facts.opened is not None
    assert john.facts.opened.isoformat() == "2026-10-01"
    assert isinstance(mary, SourceRow)
    assert mary.particulars.identifiers == ()


def test_per_cent_and_colon_in_the_query_are_its_own(cases_url: str, read: Read) -> None:
    """The query goes to the database as written; nothing in it is a parameter."""
    query = QUERY + """ WHERE "First" LIKE 'J%' AND "Last" <> ' :x'"""
    assert [row.local_id for row in read(kind="sql", url=cases_url, query=query)] == ["A1"]


def test_postgresql_is_read_in_a_read_only_transaction(postgres_cases: str, read: Read) -> None:
    """A function that writes is stopped by the database itself, and nothing has changed."""
    engine = create_engine(postgres_cases)
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE FUNCTION empties() RETURNS boolean LANGUAGE plpgsql AS "
                "'BEGIN DELETE FROM cases; RETURN true; END'"
            )
        )
    engine.dispose()
    with pytest.raises(SourceFailed, match="SQLSTATE 25006"):
        read(kind="sql", url=postgres_cases, query=QUERY + " WHERE empties()")
    assert len(read(kind="sql", url=postgres_cases, query=QUERY)) == 2


def test_sqlite_is_opened_read_only(cases_file: sqlite3.Connection, read: Read) -> None:
    """A DELETE hidden behind WITH is refused by the file's own mode."""
    query = "WITH old AS (SELECT 1) DELETE FROM cases"
    with pytest.raises(SourceFailed):
        read(kind="sql", url="sqlite:///cases.sqlite", query=query)
    assert cases_file.execute("SELECT count(*) FROM cases").fetchone() == (2,)


def test_a_missing_sqlite_file_is_not_created(tmp_path: Path, read: Read) -> None:
    """A wrong path fails; it does not become an empty database with no records."""
    with pytest.raises(SourceFailed, match="there is no such database file"):
        read(kind="sql", url="sqlite:///none.sqlite", query=QUERY)
    assert not (tmp_path / "none.sqlite").exists()


def test_a_locked_database_says_so(
    cases_file: sqlite3.Connection, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The case system is writing: one clear line, and another try later."""
    monkeypatch.setattr("agency_connector.sources.database._SQLITE_WAIT_SECONDS", 0.1)
    cases_file.execute("BEGIN EXCLUSIVE")
    with pytest.raises(SourceFailed, match="is locked by another program: try again"):
        read(kind="sql", url="sqlite:///cases.sqlite", query=QUERY)


def test_a_file_that_is_no_database_says_so(tmp_path: Path, read: Read) -> None:
    """A wrong file is told from a wrong query."""
    (tmp_path / "cases.sqlite").write_bytes(b"x" * 5000)
    with pytest.raises(SourceFailed, match="not an SQLite database"):
        read(kind="sql", url="sqlite:///cases.sqlite", query=QUERY)


def test_a_missing_column_is_named_with_those_found(cases_url: str, read: Read) -> None:
    """The columns of the query are compared with the settings."""
    query = QUERY.replace('"DOB"', '"DOB" AS birth')
    with pytest.raises(SourceFailed, match=r"no column 'DOB': .*'birth'"):
        read(kind="sql", url=cases_url, query=query)


@pytest.mark.usefixtures("cases_file")
def test_an_unknown_table_or_column_in_the_query_is_named(read: Read) -> None:
    """These words of SQLite's hold no value."""
    with pytest.raises(SourceFailed, match="no such table: people: correct the query"):
        read(kind="sql", url="sqlite:///cases.sqlite", query="SELECT * FROM people")


def test_what_the_driver_says_is_not_repeated(postgres_cases: str, read: Read) -> None:
    """A driver's message may quote a value of a record."""
    query = QUERY.replace('"NHS"', 'CAST("Last" AS integer) AS "NHS"')
    with pytest.raises(SourceFailed, match="SQLSTATE 22P02") as caught:
        read(kind="sql", url=postgres_cases, query=query)
    assert "Smith" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_binary_values_refuse_their_row(cases_file: sqlite3.Connection, read: Read) -> None:
    """Bytes are no name; the rest goes on."""
    cases_file.execute("UPDATE cases SET \"Last\" = x'00ff' WHERE \"Ref\" = 'A1'")
    cases_file.commit()
    broken, mary = read(kind="sql", url="sqlite:///cases.sqlite", query=QUERY)
    assert isinstance(broken, RowRefused)
    assert (broken.code, broken.local_id) == (Refusal.VALUE_UNUSABLE, "A1")
    assert isinstance(mary, SourceRow)


def test_rows_are_fetched_as_they_are_wanted(cases_url: str, source: Callable[..., Any]) -> None:
    """The first row arrives although a later one fails: the result is streamed."""
    if cases_url.startswith("sqlite"):
        numbers = "SELECT value AS n FROM (WITH RECURSIVE s(value) AS (SELECT 1 UNION ALL SELECT "
        numbers += "value + 1 FROM s WHERE value < 5000) SELECT value FROM s) t"
        broken = "CASE WHEN n = 4000 THEN abs(-9223372036854775807 - 1) ELSE n END"
    else:
        numbers = "SELECT n FROM generate_series(1, 5000) AS n"
        broken = "1 / (4000 - n)"
    query = (
        f'SELECT {broken} AS "Ref", \'J\' AS "First", \'S\' AS "Last", \'1980-01-02\' AS "DOB", '  # noqa: S608 - no outside text in it
        '\'Client\' AS "Role", \'Open\' AS "Status", \'2026-01-01\' AS "Opened", NULL AS "NHS" '
        f"FROM ({numbers}) AS numbers"
    )
    rows = source(kind="sql", url=cases_url, query=query).rows()
    assert isinstance(next(rows), SourceRow)
    with pytest.raises(SourceFailed):
        list(rows)


def test_a_secret_file_holds_the_address(tmp_path: Path, cases_url: str, read: Read) -> None:
    """A password stands in a file of its own and not in the settings."""
    secret = tmp_path / "database-url"
    secret.write_text(cases_url + "\n")
    secret.chmod(0o600)
    assert len(read(kind="sql", url_file="database-url", query=QUERY)) == 2


def test_a_secret_file_that_others_can_read_is_refused(tmp_path: Path, read: Read) -> None:
    """With the command that mends it, and without the secret."""
    secret = tmp_path / "database-url"
    secret.write_text("postgresql://reader:hunter2@db/cases")
    secret.chmod(0o640)
    with pytest.raises(SourceFailed, match=r"run: chmod 600 .*database-url") as caught:
        read(kind="sql", url_file="database-url", query=QUERY)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("postgresql+psycopg://reader:hunter2@127.0.0.1:1/cases", "refused or broke off"),
        ("nosuch://reader:hunter2@db/cases", "not one that SQLAlchemy knows"),
        ("mysql+nosuchdriver://reader:hunter2@db/cases", "not one that SQLAlchemy knows"),
        ("mysql+pymysql://reader:hunter2@db/cases", "driver 'pymysql' is not installed"),
    ],
)
def test_an_address_that_does_not_work_is_not_repeated(
    tmp_path: Path, read: Read, address: str, said: str
) -> None:
    """It holds the password."""
    secret = tmp_path / "database-url"
    secret.write_text(address)
    secret.chmod(0o600)
    with pytest.raises(SourceFailed, match=said) as caught:
        read(kind="sql", url_file="database-url", query=QUERY)
    assert "hunter2" not in str(caught.value)
