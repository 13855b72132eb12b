"""A statement that goes to the driver as it is does what SQLAlchemy's own execution does."""

from contextlib import suppress

import pytest
from sqlalchemy import (
    BigInteger,
    Column,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    event,
    exc,
    insert,
    select,
    text,
    update,
)

from foundation import _pipeline
from foundation.database import Database, StorageUnavailable
from foundation.statements import Asked, Statement
from tests.postgres import PostgresServer

things = Table(
    "things",
    MetaData(),
    Column("number", BigInteger, primary_key=True),
    Column("octets", LargeBinary),
    Column("words", String(32)),
)
ADD = Statement(insert(things).returning(things.c.number))
RENAME = Statement(update(things).where(things.c.number == 1).values(words=bindparam("new")))
ALL = Statement(select(things).order_by(things.c.number))


@pytest.fixture
def holding(database: Database) -> Database:
    with database.write() as connection:
        things.create(connection)
    return database


def test_values_come_back_as_they_went(holding: Database) -> None:
    rows: list[tuple[int, bytes | None, str | None]] = [
        (-(2**62), b"", ""),
        (1, b"\x00\\x01'\xff", "a 'quoted' \\ word, \u20ac"),
        (2**63 - 1, None, None),
    ]
    with holding.write() as connection:
        for number, octets, words in rows:
            added = ADD.rows(connection, number=number, octets=octets, words=words)
            assert added == [(number,)]
    with holding.read() as connection:
        assert ALL.rows(connection) == rows
        assert [tuple(row) for row in connection.execute(select(things))] == rows


def test_a_change_without_rows_returns_none_and_rolls_back_with_its_transaction(
    holding: Database,
) -> None:
    with holding.write() as connection:
        ADD.rows(connection, number=1, octets=b"x", words="before")

    def fail() -> None:
        with holding.write() as connection:
            assert RENAME.rows(connection, new="after") == []
            assert ALL.rows(connection) == [(1, b"x", "after")]
            raise LookupError

    for _ in range(3):  # what the server has prepared outlives a rollback
        with pytest.raises(LookupError):
            fail()
    with holding.read() as connection:
        assert ALL.rows(connection) == [(1, b"x", "before")]


def test_a_read_refuses_it_to_write(holding: Database) -> None:
    with pytest.raises(exc.DBAPIError), holding.read() as connection:
        ADD.rows(connection, number=1, octets=None, words=None)
    with holding.write() as connection:
        assert ALL.rows(connection) == []


def test_a_broken_rule_is_the_error_that_sqlalchemy_has_for_it(holding: Database) -> None:
    """And its message holds no value."""
    with holding.write() as connection:
        ADD.rows(connection, number=1, octets=None, words="Aoife")
    with pytest.raises(exc.IntegrityError) as broken, holding.write() as connection:
        ADD.rows(connection, number=1, octets=None, words="Aoife")
    assert "Aoife" not in str(broken.value)


def test_it_is_seen_by_those_who_watch_statements(holding: Database) -> None:
    seen: list[str] = []

    def watch(_c: object, _u: object, words: str, *_: object) -> None:
        seen.append(words)

    event.listen(holding.engine, "before_cursor_execute", watch)
    with holding.write() as connection:
        ALL.rows(connection)
    event.remove(holding.engine, "before_cursor_execute", watch)
    assert [words for words in seen if words.startswith("SELECT")] != []


def test_a_list_is_an_array_of_bytes(postgres: PostgresServer) -> None:
    spread = Statement({"postgresql": text("SELECT unnest(CAST(:of AS bytea[]))")})
    database = Database(postgres.url(postgres.create()))
    with database.read() as connection:
        for of in ([b"", b"\x00\xff", b"x" * 300], [], [b"y"]):
            assert spread.rows(connection, of=of) == [(item,) for item in of]
    database.close()


def test_a_value_that_no_column_has_is_refused(holding: Database) -> None:
    if holding.dialect == "postgresql":
        with pytest.raises(TypeError, match="float"), holding.write() as connection:
            ADD.rows(connection, number=1.5, octets=None, words=None)


def test_a_cut_connection_is_told_as_lost_and_the_next_one_works(postgres: PostgresServer) -> None:
    database = Database(postgres.url(postgres.create()))
    who = Statement({"postgresql": text("SELECT pg_backend_pid()")})
    end = text("SELECT pg_terminate_backend(:number)")

    def work_while_cut() -> None:
        with database.write() as connection:
            [(number,)] = who.rows(connection)
            with database.write() as other:
                other.execute(end, {"number": number})
            who.rows(connection)

    with pytest.raises(StorageUnavailable, match="was lost"):
        work_while_cut()
    with database.read() as connection:
        assert who.rows(connection)
    database.close()


def test_a_connection_that_was_cut_while_idle_is_not_used_again(postgres: PostgresServer) -> None:
    """No statement finds out: the pool sees that the server has said something."""
    database = Database(postgres.url(postgres.create()))
    who = Statement({"postgresql": text("SELECT pg_backend_pid()")})
    with database.write() as kept, database.write() as idle:
        [(here,)] = who.rows(kept)
        [(number,)] = who.rows(idle)
    another = Database(database.engine.url.render_as_string(hide_password=False))
    with another.write() as other:
        end = text(
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM unnest(CAST(:all AS int[])) pid"
        )
        other.execute(end, {"all": [here, number]})
    for _ in range(2):
        with database.write() as connection:
            [(now,)] = who.rows(connection)
            assert now not in {here, number}
    another.close()
    database.close()


