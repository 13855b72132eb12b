"""The log: sequencing, verifying, proving and exporting, on PostgreSQL with many entries."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.figures import Figures, percentile
from benchmarks.log_entries import PORTION, consultations, index_on, take_in
from benchmarks.memory import cpu_between, use, uses
from benchmarks.server import Server
from foundation.clock import now_ms
from foundation.database import Database
from index_service.audit import exporting, sequencing, storage
from index_service.audit.administration import administer
from index_service.audit.mirror import Mirror
from index_service.installation import Installation
from protocol.log.proofs import consistency_proof, inclusion_proof
from protocol.log.tile_tree import TileHashes
from protocol.testimony import erased_note

_PROOFS = 200
_LOOK_EVERY_S = 0.05
_KEPT = ("intake", "log_tiles")


@dataclass(frozen=True, slots=True)
class _Ran:
    """How a command went: seconds, CPU seconds and the most memory it held, in bytes."""

    wall: float
    cpu: float
    peak: int


def measure(figures: Figures, server: Server, folder: Path, entries: int, where: str) -> None:
    """Take in `entries` consultations, sequence them, and measure what the log is asked for."""
    url = server.create("log")
    database = Database(url)
    (folder / "mirror").mkdir()
    index, key, told = index_on(database, folder)
    with database.write() as connection:
        # The consultations below have no side records: as if retention had erased them.
        note = erased_note(entries, now_ms() + 3_600_000_000)
        administer(connection, index, "side-records-erased", None, note=note)
    for start in range(0, entries, PORTION):
        take_in(database, consultations(min(PORTION, entries - start), key, told))
        print(f"  {min(start + PORTION, entries):,} of {entries:,} entries made", flush=True)
    conditions = f"{entries:,} consultations, {where}"
    _sequence(figures, server, index, entries, conditions)
    _bytes(figures, server, entries, conditions)
    _prove(figures, index, conditions)
    _verify(figures, index, url, entries, conditions)
    _export(figures, index, folder, entries, conditions)
    share = max(PORTION, entries // 10)
    mirrored = replace(index, mirror=Mirror(folder / "mirror" / index.log.name, index.log.name))
    _run(mirrored)
    take_in(database, consultations(share, key, told))
    _sequence(figures, server, mirrored, share, f"{share:,} more, with a mirror, {where}")
    database.close()


def _run(index: Installation) -> None:
    more = True
    while more:
        with index.database.write() as connection:
            more = sequencing.sequence(connection, index, now_ms()).more


def _sequence(
    figures: Figures, server: Server, index: Installation, entries: int, conditions: str
) -> None:
    database, started = uses(server.process.pid), time.perf_counter()
    cpu = time.process_time()
    _run(index)
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    of_database = cpu_between(database, uses(server.process.pid))
    batches = f"{conditions}, batches of {sequencing.BATCH:,}"
    figures.add("sequencer", entries / wall, "entries per second", batches)
    figures.add("sequencer: its own CPU", cpu / entries * 1e6, "µs per entry", batches)
    figures.add(
        "sequencer: CPU in PostgreSQL", of_database / entries * 1e6, "µs per entry", batches
    )


def _bytes(figures: Figures, server: Server, entries: int, conditions: str) -> None:
    with server.connect("log") as connection:
        connection.execute(b"VACUUM FULL intake")
        connection.execute(b"CHECKPOINT")
        for table in _KEPT:
            row = connection.execute(
                "SELECT pg_total_relation_size(%s::regclass)", (table,)
            ).fetchone()
            size = int(row[0]) / entries if row else 0
            figures.add(f"bytes per entry in {table}", size, "bytes", f"{conditions}, with indexes")
        row = connection.execute(b"SELECT avg(length(entry)) FROM intake").fetchone()
    figures.add("bytes of an entry itself", float(row[0]) if row else 0, "bytes", conditions)


def _prove(figures: Figures, index: Installation, conditions: str) -> None:
    with index.database.read() as connection:
        size = storage.state(connection).head.size
    for name, make in (("inclusion", inclusion_proof), ("consistency", consistency_proof)):
        took = []
        for number in range(_PROOFS):
            place = 1 + number * (size - 1) // _PROOFS
            started = time.perf_counter()
            with index.database.read() as connection:
                make(TileHashes(storage.DatabaseTiles(connection), size), place, size)
            took.append((time.perf_counter() - started) * 1000)
        told = f"a transaction and new reader for each, {conditions}"
        figures.add(f"{name} proof: p50", percentile(took, 0.5), "ms", told)
        figures.add(f"{name} proof: p99", percentile(took, 0.99), "ms", told)


def _verify(figures: Figures, index: Installation, url: str, entries: int, conditions: str) -> None:
    key = index.log.verifier_key
    words = ["verify", "--database", url, "--log-key", key]
    for name, more in (
        ("with signatures in entries", []),
        ("with signatures in entries, by 2 processes beside", ["--jobs", "2"]),
        ("without signatures in entries", ["--tree-only"]),
    ):
        ran = _command([*words, *more])
        what = f"verify {name}"
        figures.add(what, ran.wall, "s", conditions)
        figures.add(f"{what}: CPU", ran.cpu / entries * 1e6, "µs per entry", conditions)
        figures.add(f"{what}: peak memory", ran.peak / 2**20, "MiB", conditions)


def _export(
    figures: Figures, index: Installation, folder: Path, entries: int, conditions: str
) -> None:
    file = folder / "log.ifi-export"
    started = time.perf_counter()
    with index.database.read() as connection, file.open("wb") as written:
        note, head = exporting.checkpoint_to_export(connection, index)
        exporting.export(connection, index, note, head, (0, head.size), written)
    figures.add("export", time.perf_counter() - started, "s", conditions)
    figures.add("export: bytes", file.stat().st_size / entries, "bytes per entry", conditions)
    ran = _command(["verify", "--export", file, "--log-key", index.log.verifier_key, "--tree-only"])
    figures.add("verify an export without signatures in entries", ran.wall, "s", conditions)
    figures.add("verify an export: peak memory", ran.peak / 2**20, "MiB", conditions)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    figures.add("peak memory of all this but verifying", peak, "MiB", conditions)
    file.unlink()


def _command(words: list[str | Path]) -> _Ran:
    program = Path(sys.executable).parent / "index-service"
    started = time.perf_counter()
    process = subprocess.Popen([program, *words], stdout=subprocess.DEVNULL)
    peak = 0
    # What the kernel tells of an ended process counts in what this one held when it forked.
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        peak = max(peak, use(process.pid).peak)
        time.sleep(_LOOK_EVERY_S)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"index-service {words[0]} did not succeed")
    return _Ran(time.perf_counter() - started, used.ru_utime + used.ru_stime, peak)
