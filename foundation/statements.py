"""Statements that are made once and then handed to the driver, for what every request executes.

SQLAlchemy makes them from the tables, for both databases. At each execution nothing but the
driver stands between; to PostgreSQL they go prepared, by the functions of libpq that psycopg has,
several at once where none needs another's answer. That takes an eighth of the processor time of
`Connection.execute`.
"""

import itertools
import select
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeAlias

from psycopg import Error, OperationalError, errors, pq
from sqlalchemy import Connection, Executable, exc
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql.compiler import SQLCompiler

_DIALECTS: Final[Mapping[str, Dialect]] = {
    "sqlite": sqlite.dialect(paramstyle="named"),
    "postgresql": postgresql.dialect(paramstyle="numeric_dollar"),  # type: ignore[no-untyped-call]  # SQLAlchemy has no types there
}
_Reader: TypeAlias = Callable[[bytes], object]
_KEPT: Final = "ifi_statements"
_COMMIT: Final = b"COMMIT"
NOT_COMMITTED: Final = "the transaction had failed before and was not committed"
"""What is raised where a failed statement was caught and the transaction was to go on."""

_BYTEA: Final = 17
# How PostgreSQL writes what it returns, in its binary format, by the number of the type
# (pg_type.dat): bytea; int8, int2 and int4; text and varchar.
_READERS: Final[Mapping[int, _Reader]] = {
    _BYTEA: bytes,
    **dict.fromkeys((20, 21, 23), lambda sent: int.from_bytes(sent, "big", signed=True)),
    **dict.fromkeys((25, 1043), bytes.decode),
}
_DONE: Final = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)
_NUMBERS: Final = itertools.count(1)


@dataclass(frozen=True, slots=True)
class _Way:
    """The words for one database, their values' names in order, and those that stand in them."""

    words: str
    octets: bytes
    names: Sequence[str]
    constants: Mapping[str, object]


class Asked:
    """A statement that was handed over; it is sent, at the latest, when its rows are needed."""

    __slots__ = ("_connection", "formats", "found", "name", "values", "words")

    def __init__(
        self,
        connection: Connection,
        name: bytes = b"",
        words: bytes = b"",
        pairs: Sequence[tuple[bytes | None, int]] = (),
    ) -> None:
        self._connection = connection
        self.name = name
        self.words = words
        self.values = [pair[0] for pair in pairs]
        self.formats = [pair[1] for pair in pairs]
        self.found: list[tuple[Any, ...]] | None = None

    def rows(self) -> list[tuple[Any, ...]]:
        """Return its rows; raises sqlalchemy.exc.DBAPIError, also for what was asked before it."""
        if self.found is None:
            send(self._connection)
        if self.found is None:
            raise RuntimeError("the transaction in which this was asked has ended")
        return self.found


class Statement:
    """One statement: the same for both databases, or as `made` has it by name of the dialect."""

    def __init__(self, made: Executable | Mapping[str, Executable]) -> None:
        ways = made if isinstance(made, Mapping) else dict.fromkeys(_DIALECTS, made)
        self._ways = {name: _way(name, way) for name, way in ways.items()}
        self._name = b"ifi_%d" % next(_NUMBERS)

    def rows(self, connection: Connection, **values: object) -> list[tuple[Any, ...]]:
        """Execute it in the transaction of `connection` and return its rows.

        `values` and what is returned are bytes, int, str or None; a value may also be a list of
        bytes, for an array. Raises sqlalchemy.exc.DBAPIError.
        """
        return self.later(connection, **values).rows()

    def later(self, connection: Connection, **values: object) -> Asked:
        """Execute it as `rows` does, in its turn, but without waiting for PostgreSQL's answer.

        It is sent together with the next statement whose rows are needed, or with the commit. What
        it raises is raised there. SQLite, where nothing is waited for, executes it at once.
        """
        way = self._ways[connection.dialect.name]
        values |= way.constants
        if seen := connection.dispatch.before_cursor_execute:  # as SQLAlchemy's own statements
            for told in seen:
                told(connection, None, way.words, values, None, False)
        if connection.dialect.name == "postgresql":
            pairs = [_sent(values[name]) for name in way.names]
            asked = Asked(connection, self._name, way.octets, pairs)
            _line(connection).waiting.append(asked)
            return asked
        asked = Asked(connection)
        cursor = driver_of(connection).cursor()
        try:
            cursor.execute(way.words, values)
            asked.found = cursor.fetchall()
        except connection.dialect.loaded_dbapi.Error as error:
            raise _told(connection, error) from error
        finally:
            cursor.close()
        return asked


