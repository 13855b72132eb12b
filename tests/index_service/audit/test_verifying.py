"""`index-service verify` finds whatever was changed, and names the first bad place."""

import random
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from index_service.agencies.documents import signed_documents
from index_service.app import create_app
from index_service.audit.intake import intake
from index_service.audit.mirror import Mirror
from index_service.audit.storage import log_cosignatures, log_head, log_tiles
from index_service.audit.verifying import Verified, verify_log
from index_service.lookups.storage import side_records
from index_service.worker.retention import erase_side_records
from protocol.encoding import b64u_encode
from protocol.keys import SigningKey
from protocol.log.checkpoints import Checkpoint
from protocol.log.notes import cosign
from protocol.merkle import leaf_hash
from protocol.verification import Fault
from protocol.verifier_keys import read
from schemas import operations
from schemas.agencies import KeyChange
from tests.index_service.audit.logs import Kept
from tests.index_service.partnership import DAY_MS, PARTNERSHIP, Partnership
from tests.index_service.publishing import flag, look_up, publish

SAMPLED = 250


@pytest.fixture
def busy(kept: Kept) -> Kept:
    """A log with every kind of act that agencies sign, a hit and a key change among them."""
    partnership = Partnership(kept.index, create_app(kept.index).test_client())
    police = partnership.member("police")
    council = partnership.member("council", introducer=police)
    assert police.open_epoch(1).status == 200
    partnership.agree(police, council)
    token = secrets.token_bytes(16)
    publish(council, flag(council, token))
    for _ in range(3):
        assert look_up(police, token).status == 200
    old, new = police.key, SigningKey.generate()
    told = KeyChange(
        partnership=PARTNERSHIP,
        agency="police",
        old_key=old.key_id,
        keys=type(police.keys)(signing=b64u_encode(new.public), sealing=police.keys.sealing),
        signed_at=kept.index.clock(),
    )
    assert police.lay(operations.CHANGE_KEYS, told).status == 200
    police.key = new
    assert look_up(police, token).status == 200
    kept.sequence()
    return kept


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
    """A sample of all bytes that mean something; a withheld result's padding does not."""
    places = []
    with busy.index.database.read() as connection:
        for table, columns in (
            (intake, ("entry", "leaf")),
            (log_tiles, ("hashes",)),
            (log_head, ("root", "note")),
            (side_records, ("sets", "answer", "withheld", "withheld_salt")),
        ):
            for row in connection.execute(select(table)):
                these = [column == row._mapping[column.name] for column in table.primary_key]
                for name in columns:
                    content = bytes(row._mapping[name])
                    end = 4 + int.from_bytes(content[:4], "big") if name == "withheld" else None
                    places.append((table, these, name, content, end or len(content)))
    chosen = random.Random(busy.index.database.dialect)
    for _ in range(SAMPLED):
        table, these, name, content, end = chosen.choice(places)
        at, bit = chosen.randrange(end), 1 << chosen.randrange(8)
        flipped = content[:at] + bytes([content[at] ^ bit]) + content[at + 1 :]
        change(busy, update(table).where(*these).values({name: flipped}))
        assert not whole(busy), f"{table.name}.{name}: bit {bit} of byte {at} of {content!r}"
        change(busy, update(table).where(*these).values({name: content}))
    verified(busy)
