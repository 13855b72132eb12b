"""`index-service verify` finds whatever was changed, and names the first bad place."""

import random
import string
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from index_service.agencies.documents import signed_documents
from index_service.agencies.key_entries import key_entries
from index_service.audit.intake import intake
from index_service.audit.mirror import Mirror
from index_service.audit.storage import log_cosignatures, log_head
from index_service.audit.verifying import Verified, verify_log
from index_service.lookups.storage import side_records
from index_service.worker.retention import erase_side_records
from protocol import signature_checks
from protocol.keys import SigningKey
from protocol.log.checkpoints import Checkpoint
from protocol.log.notes import cosign
from protocol.merkle import leaf_hash
from protocol.verification import Fault
from protocol.verifier_keys import read
from tests.index_service.audit.flipping import flipped, make_busy, places
from tests.index_service.audit.logs import Kept
from tests.index_service.audit.originals import Copier
from tests.index_service.partnership import DAY_MS, PARTNERSHIP

SAMPLED = 250


@pytest.fixture
def busy(copier: Copier) -> Iterator[Kept]:
    """A log with every kind of act that agencies sign, a hit, a key change and cosignatures."""
    with copier.copied(make_busy) as (kept, _):
        yield kept


def verified(kept: Kept) -> Verified:
    with kept.index.database.read() as connection:
        return verify_log(connection, read(kept.index.log.verifier_key), PARTNERSHIP)


def whole(kept: Kept) -> bool:
    try:
        verified(kept)
    except Fault:
        return False
    return True


def change(kept: Kept, statement: Any) -> None:
    with kept.index.database.write() as connection:
        connection.execute(statement)


def test_a_whole_log_is_verified(busy: Kept) -> None:
    found = verified(busy)
    assert found.entries == busy.published().size
    assert (found.side_records, found.erased, found.waiting, found.unsigned) == (4, 0, 0, 0)
    assert found.cosignatures == 2  # the witness's latest, and the same in its round
    assert found.tiles == 1


def test_an_empty_log_and_one_never_signed_are_whole(kept: Kept) -> None:
    assert verified(kept).entries == 0
    kept.take_in(300)
    assert verified(kept).waiting == 300
    kept.sequence()
    assert (verified(kept).entries, verified(kept).tiles) == (300, 3)


def test_side_records_erased_by_retention_leave_the_log_whole_and_are_counted(busy: Kept) -> None:
    later = busy.index.clock() + 3 * 366 * DAY_MS
    with busy.index.database.write() as connection:
        assert erase_side_records(connection, busy.index, later).rows == 4
    # Also while the entry that says so has no number yet.
    for _ in range(2):
        found = verified(busy)
        assert (found.side_records, found.erased, found.lost) == (0, 4, 0)
        busy.sequence()


def test_a_side_record_that_somebody_deleted_is_missed(busy: Kept) -> None:
    """Retention says what it erases; whoever deletes one by hand, or all, does not."""
    change(busy, delete(side_records))
    with pytest.raises(Fault, match="its side record is missing, and no entry says"):
        verified(busy)


def test_side_records_that_did_not_come_back_are_counted_as_lost(
    busy: Kept, tmp_path: Path
) -> None:
    (tmp_path / "mirror").mkdir()
    mirror = Mirror(tmp_path / "mirror" / busy.index.log.name, busy.index.log.name)
    busy.index = replace(busy.index, mirror=mirror)
    busy.sequence()
    with busy.index.database.write() as connection:
        connection.execute(delete(side_records))
        connection.execute(delete(signed_documents))
        connection.execute(delete(key_entries))
    busy.restore({table: [] for table in busy.back_up()})
    busy.sequence()
    found = verified(busy)
    assert (found.side_records, found.erased, found.lost) == (0, 0, 4)


def test_cosignatures_are_checked_with_the_keys_declared_in_the_log(busy: Kept) -> None:
    head = busy.published()
    text = Checkpoint(busy.index.log.name, head).text
    line = cosign(text, "police", SigningKey.generate(), 1).line.encode()
    row = {"witness": "police", "size": head.size, "root": head.root, "line": line}
    change(busy, insert(log_cosignatures).values(**row))
    with pytest.raises(Fault, match="cosignature of police: "):
        verified(busy)


def test_without_signatures_the_tree_is_checked_all_the_same(busy: Kept) -> None:
    key = read(busy.index.log.verifier_key)
    with busy.index.database.read() as connection:
        assert verify_log(connection, key, PARTNERSHIP, signatures=False) == verified(busy)
    change(busy, update(intake).where(intake.c.position == 2).values(leaf=bytes(32)))
    with (
        pytest.raises(Fault, match="entry 2"),
        busy.index.database.read() as connection,
    ):
        verify_log(connection, key, PARTNERSHIP, signatures=False)