def begin(connection: Connection, words: bytes) -> None:
    """Begin a transaction of PostgreSQL with `words`; psycopg then begins none.

    They are sent with the first statement.
    """
    _line(connection).waiting = [Asked(connection, words, words)]


def begun(connection: Connection) -> bool:
    """Return whether a transaction of PostgreSQL has begun, if only here."""
    line = _line(connection)
    return bool(line.waiting) or line.server.transaction_status != pq.TransactionStatus.IDLE


def has_failed(connection: Connection) -> bool:
    """Return whether PostgreSQL will not commit the transaction: a statement of it has failed."""
    return _line(connection).server.transaction_status == pq.TransactionStatus.INERROR


def commit(connection: Connection) -> None:
    """Commit the transaction of PostgreSQL, with what waits; raises sqlalchemy.exc.DBAPIError."""
    for told in connection.dispatch.commit:  # as SQLAlchemy's own commit
        told(connection)
    line = _line(connection)
    line.waiting.append(Asked(connection, _COMMIT, _COMMIT))
    send(connection)
    if line.last_words != _COMMIT:
        raise RuntimeError(NOT_COMMITTED)


def roll_back(connection: Connection) -> None:
    """Undo the transaction of PostgreSQL; raises psycopg's error if that cannot be known."""
    line = _line(connection)
    line.waiting = []
    if line.server.pipeline_status != pq.PipelineStatus.OFF:
        raise OperationalError("the exchange with the server was broken off")
    if line.server.transaction_status != pq.TransactionStatus.IDLE:
        _done(line.server.exec_(b"ROLLBACK"))


def send(connection: Connection) -> None:
    """Send what waits for PostgreSQL, all of it at once, and take the answers.

    Raises sqlalchemy.exc.DBAPIError for the first that fails; what comes after it is not executed.
    """
    line = _line(connection)
    waiting, line.waiting = line.waiting, []
    if not waiting:
        return
    try:
        line.exchange(waiting)
    except Error as error:
        raise _told(connection, error) from error


def driver_of(connection: Connection) -> Any:
    """Return the driver's own connection, to which everything asked so far has been sent."""
    driver = connection.connection.driver_connection
    if driver is None:
        raise RuntimeError("the database connection is closed")
    if connection.dialect.name == "postgresql":
        send(connection)
    return driver


class _Line:
    """One connection to PostgreSQL: what waits to be sent, and which statements it knows.

    libpq's pipeline mode (PostgreSQL's documentation, 34.5): the server executes in order, each
    statement by itself, and skips what comes after one that fails. It is waited for once.
    """

    __slots__ = ("_poll", "_prepared", "_readers", "last_words", "server", "waiting")

    def __init__(self, server: pq.abc.PGconn) -> None:
        self.server = server
        self.waiting: list[Asked] = []
        self.last_words: bytes | None = None
        # By name; what was prepared stays so, whether or not it succeeds and is committed.
        self._prepared: set[bytes] = set()
        self._readers: dict[bytes, list[_Reader]] = {}
        self._poll = select.poll()
        self._poll.register(server.socket, select.POLLIN)

    def exchange(self, asked: Sequence[Asked]) -> None:
        """Send `asked` and give each its rows; raises psycopg's error for the first that fails."""
        server = self.server
        new: set[bytes] = set()
        server.enter_pipeline_mode()
        for one in asked:
            if one.name not in self._prepared and one.name not in new:
                server.send_prepare(one.name, one.words)
                new.add(one.name)
            server.send_query_prepared(one.name, one.values, one.formats, 1)
        server.pipeline_sync()
        self._push()
        failure: Error | None = None
        for one in asked:
            try:
                if one.name in new:
                    new.remove(one.name)
                    unprepared = self._take_prepared(one.name)
                    failure = failure or unprepared
                one.found = self._rows(one.name, self._taken())
            except Error as error:
                if server.status != pq.ConnStatus.OK:
                    raise
                failure = failure or error
        self._answer()  # of the synchronisation: what follows begins anew
        server.exit_pipeline_mode()
        if failure is not None:
            raise failure

    def _push(self) -> None:
        """Write out what libpq could not at once; the server may have to be read meanwhile."""
        while self.server.flush():
            self._poll.modify(self.server.socket, select.POLLIN | select.POLLOUT)
            [(_, ready)] = self._poll.poll()
            self._poll.modify(self.server.socket, select.POLLIN)
            if ready & ~select.POLLOUT:
                self.server.consume_input()

    def _take_prepared(self, name: bytes) -> Error | None:
        """Take the answer to a preparation; return psycopg's error if that failed.

        It is not raised: the statement's own answer, that it was skipped, comes all the same.
        """
        try:
            self._taken()
        except Error as error:
            if self.server.status != pq.ConnStatus.OK:
                raise
            return error
        self._prepared.add(name)
        return None

    def _taken(self) -> pq.abc.PGresult:
        """Return the next statement's result; raises psycopg's error if it failed."""
        result = self._answer()
        if result is None:
            raise OperationalError("the server ended the connection")
        self._answer()  # None: the end of this statement's results
        return _done(result)

    def _answer(self) -> pq.abc.PGresult | None:
        while self.server.is_busy():
            self._poll.poll()
            self.server.consume_input()
        return self.server.get_result()

    def _rows(self, name: bytes, result: pq.abc.PGresult) -> list[tuple[Any, ...]]:
        self.last_words = result.command_status
        readers = self._readers.get(name)
        if readers is None:
            readers = [_READERS[result.ftype(column)] for column in range(result.nfields)]
            self._readers[name] = readers
        if not readers:
            return []
        return [
            tuple(
                [
                    None if (value := result.get_value(row, column)) is None else read(value)
                    for column, read in enumerate(readers)
                ]
            )
            for row in range(result.ntuples)
        ]


