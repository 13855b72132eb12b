"""The database under a program: SQLite or PostgreSQL, opened so that a commit lasts.

Storage functions take a `Connection` and never commit; `Database.write` and `Database.read` own
the transaction. docs/decisions/storage.md says why.
"""

import os
import select
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from foundation import statements
from foundation._faults import StorageUnavailable, explain
from foundation.migrating import downgrade, migrate, require_migrated
from foundation.operator import OperatorError

__all__ = ["Database", "StorageUnavailable", "downgrade", "migrate", "require_migrated"]

LOCK_WAIT_MS: Final = 10_000
CONNECT_TIMEOUT_S: Final = 10
POOL_KEPT: Final = 5
POOL_EXTRA: Final = 27
POOL_WAIT_S: Final = 10
_MODE: Final = "ifi_mode"
_BEGIN_ON_POSTGRESQL: Final = {
    "read": b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "write": b"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
    "migrate": b"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
}
_BEGIN_ON_SQLITE: Final = {
    "read": ("PRAGMA query_only = ON", "BEGIN"),
    "write": ("PRAGMA query_only = OFF", "BEGIN IMMEDIATE"),
    # A table is rebuilt by copy and drop; with foreign keys on, the drop would delete its children.
    "migrate": ("PRAGMA query_only = OFF", "PRAGMA foreign_keys = OFF", "BEGIN IMMEDIATE"),
}

Dialect = Literal["sqlite", "postgresql"]