def test_a_missing_entry_is_named(busy: Kept) -> None:
    change(busy, update(intake).where(intake.c.position == 2).values(position=None))
    with pytest.raises(Fault, match="entry 2: it is missing"):
        verified(busy)


def test_a_last_entry_that_is_missing_is_named(busy: Kept) -> None:
    last = busy.published().size - 1
    change(busy, update(intake).where(intake.c.position == last).values(position=None))
    with pytest.raises(Fault):
        verified(busy)


def test_an_entry_by_a_key_that_nobody_enrolled_is_named(busy: Kept) -> None:
    """Also if leaf hash, tiles and head were made to fit: the statement's signature is checked."""
    with busy.index.database.read() as connection:
        row = next(
            row
            for row in connection.execute(select(intake).order_by(intake.c.position))
            if b"consultation" in row.entry
        )
    key = b'\\"keyid\\":\\"' if b'\\"keyid\\"' in row.entry else b'"keyid":"'
    at = row.entry.index(key) + len(key)
    entry = row.entry[:at] + (b"A" if row.entry[at : at + 1] != b"A" else b"B")
    entry += row.entry[at + 1 :]
    changed = update(intake).where(intake.c.id == row.id)
    change(busy, changed.values(entry=entry, leaf=leaf_hash(entry)))
    with pytest.raises(Fault, match=f"entry {row.position}: it is signed with a key that was not"):
        verified(busy)


def test_another_logs_key_verifies_nothing(busy: Kept) -> None:
    log = replace(busy.index.log, key=SigningKey.generate())
    with pytest.raises(Fault, match="checkpoint"):
        verified(Kept(replace(busy.index, log=log)))


def test_every_changed_byte_is_found(busy: Kept) -> None:
    """A sample of all bytes that mean something; `python -m benchmarks flips` takes every byte."""
    chosen = random.Random(busy.index.database.dialect)
    found = places(busy)
    for _ in range(SAMPLED):
        place = chosen.choice(found)
        at, bit = chosen.randrange(place.end), chosen.randrange(8)
        changed = flipped(place.content, at, bit)
        if place.means_the_same(changed):
            continue
        place.put(busy, changed)
        assert not whole(busy), f"{place.table.name}.{place.column}: bit {bit} of byte {at}"
        place.put(busy, place.content)
    verified(busy)


def test_what_means_the_same_is_only_what_base64_leaves_over(busy: Kept) -> None:
    [note] = [p for p in places(busy) if p.table is log_head and p.column == "note"]
    # The last of its characters, before one of padding and the newline, has two bits left over.
    digits = (string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/").encode()
    last = digits.index(note.content[-3])

    def with_last(digit: int) -> bytes:
        return note.content[:-3] + digits[digit : digit + 1] + note.content[-2:]

    assert note.means_the_same(with_last(last + 1))
    assert not note.means_the_same(with_last((last + 4) % 64))


def test_signatures_are_checked_by_processes_beside(
    busy: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They find the first bad place in the log's order: before whatever is met later, or it."""
    if busy.index.database.dialect == "postgresql":
        return  # what is handed over is the same
    monkeypatch.setattr(signature_checks, "PORTION", 2)
    key = read(busy.index.log.verifier_key)

    def found() -> Verified:
        with busy.index.database.read() as connection:
            return verify_log(connection, key, PARTNERSHIP, checks=checks)

    with signature_checks.running(1) as checks:
        assert found() == verified(busy)
        forged = forge_consultation(busy)
        later = busy.published().size - 1
        assert forged < later
        with pytest.raises(Fault, match=f"entry {forged}: the signed document in it is not good"):
            found()
        change(busy, update(intake).where(intake.c.position == later).values(leaf=bytes(32)))
        with pytest.raises(Fault, match=f"entry {forged}: "):
            found()
        changed = update(intake).where(intake.c.position == forged - 1)
        change(busy, changed.values(leaf=bytes(32)))
        with pytest.raises(Fault, match=f"entry {forged - 1}: its bytes do not have the leaf hash"):
            found()


def forge_consultation(kept: Kept) -> int:
    """Put another signature into the first consultation; return the entry's number."""
    with kept.index.database.read() as connection:
        row = next(
            row
            for row in connection.execute(select(intake).order_by(intake.c.position))
            if b'"kind":"consultation"' in row.entry
        )
    at = row.entry.index(b'"sig":"') + len(b'"sig":"')
    other = b"A" if row.entry[at : at + 1] != b"A" else b"B"
    entry = row.entry[:at] + other + row.entry[at + 1 :]
    changed = update(intake).where(intake.c.id == row.id)
    change(kept, changed.values(entry=entry, leaf=leaf_hash(entry)))
    return int(row.position)
