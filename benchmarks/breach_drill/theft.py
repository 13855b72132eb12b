"""What the thief takes: every file, every row, every backup, every log, and what metrics tell."""

import gzip
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sqlalchemy import MetaData, create_engine, select
from sqlalchemy.engine import Row, make_url

from benchmarks.breach_drill.partnership import Partnership
from deploy.demo.programs import Service
from tests.postgres import server_programs

_DUMP_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes and where they were found."""

    where: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Loot:
    """Everything that one program holds. `tables` are the rows, by table, as they are stored."""

    files: tuple[Piece, ...]
    tables: dict[str, tuple[Row[Any], ...]] = field(repr=False)

    def pieces(self) -> Iterator[Piece]:
        """Yield every file, and every value of every row.

        A value may be cut in two where the database's file breaks it over pages, so the rows count
        beside the files that hold them.
        """
        yield from self.files
        for table, rows in self.tables.items():
            for row in rows:
                for column, value in row._mapping.items():
                    if isinstance(value, bytes | str | memoryview):
                        text = value.encode() if isinstance(value, str) else bytes(value)
                        yield Piece(f"{table}.{column}", text)

    @property
    def size(self) -> int:
        """How many bytes the files have."""
        return sum(len(piece.content) for piece in self.files)


def steal(
    made: Partnership, service: Service, home: Path, url: str, data: Path | None = None
) -> Loot:
    """Take everything that the program `service` with this `home` and database holds.

    It goes on running meanwhile, so that the write-ahead log is there. `data` is the folder of the
    PostgreSQL server, if its database is there; its own catalogue comes with it.
    """
    backups = made.folder / "backups" / service.name
    backups.mkdir(parents=True, exist_ok=True)
    folders = [home, made.folder / "tmp", backups]
    if url.startswith("sqlite"):
        database = home / f"{service.name}.db"
        _back_up_sqlite(database, backups / "database.db")
        taken = made.folder / "stolen" / service.name
        taken.mkdir(parents=True)
        # As a thief would: the files as they lie there, opened elsewhere.
        for part in home.glob(f"{service.name}.db*"):
            shutil.copy(part, taken)
        tables = _rows(f"sqlite:///{taken / database.name}")
    else:
        _back_up_postgresql(url, backups / "database.dump")
        tables = _rows(url)
        if data is not None:
            folders.append(data)
    files = [piece for folder in folders for piece in _files(folder, made.folder)]
    logs = made.folder / "logs"
    files += [Piece(path.name, path.read_bytes()) for path in logs.glob(f"{service.name}.*")]
    files.append(Piece("/metrics", made.metrics(service)))
    files.append(Piece("environment", _environment(service)))
    return Loot(tuple(files), tables)


def _back_up_sqlite(database: Path, copy: Path) -> None:
    source, target = sqlite3.connect(database), sqlite3.connect(copy)
    source.backup(target)
    source.close()
    target.close()
    copy.with_suffix(".db.gz").write_bytes(gzip.compress(copy.read_bytes()))


def _back_up_postgresql(url: str, copy: Path) -> None:
    """Two backups: the operator's own format, whose parts are compressed, and plain text."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    for form, path in (("custom", copy), ("plain", copy.with_suffix(".sql"))):
        subprocess.run(
            [server_programs() / "pg_dump", f"--format={form}", f"--file={path}", plain],
            check=True,
            timeout=_DUMP_SECONDS,
        )


def _rows(url: str) -> dict[str, tuple[Row[Any], ...]]:
    engine = create_engine(url)
    metadata = MetaData()
    metadata.reflect(engine)
    with engine.connect() as connection:
        found = {
            name: tuple(connection.execute(select(table)).all())
            for name, table in metadata.tables.items()
        }
    engine.dispose()
    return found


def _files(folder: Path, below: Path) -> Sequence[Piece]:
    found = []
    for parent, _, names in os.walk(folder):
        for name in sorted(names):
            path = Path(parent, name)
            if path.is_symlink() or not path.is_file():
                continue
            told = path.relative_to(below) if path.is_relative_to(below) else path
            found.append(Piece(str(told), path.read_bytes()))
    return found


def _environment(service: Service) -> bytes:
    """Return the running program's own environment and command line, where the system tells."""
    process = Path("/proc") / str(service.process.pid)
    return b"".join(
        path.read_bytes()
        for path in (process / "environ", process / "cmdline")
        if os.access(path, os.R_OK)
    )
