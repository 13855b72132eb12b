"""A PostgreSQL server to measure against: on the disk, with its safe settings, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.postgres import server_programs

SETTINGS = {
    "listen_addresses": "",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "max_connections": "100",
    "jit": "off",
}
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; `folder` holds its socket."""

    folder: Path
    process: subprocess.Popen[bytes]

    def create(self, name: str) -> str:
        """Make an empty database and return its address."""
        with self.connect("postgres") as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def connect(self, name: str) -> psycopg.Connection:
        """Connect to a database of this server, each statement its own transaction."""
        return psycopg.connect(host=str(self.folder), user="postgres", dbname=name, autocommit=True)

    def size(self, name: str) -> int:
        """The bytes that a database takes on the disk, after a checkpoint."""
        with self.connect(name) as connection:
            connection.execute(b"CHECKPOINT")
            row = connection.execute(b"SELECT pg_database_size(current_database())").fetchone()
        return int(row[0]) if row else 0


@contextmanager
def running(parent: Path) -> Iterator[Server]:
    """Start a server with its files under `parent` and remove it all on leaving."""
    programs = server_programs()
    account = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="ifi-bench-", dir=parent))
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
    who: dict[str, Any] = (
        {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
    )
    data = folder / "data"
    try:
        subprocess.run(
            [programs / "initdb", "-D", data, "-A", "trust", "-U", "postgres", "-k", "--no-sync"],
            check=True, stdout=subprocess.DEVNULL, cwd="/", env={"LC_ALL": "C"}, **who,
        )  # fmt: skip
        told = SETTINGS | {"unix_socket_directories": str(folder)}
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [programs / "postgres", "-D", data, *(f"--{n}={v}" for n, v in told.items())],
                stdout=log, stderr=log, cwd="/", env={"LC_ALL": "C"}, start_new_session=True, **who,
            )  # fmt: skip
        try:
            server = Server(folder, process)
            _wait(server)
            yield server
        finally:
            process.send_signal(signal.SIGQUIT)
            process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(server: Server) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline and server.process.poll() is None:
        with suppress(psycopg.OperationalError):
            server.connect("postgres").close()
            return
        time.sleep(0.05)
    raise SystemExit(f"PostgreSQL did not start: {(server.folder / 'log').read_text()}")
