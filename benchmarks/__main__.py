"""`python -m benchmarks`: measure what docs/performance.md states; print a table and JSON.

    python -m benchmarks [evaluation] [index] [log] [log-beside] [flips] [matching] [pages]
                         [--flags 10000] [--entries 1000000] [--flips 5000] [--seed 1]
                         [--folder /tmp] [--json F]

`evaluation` is arithmetic alone; `index` starts PostgreSQL and an index under gunicorn, publishes
`--flags` flags, looks up, publishes ten times as many, and looks up again. Without words
both run, both of the log, and `pages`. `log` sequences, verifies, proves and exports `--entries`
entries; `log-beside` looks up with the worker and eight witnesses at work, and stopped. `flips`
changes a bit of `--flips` bytes of a small log, and of its export; of every byte with 0. `pages`
checks names at a connector's pages among ten times `--flags` flags, over HTTP and in Chromium
(benchmarks.pages).
`matching` runs benchmarks.matching on a made population, if it is there. The database is on the
disk of `--folder`; /dev/shm shows what is left without the disk.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import (
    evaluation,
    flips,
    index_alone,
    log,
    log_beside,
    lookups,
    pages,
    publishing,
    server,
)
from benchmarks.figures import Figures, machine
from benchmarks.memory import largest, uses

PARTS = ("evaluation", "index", "log", "log-beside", "flips", "matching", "pages")
_SYNCS = 50
_CHECKS, _CHECKS_IN_BROWSER = 500, 100


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="default: evaluation index")
    parser.add_argument("--flags", type=int, default=10_000)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--flips", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--json", type=Path, help="write the JSON here instead of printing it")
    asked = parser.parse_args()
    parts = asked.parts or ["evaluation", "index", "log", "log-beside", "pages"]
    figures = Figures()
    if "evaluation" in parts:
        evaluation.measure(figures)
    if "index" in parts:
        _index(figures, asked.folder, asked.flags)
    if "log" in parts:
        _log(figures, asked.folder, asked.entries)
    if "log-beside" in parts:
        _log_beside(figures, asked.folder)
    if "flips" in parts:
        with tempfile.TemporaryDirectory(dir=asked.folder) as home:
            flips.measure(figures, Path(home), asked.flips, asked.seed)
    if "matching" in parts:
        _matching()
    if "pages" in parts:
        pages.measure(figures, asked.folder, 10 * asked.flags, _CHECKS, _CHECKS_IN_BROWSER)
    print(f"\n{machine()}\n\n{figures.table()}\n")
    if asked.json is None:
        print(figures.as_json())
    else:
        asked.json.write_text(figures.as_json() + "\n")


def _index(figures: Figures, folder: Path, flags: int) -> None:
    figures.add("one fdatasync of 4 KiB", _sync_ms(folder), "ms", f"in {folder}, mean of {_SYNCS}")
    where = f"PostgreSQL in {folder}"
    with (
        server.running(folder) as postgres,
        tempfile.TemporaryDirectory(dir=folder) as home,
        index_alone.running(Path(home), postgres.create("index")) as alone,
    ):
        share = len(alone.agencies)
        flags -= flags % share
        for more in (flags, 9 * flags):
            publishing.measure(figures, alone, postgres, more, where)
            lookups.measure(figures, alone, postgres, f"{len(alone.published):,} flags", where)
        publishing.stored(figures, postgres)
        lookups.stored(figures, alone, postgres)
        for name, pid in (
            ("index", alone.service.process.pid),
            ("PostgreSQL", postgres.process.pid),
        ):
            peak = largest(uses(pid)) / 2**20
            figures.add(f"peak memory: {name}", peak, "MiB", "largest process, after all of this")


def _log(figures: Figures, folder: Path, entries: int) -> None:
    with (
        server.running(folder) as postgres,
        tempfile.TemporaryDirectory(dir=folder) as home,
    ):
        log.measure(figures, postgres, Path(home), entries, f"PostgreSQL in {folder}")


def _log_beside(figures: Figures, folder: Path) -> None:
    with (
        server.running(folder) as postgres,
        tempfile.TemporaryDirectory(dir=folder) as home,
        index_alone.running(Path(home), postgres.create("index")) as alone,
    ):
        publishing.measure(figures, alone, postgres, 8_000, f"PostgreSQL in {folder}")
        log_beside.measure(figures, alone, postgres, f"8,000 flags, PostgreSQL in {folder}")


def _sync_ms(folder: Path) -> float:
    with tempfile.TemporaryFile(dir=folder) as file:
        started = time.perf_counter()
        for _ in range(_SYNCS):
            file.write(bytes(4096))
            file.flush()
            os.fdatasync(file.fileno())
        return (time.perf_counter() - started) / _SYNCS * 1000


def _matching() -> None:
    """Run the matching benchmark, which prints its own figures, on a made population."""
    if importlib.util.find_spec("benchmarks.matching.__main__") is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        made = ["benchmarks.population", folder, "--people", "20000", "--lookups", "2000"]
        files = ["--stored", f"{folder}/stored.csv.gz", "--lookups", f"{folder}/lookups.csv.gz"]
        for words in (made, ["benchmarks.matching", *files]):
            subprocess.run([sys.executable, "-m", *words], check=True)


if __name__ == "__main__":
    main()
