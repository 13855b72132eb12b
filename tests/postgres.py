"""A real PostgreSQL server of the test run's own: started from nothing, gone afterwards.

The server keeps fsync, synchronous_commit and full_page_writes on, because our programs refuse a
server without them. It is made fast by being small and by its directory, not by being unsafe.
"""

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg

_HOW_TO_INSTALL = "the PostgreSQL server programs are missing; run: sudo deploy/prerequisites"
_PREFIX = "ifi-pg-"
_SWEEP_AFTER_SECONDS = 60
_START_SECONDS = 30
_STOP_SECONDS = 15
# A socket's path may be 107 bytes long; the server appends "/.s.PGSQL.5432".
_LONGEST_DIRECTORY = 80
_ENOUGH_SHARED_MEMORY = 2 * 1024**3

_SETTINGS = {
    "listen_addresses": "",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "dynamic_shared_memory_type": "mmap",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "autovacuum": "off",
    "jit": "off",
    "timezone": "UTC",
    "lc_messages": "C",
}


class PostgresMissing(Exception):
    """No PostgreSQL server to test against; the message is the command that mends it."""


def server_programs() -> Path:
    """Return the folder that holds `initdb` and `postgres`: the newest one installed.

    Raises `PostgresMissing` if there is none.
    """
    packaged = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda folder: [int(part) for part in folder.parent.name.split(".") if part.isdigit()],
        reverse=True,
    )
    on_path = shutil.which("initdb")
    for folder in [*packaged, *([Path(on_path).resolve().parent] if on_path else [])]:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise PostgresMissing(_HOW_TO_INSTALL)


@dataclass(slots=True)
class PostgresServer:
    """A running server. `create` and `drop` make and remove databases in it."""

    socket_directory: Path
    process: subprocess.Popen[bytes]
    _numbers: Iterator[int]
    _programs: Path
    _account: pwd.struct_passwd | None

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of a database in this server."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.socket_directory}"

    def create(self, template: str = "template0") -> str:
        """Create a database, empty or a copy of `template`, and return its name."""
        name = f"test_{next(self._numbers)}"
        with self._connect() as connection:
            # From PostgreSQL 15 on a copy is written to the log page by page, unless one says so.
            files = " STRATEGY FILE_COPY" if connection.info.server_version >= 150_000 else ""
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}{files}".encode())
        return name

    def drop(self, database: str) -> None:
        """Drop a database, cutting off whoever is still connected to it."""
        with self._connect() as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)".encode())

    def stop_immediately(self) -> None:
        """Stop the server with `pg_ctl -m immediate`: nothing is written out, as in a crash."""
        stop = [str(self._programs / "pg_ctl"), "stop", "-m", "immediate"]
        stop += ["-D", str(self.socket_directory / "data")]
        stopped = _launch(stop, self._account, self.socket_directory / "pg_ctl.log")
        if stopped.wait(_STOP_SECONDS) != 0:
            raise RuntimeError((self.socket_directory / "pg_ctl.log").read_text(errors="replace"))
        self.process.wait(_STOP_SECONDS)

    def start_again(self) -> None:
        """Start the server after `stop_immediately`; it recovers from its write-ahead log."""
        self.process = _start(self._programs, self.socket_directory, self._account)
        _wait_until_ready(self.socket_directory, self.process)

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=str(self.socket_directory), user="postgres", dbname="postgres", autocommit=True
        )


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """Start a server in a directory of its own and stop it on leaving, however one leaves."""
    programs = server_programs()
    account = _unprivileged_account()
    parent = _parent_directory()
    _sweep(parent)
    directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    # Held while the server is in use, and let go by the kernel if this process is killed.
    lock = _locked(directory)
    try:
        if account is not None:
            os.chown(directory, account.pw_uid, account.pw_gid)
        _initialise(programs, directory, account)
        process = _start(programs, directory, account)
        server = PostgresServer(directory, process, count(1), programs, account)
        try:
            _wait_until_ready(directory, process)
            yield server
        finally:
            _stop(server.process)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _locked(directory: Path) -> int | None:
    """Lock a server's directory and return the open descriptor, or None if somebody else has it."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _sweep(parent: str) -> None:
    """Remove what test runs that were killed outright have left behind."""
    for directory in Path(parent).glob(f"{_PREFIX}*"):
        try:
            if time.time() - directory.stat().st_mtime < _SWEEP_AFTER_SECONDS:
                continue
            lock = _locked(directory)
        except OSError:
            continue  # another user's, or just removed by another worker
        if lock is not None:
            shutil.rmtree(directory, ignore_errors=True)
            os.close(lock)


def _unprivileged_account() -> pwd.struct_passwd | None:
    """Return the account to run as when we are root, whom PostgreSQL refuses; otherwise None."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresMissing("PostgreSQL does not run as root and there is no account 'nobody'")


def _parent_directory() -> str:
    """Memory if there is plenty (fsync stays on and costs nothing there), otherwise the disk."""
    memory = Path("/dev/shm")
    if (
        memory.is_dir()
        and os.access(memory, os.W_OK)
        and shutil.disk_usage(memory).free > _ENOUGH_SHARED_MEMORY
    ):
        return str(memory)
    preferred = tempfile.gettempdir()
    return preferred if len(preferred) < _LONGEST_DIRECTORY else "/tmp"


def _launch(
    command: list[str], account: pwd.struct_passwd | None, log: Path
) -> subprocess.Popen[bytes]:
    """Start a program as `account`, away from our folder and our terminal, writing to `log`."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"},
            start_new_session=True,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )


def _initialise(programs: Path, directory: Path, account: pwd.struct_passwd | None) -> None:
    log = directory / "initdb.log"
    # --no-sync spares the making of an empty cluster only; the server itself runs with fsync on.
    command = [
        str(programs / "initdb"),
        f"--pgdata={directory / 'data'}",
        "--auth=trust",
        "--username=postgres",
        "--encoding=UTF8",
        "--locale=C",
        "--no-sync",
    ]
    if _launch(command, account, log).wait(_START_SECONDS) != 0:
        raise RuntimeError(f"initdb failed:\n{log.read_text(errors='replace')}")


def _start(
    programs: Path, directory: Path, account: pwd.struct_passwd | None
) -> subprocess.Popen[bytes]:
    settings = _SETTINGS | {"unix_socket_directories": str(directory)}
    command = [str(programs / "postgres"), "-D", str(directory / "data")]
    command += [f"--{name}={value}" for name, value in settings.items()]
    # Should the test process be killed outright, the kernel stops the server in its place.
    if setpriv := shutil.which("setpriv"):
        command = [setpriv, "--pdeathsig", "INT", "--", *command]
    return _launch(command, account, directory / "server.log")


def _wait_until_ready(directory: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            psycopg.connect(host=str(directory), user="postgres", dbname="postgres").close()
            return
        except psycopg.OperationalError as failure:
            if process.poll() is not None or time.monotonic() > deadline:
                log = (directory / "server.log").read_text(errors="replace")
                raise RuntimeError(f"PostgreSQL did not start:\n{log}") from failure
            time.sleep(0.02)


def _stop(process: subprocess.Popen[bytes]) -> None:
    # SIGQUIT is PostgreSQL's immediate shutdown: nothing of this cluster is to be kept.
    if process.poll() is None:
        process.send_signal(signal.SIGQUIT)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
