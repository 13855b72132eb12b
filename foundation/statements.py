"""Statements that are made once and then handed to the driver, for what every request executes.

SQLAlchemy makes them from the tables, for both databases. At each execution nothing but the
driver stands between; to PostgreSQL they go prepared, by the functions of libpq that psycopg has.
That takes an eighth of the processor time of `Connection.execute`.
"""

import itertools
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from psycopg import Error, OperationalError, errors, pq
from sqlalchemy import Connection, Executable, exc
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql.compiler import SQLCompiler

_DIALECTS: Final[Mapping[str, Dialect]] = {
    "sqlite": sqlite.dialect(paramstyle="named"),
    "postgresql": postgresql.dialect(paramstyle="numeric_dollar"),  # type: ignore[no-untyped-call]  # SQLAlchemy has no types there
}
_KEPT: Final = "ifi_statements"
_BYTEA: Final = 17
# How PostgreSQL writes what it returns, in its binary format, by the number of the type
# (pg_type.dat): bytea; int8, int2 and int4; text and varchar.
_READERS: Final[Mapping[int, Callable[[bytes], object]]] = {
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
    names: Sequence[str]
    constants: Mapping[str, object]


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
        way = self._ways[connection.dialect.name]
        values |= way.constants
        if seen := connection.dispatch.before_cursor_execute:  # as SQLAlchemy's own statements
            for told in seen:
                told(connection, None, way.words, values, None, False)
        if connection.dialect.name == "postgresql":
            return self._on_postgresql(connection, way, values)
        cursor = _driver(connection).cursor()
        try:
            cursor.execute(way.words, values)
            found: list[tuple[Any, ...]] = cursor.fetchall()
        except connection.dialect.loaded_dbapi.Error as error:
            raise _told(connection, error) from error
        finally:
            cursor.close()
        return found

    def _on_postgresql(
        self, connection: Connection, way: _Way, values: Mapping[str, object]
    ) -> list[tuple[Any, ...]]:
        server: pq.abc.PGconn = _driver(connection).pgconn
        # Which statements the server knows, and how to read what they return: of this connection.
        known: dict[bytes, list[Callable[[bytes], object]]] = connection.info.setdefault(_KEPT, {})
        pairs = [_sent(values[name]) for name in way.names]
        sent, formats = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        try:
            readers = known.get(self._name)
            if readers is None:
                _done(server, server.prepare(self._name, way.words.encode()))
            result = _done(server, server.exec_prepared(self._name, sent, formats, 1))  # type: ignore[arg-type]  # a None is sent as NULL
        except Error as error:
            raise _told(connection, error) from error
        if readers is None:
            readers = [_READERS[result.ftype(column)] for column in range(result.nfields)]
            known[self._name] = readers
        return [
            tuple(
                [
                    None if (value := result.get_value(row, column)) is None else read(value)
                    for column, read in enumerate(readers)
                ]
            )
            for row in range(result.ntuples)
        ]


def begin(connection: Connection, words: bytes) -> None:
    """Begin a transaction of PostgreSQL with `words`; psycopg then begins none."""
    server: pq.abc.PGconn = _driver(connection).pgconn
    try:
        _done(server, server.exec_(words))
    except Error as error:
        raise _told(connection, error) from error


def _way(name: str, made: Executable) -> _Way:
    compiled = made.compile(dialect=_DIALECTS[name])  # type: ignore[attr-defined]  # every statement has it
    if not isinstance(compiled, SQLCompiler):
        raise TypeError("only a query or a change of rows is executed so")
    constants = {key: value for key, value in compiled.params.items() if value is not None}
    return _Way(compiled.string, tuple(compiled.positiontup or ()), constants)


def _driver(connection: Connection) -> Any:
    driver = connection.connection.driver_connection
    if driver is None:
        raise RuntimeError("the database connection is closed")
    return driver


def _sent(value: object) -> tuple[bytes | None, int]:
    """Return a value as it goes to PostgreSQL, and its format: 0 is text, 1 binary."""
    if value is None or isinstance(value, bytes):
        return value, 1
    if isinstance(value, str | int):
        return str(value).encode(), 0
    if isinstance(value, list):  # an array of bytea with one dimension, as array_send() writes it
        head = struct.pack("!iiiii", 1, 0, _BYTEA, len(value), 1)
        return head + b"".join([len(item).to_bytes(4, "big") + item for item in value]), 1
    raise TypeError(f"a {type(value).__name__} is not sent to a database")


def _done(server: pq.abc.PGconn, result: pq.abc.PGresult) -> pq.abc.PGresult:
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
