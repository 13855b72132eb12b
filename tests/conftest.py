"""What every test may ask for: fresh databases of both kinds, a clock to set, and no network."""

import gc
import ipaddress
import logging
import os
import shutil
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import hypothesis
import pytest
from sqlalchemy import Connection, event, inspect, make_url
from werkzeug.routing import Rule

from tests.postgres import PostgresMissing, PostgresServer, running_server

if TYPE_CHECKING:
    from foundation.database import Database
    from tests.databases import MigratedDatabases, MigratedFiles

_ENOUGH_MEMORY = 4 * 1024**3
MIDDAY = 1_768_478_400_000
"""15 January 2026, 12:00:00 UTC, in milliseconds: where the fake clock starts."""


@dataclass(slots=True)
class FakeClock:
    """A clock that stands still until told: call it for the time in milliseconds UTC."""

    now: int = MIDDAY

    def __call__(self) -> int:
        return self.now

    def set(self, now: int) -> None:
        """Set the time, in milliseconds UTC."""
        self.now = now

    def advance(self, milliseconds: int) -> None:
        """Move the time on (or back, if negative)."""
        self.now += milliseconds


@pytest.fixture
def clock() -> FakeClock:
    """A settable clock; use `clock.set`, `clock.advance`, `clock()`."""
    return FakeClock()


@pytest.fixture(autouse=True, scope="session")
def _migrations_are_replayed() -> Iterator[None]:
    """Run the migrations of each program once in a process, and then replay their statements.

    Most tests want a migrated database and no test of migrating. An empty database that is to be
    brought to the newest revision gets the very statements that Alembic issued the first time, in
    a tenth of the time; every other migration runs as it ships.
    """
    from foundation import _alembic

    recorded: dict[tuple[str, str], list[tuple[str, Any]]] = {}
    real = _alembic.upgrade

    def upgrade(connection: Connection, location: str, revision: str, name: str) -> None:
        key = (connection.dialect.name, location)
        if revision != "head" or inspect(connection).get_table_names():
            real(connection, location, revision, name)
            return
        if key in recorded:
            for statement, parameters in recorded[key]:
                connection.exec_driver_sql(statement, parameters)
            return
        statements: list[tuple[str, Any]] = []

        def executed(_c: object, _u: object, statement: str, parameters: Any, *_: object) -> None:
            if not statement.lstrip().upper().startswith(("SELECT", "PRAGMA")):
                statements.append((statement, parameters))

        event.listen(connection, "after_cursor_execute", executed)
        try:
            real(connection, location, revision, name)
        finally:
            event.remove(connection, "after_cursor_execute", executed)
        recorded[key] = statements

    with mock.patch.object(_alembic, "upgrade", upgrade):
        yield


@pytest.fixture(autouse=True, scope="session")
def _routes_are_compiled_once() -> Iterator[None]:
    """Compile how a route's URL is built once in a process, though each test makes its own app.

    Werkzeug does it twice for each route of each app, which is most of what making an app costs.
    """
    kept: dict[tuple[object, ...], Any] = {}
    real = Rule._compile_builder

    def compiled(rule: Rule, append_unknown: bool = True) -> Any:
        key = (rule.rule, rule.subdomain, rule.host, repr(rule.defaults), append_unknown)
        if key not in kept:
            kept[key] = real(rule, append_unknown)
        return kept[key]

    with mock.patch.object(Rule, "_compile_builder", compiled):
        yield


@pytest.fixture(autouse=True)
def _logging_is_left_as_it_was() -> Iterator[None]:
    """Undo what a command run in this process did to its log, which is for a process's life."""
    from foundation import logs

    program, fields = logs._program, logs._fields
    level = logging.root.level
    uncaught, of_threads = sys.excepthook, threading.excepthook
    yield
    logs._program, logs._fields = program, fields
    logging.root.level = level
    logging.root.handlers = [
        handler
        for handler in logging.root.handlers
        if not isinstance(handler, logs.RedactingHandler)
    ]
    sys.excepthook, threading.excepthook = uncaught, of_threads
    logging.captureWarnings(False)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL server (one per worker process), stopped when the run ends."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(running_server())
        except PostgresMissing as missing:
            # An error, never a skip: PostgreSQL is one of the two databases the product promises.
            pytest.fail(str(missing), pytrace=False)
        yield server


@dataclass
class Databases:
    """Makes databases of one kind, each call another one; those of PostgreSQL can be dropped."""

    kind: str
    folder: Path
    server: PostgresServer | None
    made: list[str] = field(default_factory=list)

    def __call__(self, copy_of: str = "") -> str:
        """Return the URL of an empty database, or of a copy of one that nobody is connected to."""
        source = make_url(copy_of).database if copy_of else None
        if self.server is not None:
            self.made.append(self.server.create(source or "template0"))
            return self.server.url(self.made[-1])
        self.made.append("")
        file = self.folder / f"fresh-{len(self.made)}.sqlite"
        if source is not None:
            shutil.copyfile(source, file)
            file.chmod(0o600)
        return f"sqlite:///{file}"

    def drop(self) -> None:
        """Drop those of PostgreSQL."""
        for name in self.made:
            if self.server is not None:
                self.server.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Databases]:
    """A function whose every call gives the URL of another fresh database, empty or a copy.

    A test that asks for it runs twice, once on SQLite and once on PostgreSQL. The databases are
    dropped at the test's end.
    """
    server = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    made = Databases(request.param, tmp_path, server)
    yield made
    made.drop()