def test_what_is_asked_later_happens_in_its_turn(holding: Database) -> None:
    """Also before SQLAlchemy's own statement, and with the commit if nobody needs its rows."""
    with holding.write() as connection:
        added = ADD.later(connection, number=1, octets=b"x", words="before")
        renamed = RENAME.later(connection, new="after")
        assert [tuple(row) for row in connection.execute(select(things))] == [(1, b"x", "after")]
        assert (added.rows(), renamed.rows()) == ([(1,)], [])
        ADD.later(connection, number=2, octets=None, words=None)
        ADD.later(connection, number=3, octets=None, words=None)
    with holding.read() as connection:
        assert [number for number, *_ in ALL.rows(connection)] == [1, 2, 3]


def test_many_statements_go_at_once(postgres: PostgresServer) -> None:
    """More than sockets hold, both ways: neither side waits for the other for ever."""
    database = Database(postgres.url(postgres.create()))
    spread = Statement({"postgresql": text("SELECT unnest(CAST(:of AS bytea[]))")})
    large = [bytes([number]) * 2_000_000 for number in range(8)]
    with database.write() as connection:
        asked = [spread.later(connection, of=[octets]) for octets in large]
        assert [one.rows() for one in asked] == [[(octets,)] for octets in large]
    database.close()


def test_nothing_after_the_one_that_fails_is_done_or_committed(holding: Database) -> None:
    with holding.write() as connection:
        ADD.rows(connection, number=1, octets=None, words=None)
    asked: list[Asked] = []

    def work() -> None:
        with holding.write() as connection:
            asked.extend(
                ADD.later(connection, number=number, octets=None, words=None)
                for number in (2, 1, 3)
            )

    with pytest.raises(exc.IntegrityError):
        work()
    with holding.read() as connection:
        assert [number for number, *_ in ALL.rows(connection)] == [1]
    if holding.dialect == "postgresql":  # SQLite has failed at the second
        with pytest.raises(RuntimeError, match="has ended"):
            asked[2].rows()


def test_a_failure_that_was_caught_is_not_taken_for_a_commit(postgres: PostgresServer) -> None:
    """PostgreSQL answers COMMIT of a failed transaction with ROLLBACK, and without an error."""
    database = Database(postgres.url(postgres.create()))
    broken = text("SELECT 1 / CAST(:zero AS int)")

    def by_the_driver() -> None:
        with database.write() as connection, suppress(exc.DBAPIError):
            Statement({"postgresql": broken}).rows(connection, zero=0)

    def by_sqlalchemy() -> None:
        with database.write() as connection, suppress(exc.DBAPIError):
            connection.execute(broken, {"zero": 0})

    for work in (by_the_driver, by_sqlalchemy):
        with pytest.raises(RuntimeError, match="not committed"):
            work()
    with database.write() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
    database.close()


def test_a_statement_that_failed_at_first_is_as_good_as_any_afterwards(holding: Database) -> None:
    """It was prepared all the same, and to prepare it again would be refused."""
    fresh = Statement(insert(things).returning(things.c.number))

    def add(number: int) -> None:
        with holding.write() as connection:
            fresh.rows(connection, number=number, octets=None, words=None)

    with holding.write() as connection:
        connection.execute(insert(things).values(number=1))
    for _ in range(2):
        with pytest.raises(exc.IntegrityError):
            add(1)
    add(2)
    with holding.read() as connection:
        assert [number for number, *_ in ALL.rows(connection)] == [1, 2]


def test_what_cannot_be_prepared_is_told_as_what_it_is(postgres: PostgresServer) -> None:
    """Two answers come for it, and both are taken: the connection is used again."""
    database = Database(postgres.url(postgres.create()))
    who = Statement({"postgresql": text("SELECT pg_backend_pid()")})
    with database.write() as connection:
        before = who.rows(connection)

    def work() -> None:
        with database.write() as connection:
            who.later(connection)
            ALL.later(connection)  # nobody has made its table
            who.rows(connection)

    for _ in range(2):
        with pytest.raises(exc.ProgrammingError, match="does not exist"):
            work()
    with database.write() as connection:
        assert who.rows(connection) == before
    database.close()


def test_an_exchange_that_was_broken_off_is_not_gone_on_with(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answers would be taken for those to the next statement."""
    database = Database(postgres.url(postgres.create()))
    who = Statement({"postgresql": text("SELECT pg_backend_pid()")})
    with database.write() as connection:
        [(before,)] = who.rows(connection)

    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    def work() -> None:
        with database.write() as connection:
            who.rows(connection)

    with monkeypatch.context() as patched:
        patched.setattr(_pipeline.Line, "_answer", interrupted)
        with pytest.raises(KeyboardInterrupt):
            work()
    with database.write() as connection:
        assert who.rows(connection) != [(before,)]
    database.close()