def _line(connection: Connection) -> _Line:
    info = connection.info
    line: _Line | None = info.get(_KEPT)
    if line is None:
        driver = connection.connection.driver_connection
        if driver is None:
            raise RuntimeError("the database connection is closed")
        line = info[_KEPT] = _Line(driver.pgconn)
    return line


def _way(name: str, made: Executable) -> _Way:
    compiled = made.compile(dialect=_DIALECTS[name])  # type: ignore[attr-defined]  # every statement has it
    if not isinstance(compiled, SQLCompiler):
        raise TypeError("only a query or a change of rows is executed so")
    constants = {key: value for key, value in compiled.params.items() if value is not None}
    return _Way(
        compiled.string, compiled.string.encode(), tuple(compiled.positiontup or ()), constants
    )


@lru_cache(maxsize=64)
def _size(length: int) -> bytes:
    return length.to_bytes(4, "big")


def _sent(value: object) -> tuple[bytes | None, int]:
    """Return a value as it goes to PostgreSQL, and its format: 0 is text, 1 binary."""
    if value is None or isinstance(value, bytes):
        return value, 1
    if isinstance(value, str | int):
        return str(value).encode(), 0
    if isinstance(value, list):  # an array of bytea with one dimension, as array_send() writes it
        head = struct.pack("!iiiii", 1, 0, _BYTEA, len(value), 1)
        sizes = set(map(len, value))
        if len(sizes) == 1:  # as tokens are, which takes a tenth of the time
            return head + _size(sizes.pop()).join([b"", *value]), 1
        return head + b"".join([part for item in value for part in (_size(len(item)), item)]), 1
    raise TypeError(f"a {type(value).__name__} is not sent to a database")


def _done(result: pq.abc.PGresult) -> pq.abc.PGresult:
    """Return the result if it is one; raises psycopg's error for what the server says instead."""
    if result.status in _DONE:
        return result
    state = result.error_field(pq.DiagnosticField.SQLSTATE)
    said = result.error_message.decode(errors="replace").strip()
    if state is None:  # not the server's words but libpq's: the connection is lost
        raise OperationalError(said)
    raise errors.lookup(state.decode())(said)


def _told(connection: Connection, error: Exception) -> BaseException:
    """Return what SQLAlchemy makes of a driver's error; a lost connection is not used again."""
    dialect = connection.dialect
    lost = dialect.is_disconnect(error, connection.connection.dbapi_connection, None)  # type: ignore[arg-type]  # an Error of the driver
    if lost:
        connection.invalidate(error)
    return exc.DBAPIError.instance(
        None, None, error, dialect.loaded_dbapi.Error,
        hide_parameters=True, connection_invalidated=lost, dialect=dialect,
    )  # fmt: skip
