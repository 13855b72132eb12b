"""Every byte of a log is changed, one after the other: how many of the changes are found."""

from __future__ import annotations

import io
import random
from dataclasses import replace
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
from protocol.verifier_keys import read
from tests.index_service.audit.flipping import flipped, make_busy, members, places
from tests.index_service.audit.logs import Kept
from tests.index_service.partnership import PARTNERSHIP, new_index


def measure(figures: Figures, folder: Path) -> None:
    """Change a bit, chosen at random, of each byte; raises SystemExit if that is not found."""
    database = Database(f"sqlite:///{folder}/log.db")
    kept = Kept(replace(new_index(database, now_ms), head_file=folder / "log.head"))
    with _quiet():
        make_busy(kept)
    conditions = "one random bit of every byte that means something, SQLite"
    figures.add("changed bytes of the log's tables, all found", _tables(kept), "bytes", conditions)
    figures.add("changed bytes of an export, all found", _export(kept), "bytes", conditions)
    database.close()


def _tables(kept: Kept) -> int:
    key, count = read(kept.index.log.verifier_key), 0
    for place in places(kept):
        for at in range(place.end):
            changed = flipped(place.content, at, random.randrange(8))
            if place.means_the_same(changed):
                continue
            place.put(kept, changed)
            try:
                with kept.index.database.read() as connection:
                    verify_log(connection, key, PARTNERSHIP)
            except Fault:
                count += 1
            else:
                raise SystemExit(f"{place.table.name}.{place.column}: byte {at} is not found")
        place.put(kept, place.content)
    return count


def _export(kept: Kept) -> int:
    file, key, count = io.BytesIO(), read(kept.index.log.verifier_key), 0
    with kept.index.database.read() as connection:
        note, head = exporting.checkpoint_to_export(connection, kept.index)
        exporting.export(connection, kept.index, note, head, (0, head.size), file)
    content = file.getvalue()
    for name, start, size in members(content):
        for at in range(start, start + size):
            changed = flipped(content, at, random.randrange(8))
            if name == "checkpoint" and _same(content, changed, start, size):
                continue
            try:
                check_export(io.BytesIO(changed), key)
            except Fault:
                count += 1
            else:
                raise SystemExit(f"{name}: byte {at - start} is not found")
    return count


def _same(content: bytes, changed: bytes, start: int, size: int) -> bool:
    try:
        return read_note(content[start : start + size]) == read_note(changed[start : start + size])
    except LogError:
        return False
