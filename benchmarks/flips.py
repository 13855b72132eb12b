"""Bytes of a log are changed, one after the other: how many of the changes are found.

Every byte, or a sample that a seed makes again. A change that is not found ends the run.
"""

from __future__ import annotations

import io
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from benchmarks.figures import Figures
from benchmarks.index_alone import _quiet
from foundation.clock import now_ms
from foundation.database import Database
from index_service.audit import exporting
from index_service.audit.verifying import verify_log
from protocol.exports import check_export
from protocol.log.errors import LogError
from protocol.log.notes import read_note
from protocol.verification import Fault
from protocol.verifier_keys import VerifierKey, read
from tests.index_service.audit.flipping import Place, flipped, make_busy, members, places
from tests.index_service.audit.logs import Kept
from tests.index_service.partnership import PARTNERSHIP, new_index

_TOLD_EVERY_S = 30.0


@dataclass(slots=True)
class _Course:
    """Which bits are changed, and how far that has come."""

    count: int
    chosen: random.Random
    done: int = 0
    same: int = 0

    def over(self, lengths: Sequence[int]) -> Iterator[tuple[int, int, int]]:
        """Yield part, byte and bit: of every byte of the parts, or of a sample of them all."""
        total = sum(lengths)
        every = range(total)
        picked = every if not self.count else sorted(
            self.chosen.sample(every, min(self.count, total))
        )  # fmt: skip
        told, part, before = time.monotonic(), 0, 0
        for number, at in enumerate(picked):
            while at >= before + lengths[part]:
                before, part = before + lengths[part], part + 1
            if time.monotonic() > told + _TOLD_EVERY_S:
                told = time.monotonic()
                print(f"  {number:,} of {len(picked):,} bytes changed", flush=True)
            yield part, at - before, self.chosen.randrange(8)


def measure(figures: Figures, folder: Path, count: int = 5_000, seed: int = 1) -> None:
    """Change a bit of `count` bytes of the tables and of an export each; of every byte if 0."""
    database = Database(f"sqlite:///{folder}/log.db")
    kept = Kept(replace(new_index(database, now_ms), head_file=folder / "log.head"))
    with _quiet():
        make_busy(kept)
    key = read(kept.index.log.verifier_key)
    which = f"a sample of {count:,}, seed {seed}" if count else "every byte"
    for name, change in (("the log's tables", _tables), ("an export", _export)):
        course, started = _Course(count, random.Random(seed)), time.perf_counter()
        total = change(kept, key, course)
        took = time.perf_counter() - started
        told = f"one bit of {which} of {total:,}; {course.same} mean the same; {took:.0f} s, SQLite"
        figures.add(f"changed bytes of {name}, all found", course.done, "bytes", told)
    database.close()


def _tables(kept: Kept, key: VerifierKey, course: _Course) -> int:
    found = places(kept)
    lengths = [place.end for place in found]
    held: Place | None = None
    for part, at, bit in course.over(lengths):
        place = found[part]
        if held is not None and held is not place:
            held.put(kept, held.content)
        held = place
        changed = flipped(place.content, at, bit)
        if place.means_the_same(changed):
            course.same += 1
            continue
        place.put(kept, changed)
        where = f"{place.table.name}.{place.column}: bit {bit} of byte {at}"
        _require_found(course, where, partial(_verify, kept, key))
    if held is not None:
        held.put(kept, held.content)
    _verify(kept, key)
    return sum(lengths)


def _verify(kept: Kept, key: VerifierKey) -> None:
    with kept.index.database.read() as connection:
        verify_log(connection, key, PARTNERSHIP)


def _export(kept: Kept, key: VerifierKey, course: _Course) -> int:
    file = io.BytesIO()
    with kept.index.database.read() as connection:
        note, head = exporting.checkpoint_to_export(connection, kept.index)
        exporting.export(connection, kept.index, note, head, (0, head.size), file)
    content = file.getvalue()
    files = list(members(content))
    for part, at, bit in course.over([size for _, _, size in files]):
        name, start, size = files[part]
        changed = flipped(content, start + at, bit)
        if name == "checkpoint" and _same(content, changed, start, size):
            course.same += 1
            continue
        where = f"{name}: bit {bit} of byte {at}"
        file = io.BytesIO(changed)
        _require_found(course, where, partial(check_export, file, key))
    check_export(io.BytesIO(content), key)
    return sum(size for _, _, size in files)


def _require_found(course: _Course, where: str, check: Callable[[], object]) -> None:
    try:
        check()
    except Fault:
        course.done += 1
        return
    raise SystemExit(f"{where} was changed, and that is not found")


def _same(content: bytes, changed: bytes, start: int, size: int) -> bool:
    try:
        return read_note(content[start : start + size]) == read_note(changed[start : start + size])
    except LogError:
        return False
