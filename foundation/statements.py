"""Statements that are made once and then handed to the driver, for what every request executes.

SQLAlchemy makes them from the tables, for both databases. At each execution nothing but the
driver stands between; to PostgreSQL they go prepared, several at once where none needs another's
answer. That takes an eighth of the processor time of `Connection.execute`.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Executable, exc
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql.compiler import SQLCompiler

if TYPE_CHECKING:
    from foundation._pipeline import Line

_KEPT: Final = "ifi_statements"
_COMMIT: Final = b"COMMIT"
NOT_COMMITTED: Final = "the transaction had failed before and was not committed"
"""What is raised where a failed statement was caught and the transaction was to go on."""

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
        self._made = made
        self._ways: dict[str, _Way] = {}
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
        name = connection.dialect.name
        way = self._ways.get(name) or self._way(name)
        values |= way.constants
        if seen := connection.dispatch.before_cursor_execute:  # as SQLAlchemy's own statements
            for told in seen:
                told(connection, None, way.words, values, None, False)
        if name == "postgresql":
            line = _line(connection)
            pairs = [line.sent(values[key]) for key in way.names]
            asked = Asked(connection, self._name, way.octets, pairs)
            line.waiting.append(asked)
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

    def _way(self, name: str) -> _Way:
        made = self._made[name] if isinstance(self._made, Mapping) else self._made
        return self._ways.setdefault(name, _compiled(name, made))


def begin(connection: Connection, words: bytes) -> None:
    """Begin a transaction of PostgreSQL with `words`; psycopg then begins none.

    They are sent with the first statement.
    """
    _line(connection).waiting = [Asked(connection, words, words)]


def begun(connection: Connection) -> bool:
    """Return whether a transaction of PostgreSQL has begun, if only here."""
    line = _line(connection)
    return bool(line.waiting) or not line.is_idle


def has_failed(connection: Connection) -> bool:
    """Return whether PostgreSQL will not commit the transaction: a statement of it has failed."""
    return _line(connection).has_failed


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
    _line(connection).roll_back()


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
    except connection.dialect.loaded_dbapi.Error as error:
        raise _told(connection, error) from error


def driver_of(connection: Connection) -> Any:
    """Return the driver's own connection, to which everything asked so far has been sent."""
    driver = connection.connection.driver_connection
    if driver is None:
        raise RuntimeError("the database connection is closed")
    if connection.dialect.name == "postgresql":
        send(connection)
    return driver


def _line(connection: Connection) -> "Line":
    info = connection.info
    line: Line | None = info.get(_KEPT)
    if line is None:
        from foundation import _pipeline  # noqa: PLC0415 - see its first line

        driver = connection.connection.driver_connection
        if driver is None:
            raise RuntimeError("the database connection is closed")
        line = info[_KEPT] = _pipeline.Line(driver.pgconn)
    return line


def _compiled(name: str, made: Executable) -> _Way:
    compiled = made.compile(dialect=_dialect(name))  # type: ignore[attr-defined]  # every statement has it
    if not isinstance(compiled, SQLCompiler):
        raise TypeError("only a query or a change of rows is executed so")
    constants = {key: value for key, value in compiled.params.items() if value is not None}
    return _Way(
        compiled.string, compiled.string.encode(), tuple(compiled.positiontup or ()), constants
    )


@lru_cache
def _dialect(name: str) -> Dialect:
    # Each is imported for who uses it: PostgreSQL's takes a tenth of the time to start a command.
    if name == "sqlite":
        from sqlalchemy.dialects import sqlite  # noqa: PLC0415 - see above

        return sqlite.dialect(paramstyle="named")
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - see above

    return postgresql.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]  # SQLAlchemy has no types there


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