class Database:
    """One database, given by URL: `sqlite:////path/file.db` or `postgresql://user@host/name`.

    Nothing is opened until the first connection. `lock_wait_ms` is how long a statement waits for
    somebody else's lock before it gives up with `StorageUnavailable`.

    On SQLite every connection has WAL, synchronous=FULL and foreign keys on, and the file is made
    with mode 0600. A PostgreSQL server that would forget a commit (fsync, synchronous_commit or
    full_page_writes off) is refused with OperatorError when it is first connected to.
    """

    def __init__(self, url: str, *, lock_wait_ms: int = LOCK_WAIT_MS) -> None:
        self._url = _parse(url)
        self._lock_wait_ms = lock_wait_ms
        self.dialect: Dialect = (
            "sqlite" if self._url.get_backend_name() == "sqlite" else "postgresql"
        )
        self.engine = self._open()
        self._engines = {
            mode: self.engine.execution_options(**{_MODE: mode}) for mode in _BEGIN_ON_SQLITE
        }
        self._idle: list[Connection] = []

    @property
    def name(self) -> str:
        """Where the database is, for a person to read; never with a password."""
        if self.dialect == "sqlite":
            return str(self._url.database)
        host = self._url.host or self._url.query.get("host") or "localhost"
        return f"{self._url.database} on {host}:{self._url.port or 5432}"

    def write(self) -> AbstractContextManager[Connection]:
        """Yield a connection in a transaction that commits on success and rolls back otherwise.

        SQLite: BEGIN IMMEDIATE, so a writer holds the one write lock from its first statement on.
        PostgreSQL: READ COMMITTED. Raises StorageUnavailable when the database is locked, full,
        lost or cannot be opened.
        """
        return self._transaction("write")

    def read(self) -> AbstractContextManager[Connection]:
        """Yield a connection on one unchanging snapshot, on which every write is refused.

        SQLite: a deferred BEGIN under query_only. PostgreSQL: REPEATABLE READ, READ ONLY.
        Raises as `write` does.
        """
        return self._transaction("read")

    @contextmanager
    def _transaction(self, mode: str) -> Iterator[Connection]:
        with self._explained(reading=mode == "read"):
            if self.dialect == "sqlite":
                with self._engines[mode].begin() as connection:
                    yield connection
                return
            connection = self._taken()
            try:
                statements.begin(connection, _BEGIN_ON_POSTGRESQL[mode])
                yield connection
                _commit(connection)
            except BaseException:
                _roll_back(connection)
                raise
            finally:
                self._give_back(connection)

    def _taken(self) -> Connection:
        """Return a connection that is idle here, or the pool's; it is this thread's alone.

        To take one from SQLAlchemy's pool and give it back costs as much as four statements.
        """
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if _is_quiet(statements.driver_of(connection)):
                return connection
            connection.invalidate()
            connection.close()
        return self.engine.connect()

    def _give_back(self, connection: Connection) -> None:
        if connection.invalidated or len(self._idle) >= POOL_KEPT:
            connection.close()
        else:
            self._idle.append(connection)

    @contextmanager
    def migration(self) -> Iterator[Connection]:
        """Yield a connection in the one transaction in which a migration runs, alone.

        On SQLite foreign keys are not enforced inside; they are checked before the commit.
        """
        with self._explained(), self._engines["migrate"].connect() as connection:
            if self.dialect == "postgresql":
                with connection.begin():
                    connection.exec_driver_sql(
                        "SELECT pg_advisory_xact_lock(hashtext('ifi migration'))"
                    )
                    yield connection
                return
            try:
                with connection.begin():
                    yield connection
                    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
                    if broken is not None:
                        raise OperatorError(
                            f"the migration of {self.name} would leave rows of {broken[0]} without "
                            f"their rows in {broken[2]}: it was undone; report this"
                        )
            finally:
                connection.invalidate()  # so that no later use finds foreign keys off

    def close(self) -> None:
        """Close all idle connections; the database can be used again afterwards."""
        while self._idle:
            self._idle.pop().close()
        self.engine.dispose()

    @contextmanager
    def _explained(self, *, reading: bool = False) -> Iterator[None]:
        try:
            yield
        except exc.TimeoutError as error:
            raise StorageUnavailable(
                f"all {POOL_KEPT + POOL_EXTRA} connections of this process to the database "
                f"{self.name} are in use: find out what holds them, or run fewer threads"
            ) from error
        except exc.DBAPIError as error:
            unavailable = explain(error, self.dialect, self.name, reading=reading)
            if unavailable is None:
                raise
            raise unavailable from error

    def _open(self) -> Engine:
        options: dict[str, Any] = {
            "hide_parameters": True,
            "pool_size": POOL_KEPT,
            "max_overflow": POOL_EXTRA,
            "pool_timeout": POOL_WAIT_S,
        }
        if self.dialect == "sqlite":
            engine = create_engine(self._url, **options)
            event.listen(engine, "do_connect", self._create_file)
            event.listen(engine, "connect", self._prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
            return engine
        engine = create_engine(
            self._url,
            connect_args={
                "connect_timeout": CONNECT_TIMEOUT_S,
                "client_encoding": "utf8",
                # What is prepared is prepared by `foundation.statements`. Psycopg would deallocate
                # that too whenever it forgets what it prepared itself, as after each rollback.
                "prepare_threshold": None,
            },
            **options,
        )
        event.listen(engine, "connect", self._check_postgresql)
        event.listen(engine, "checkout", _require_quiet)
        event.listen(engine, "begin", _begin_postgresql)
        event.listen(engine, "before_cursor_execute", _send_what_waits)
        return engine

    def _create_file(self, *_: object) -> None:
        """Create the SQLite file as 0600 before SQLite does with the umask's mode.

        SQLite gives the same mode to the -wal and -shm files beside it. A file that is there is
        never opened here: closing it would drop the POSIX locks of this process's other
        connections, and another process could then delete the write-ahead log under them
        (https://sqlite.org/howtocorrupt.html, section 2.2).
        """
        path = Path(str(self._url.database))
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            return
        except OSError as error:
            raise StorageUnavailable(
                f"the database {path} cannot be opened ({error.strerror}): "
                f"check that {path.parent} exists and that this user may write there"
            ) from None

    def _prepare_sqlite(self, connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        # With isolation_level None the driver starts no transaction by itself: `begin` does.
        connection.isolation_level = None
        cursor = connection.cursor()
        try:
            cursor.execute(f"PRAGMA busy_timeout = {self._lock_wait_ms:d}")
            cursor.execute("PRAGMA journal_mode = WAL")
            mode = cursor.fetchone()
            cursor.execute("PRAGMA synchronous = FULL")
            cursor.execute("PRAGMA foreign_keys = ON")
        except BaseException:
            connection.close()
            raise
        if mode is None or mode[0] != "wal":
            connection.close()
            raise OperatorError(
                f"the database {self.name} cannot keep a write-ahead log: put it on a local disk"
            )

    def _check_postgresql(self, connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        names = ("fsync", "synchronous_commit", "full_page_writes")
        cursor = connection.cursor()
        cursor.execute(
            "SELECT set_config('lock_timeout', %s, false), "
            + ", ".join(_asked(name) for name in names),
            (f"{self._lock_wait_ms}ms",),
        )
        [(_, *values)] = cursor.fetchall()
        cursor.close()
        connection.commit()
        off = [name for name, value in zip(names, values, strict=True) if value == "off"]
        if off:
            connection.close()
            mend = "; ".join(f"ALTER SYSTEM SET {name} = on" for name in off)
            raise OperatorError(
                f"the PostgreSQL server of {self.name} may forget what it has acknowledged "
                f"({', '.join(off)} off): run `{mend}; SELECT pg_reload_conf();` as its "
                "administrator, and look for a setting of the role or database that says otherwise"
            )


def _require_quiet(connection: DBAPIConnection, _: ConnectionPoolEntry, __: object) -> None:
    """Have the pool open a new connection instead of one to which the server has said something."""
    if not _is_quiet(connection):
        raise exc.DisconnectionError


def _is_quiet(connection: Any) -> bool:
    """Return whether the server has said nothing to a connection that asked nothing.

    It says something only when it ends it: a server that was stopped has closed it, and no answer
    need be waited for to know that. One that is lost later, or without a word, is told by the
    first statement, and then nothing has been done yet.
    """
    if connection.closed:
        return False
    socket = select.poll()
    socket.register(connection.fileno(), select.POLLIN)
    return not socket.poll(0)


def _asked(setting: str) -> str:
    return f"current_setting('{setting}')"


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (exc.ArgumentError, ValueError):
        parsed = None
    if parsed is not None and parsed.database:
        if parsed.drivername in {"postgresql", "postgresql+psycopg"}:
            return parsed.set(drivername="postgresql+psycopg")
        in_memory = parsed.database.startswith((":", "file:"))
        if parsed.drivername in {"sqlite", "sqlite+pysqlite"} and not in_memory:
            return parsed.set(drivername="sqlite+pysqlite")
    raise OperatorError(
        "the database setting is not an address this program knows: write "
        "sqlite:////absolute/path/file.db or postgresql://user@host/name"
    )


def _begin_postgresql(connection: Connection) -> None:
    """Begin for SQLAlchemy, which may be in a transaction of `Database.write` without knowing."""
    if not statements.begun(connection):
        statements.begin(connection, _BEGIN_ON_POSTGRESQL[_mode(connection)])
    statements.send(connection)


def _send_what_waits(connection: Connection, cursor: object, *_: object) -> None:
    """Keep the order: what was asked before a statement of SQLAlchemy's own goes before it."""
    if cursor is not None:
        statements.send(connection)


def _commit(connection: Connection) -> None:
    if connection.in_transaction():
        statements.send(connection)
        if statements.has_failed(connection):  # psycopg would take ROLLBACK for an answer
            raise RuntimeError(statements.NOT_COMMITTED)
        connection.commit()
    else:
        statements.commit(connection)


def _roll_back(connection: Connection) -> None:
    """Undo it; a connection of which that cannot be known is not used again."""
    if not connection.invalidated:
        try:
            statements.roll_back(connection)
        except connection.dialect.loaded_dbapi.Error:
            connection.invalidate()
    # One whose commit failed is no longer active, and has to be ended all the same.
    if connection.get_transaction() is not None:
        connection.rollback()


def _begin_sqlite(connection: Connection) -> None:
    for statement in _BEGIN_ON_SQLITE[_mode(connection)]:
        connection.exec_driver_sql(statement)


def _mode(connection: Connection) -> str:
    return str(connection.get_execution_options().get(_MODE, "write"))