@pytest.fixture(scope="session")
def lasting_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], str]:
    """A function that gives the URL of another empty database of a kind, which stays: to copy."""
    kinds: dict[str, Databases] = {}

    def lasting(kind: str) -> str:
        if kind not in kinds:
            server = request.getfixturevalue("postgres") if kind == "postgresql" else None
            kinds[kind] = Databases(kind, tmp_path_factory.mktemp("lasting"), server)
        return kinds[kind]()

    return lasting


@pytest.fixture(scope="session")
def _migrated_files(tmp_path_factory: pytest.TempPathFactory) -> "MigratedFiles":
    from tests.databases import MigratedFiles

    return MigratedFiles(tmp_path_factory.mktemp("migrated"))


@pytest.fixture(scope="session")
def _migrated_databases(postgres: PostgresServer) -> "MigratedDatabases":
    from tests.databases import MigratedDatabases

    return MigratedDatabases(postgres)


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """A function that gives the URL of another empty database, migrated by the folder it is told.

    A test that asks for it runs twice, as with `fresh_url`, at a fifth of the cost.
    """
    taken: list[tuple[str, str]] = []
    of_sqlite = request.param == "sqlite"
    kept = request.getfixturevalue("_migrated_files" if of_sqlite else "_migrated_databases")

    def migrated(location: str) -> str:
        if of_sqlite:
            taken.append((location, ""))
            url: str = kept.copy(location, tmp_path / f"migrated-{len(taken)}.sqlite")
            return url
        taken.append((location, kept.take(location)))
        server: PostgresServer = request.getfixturevalue("postgres")
        return server.url(taken[-1][1])

    yield migrated
    for location, name in taken:
        if not of_sqlite:
            kept.give_back(location, name)


@pytest.fixture
def database_url(fresh_url: Callable[[], str]) -> str:
    """The URL of a fresh, empty database: SQLite once, PostgreSQL once."""
    return fresh_url()


@pytest.fixture
def database(database_url: str) -> "Iterator[Database]":
    """A fresh, empty `foundation.database.Database`: SQLite once, PostgreSQL once."""
    from foundation.database import Database

    opened = Database(database_url)
    yield opened
    opened.engine.dispose()


def _is_on_this_machine(host: object) -> bool:
    if host is None or host in ("", b"", "localhost", b"localhost"):
        return True
    text = host.decode() if isinstance(host, bytes) else str(host)
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _forbid_network(event: str, arguments: tuple[object, ...]) -> None:
    """Stop whatever would leave this machine. An audit hook sees every socket of this process.

    `pytest.fail` raises a BaseException, which no handler of ours can take for a network failure.
    """
    if not event.startswith("socket."):
        return
    if event in ("socket.connect", "socket.sendto"):
        opened, address = arguments[0], arguments[1]
        if getattr(opened, "family", None) not in (socket.AF_INET, socket.AF_INET6):
            return
        host = address[0] if isinstance(address, tuple) else address
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return
    if not _is_on_this_machine(host):
        pytest.fail(f"a test tried to reach {host!r}: tests may use loopback only ({event})")


def _room_in_memory() -> str | None:
    """Return the folder that lies in memory, if there is room and programs may run from it."""
    memory = "/dev/shm"
    try:
        found = os.statvfs(memory)
    except OSError:
        return None
    free = found.f_bavail * found.f_frsize
    fit = free > _ENOUGH_MEMORY and not found.f_flag & os.ST_NOEXEC and os.access(memory, os.W_OK)
    return memory if fit else None


def pytest_collection_finish() -> None:
    """Spare the garbage collector what was imported and collected: it stays to the end."""
    gc.collect()
    gc.freeze()


def pytest_configure() -> None:
    """Install the network guard, for good (an audit hook stays), and settle hypothesis.

    The tests' folders lie in memory if there is room: SQLite waits for the disk at each commit,
    and does so there too, for nothing.

    No deadline and no complaint about a slow machine: a busy one is no fault of the code. In
    continuous integration the examples are the same each time.
    """
    if "PYTEST_DEBUG_TEMPROOT" not in os.environ and (memory := _room_in_memory()):
        os.environ["PYTEST_DEBUG_TEMPROOT"] = memory
    sys.addaudithook(_forbid_network)
    hypothesis.settings.register_profile(
        "house",
        deadline=None,
        derandomize=bool(os.environ.get("CI")),
        print_blob=True,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
    hypothesis.settings.load_profile("house")
