"""The tables of receipts and of how far the log was read, on both databases."""

import pytest

from agency_connector.database import LOCATION
from agency_connector.receipts import storage
from foundation.database import Database, migrate
from protocol import receipts
from protocol.keys import SigningKey
from protocol.log.compact_range import CompactRange
from protocol.merkle import leaf_hash
from schemas.envelopes import Envelope

LOG = "borsetshire.ifi-log"
KEY = SigningKey.from_bytes(b"l" * 32)
HOUR_MS = 3_600_000


@pytest.fixture
def kept(database: Database) -> Database:
    migrate(database, LOCATION)
    return database


def receipt(entry: bytes, at: int = 5) -> Envelope:
    return receipts.issue(entry, LOG, at, at + HOUR_MS, KEY)


def test_a_receipt_is_expected_once(kept: Database) -> None:
    for _ in range(2):
        with kept.write() as connection:
            storage.expect(connection, "lookup", "one", receipt(b"entry"))
    with kept.read() as connection:
        (found,) = storage.unfound(connection, LOG)
        assert storage.counts(connection, LOG) == storage.Counts(
            verified=0, found=0, waiting=1, lost=0
        )
        assert storage.unfound(connection, "another.ifi-log") == ()
    assert (found.leaf, found.reference) == (leaf_hash(b"entry"), "one")
    assert (found.recorded_at, found.deadline) == (5, 5 + HOUR_MS)


def test_a_receipt_goes_from_waiting_to_found_to_verified(kept: Database) -> None:
    leaf = leaf_hash(b"entry")
    with kept.write() as connection:
        storage.expect(connection, "lookup", "one", receipt(b"entry"))
        storage.place(connection, {leaf: 7})
    with kept.write() as connection:
        assert storage.counts(connection, LOG) == storage.Counts(
            verified=0, found=1, waiting=0, lost=0
        )
        assert storage.unfound(connection, LOG) == ()
        assert storage.unproved(connection, LOG, 7) == ()
        (found,) = storage.unproved(connection, LOG, 8)
        storage.verified(connection, [found.leaf], 99)
    with kept.read() as connection:
        assert storage.counts(connection, LOG) == storage.Counts(
            verified=1, found=0, waiting=0, lost=0
        )
        assert storage.unproved(connection, LOG, 8) == ()
        assert storage.unverified(connection, LOG) == ()


def test_receipts_are_given_in_the_order_of_the_log(
    kept: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "PAGE", 2)
    order = [5, 0, 3, 4, 1]
    with kept.write() as connection:
        for number in order:
            entry = bytes([number])
            storage.expect(connection, "lookup", str(number), receipt(entry))
            storage.place(connection, {leaf_hash(entry): number})
    with kept.read() as connection:
        assert [one.position for one in storage.placed(connection, LOG)] == sorted(order)


def read_to(size: int) -> CompactRange:
    tree = CompactRange()
    tree.extend(leaf_hash(str(number).encode()) for number in range(size))
    return tree


def test_marks_are_about_an_hour_apart_and_the_newest_moves_on(kept: Database) -> None:
    for minutes, size in ((0, 3), (20, 5), (40, 7), (70, 9), (80, 11), (80, 11), (81, 10)):
        with kept.write() as connection:
            storage.mark(connection, LOG, read_to(size), minutes * 60_000)
    with kept.read() as connection:
        assert storage.heads_after(connection, LOG, 0) == {
            size: read_to(size).head() for size in (3, 9, 11)
        }
        last = storage.last_read(connection, LOG)
        assert last == storage.Mark(read_to(11).head(), 80 * 60_000)


def test_reading_goes_on_from_before_a_time(kept: Database) -> None:
    """What was recorded after that time has a greater number than what was read by then."""
    with kept.write() as connection:
        storage.mark(connection, LOG, read_to(3), HOUR_MS)
        storage.mark(connection, LOG, read_to(9), 3 * HOUR_MS)
    with kept.read() as connection:
        sizes = [
            storage.mark_before(connection, LOG, time).size
            for time in (HOUR_MS - 1, HOUR_MS, 3 * HOUR_MS - 1, 3 * HOUR_MS)
        ]
    assert sizes == [0, 3, 3, 9]


def test_receipts_go_on_in_a_successor_and_those_that_are_lost_stay(kept: Database) -> None:
    """Found ones are due anew, ones not due yet keep their deadline, the rest is counted lost."""
    found, waiting, lost = (leaf_hash(name) for name in (b"found", b"waiting", b"lost"))
    with kept.write() as connection:
        for name in (b"found", b"waiting", b"lost"):
            storage.expect(connection, "lookup", name.decode(), receipt(name))
        storage.place(connection, {found: 7, lost: 8})
        storage.verified(connection, [found, lost], 99)
        storage.alarmed(connection, [found], 99)
        assert storage.leaves_of(connection, LOG) == {found, waiting, lost}
    now = 2 * HOUR_MS
    with kept.write() as connection:
        storage.follow_in(connection, "second", {found: 3}, [waiting], now)
    with kept.read() as connection:
        after = {receipt.leaf: receipt for receipt in storage.all_of(connection, "second")}
        assert storage.counts(connection, "second") == storage.Counts(
            verified=0, found=1, waiting=1, lost=1
        )
        assert [receipt.leaf for receipt in storage.lost(connection, "second")] == [lost]
        assert storage.find(connection, lost).verified_at == 99  # type: ignore[union-attr]  # there
    moved = after[found]
    assert (moved.position, moved.verified_at, moved.alarmed_at, moved.deadline) == (
        3, None, None, now,
    )  # fmt: skip
    assert (after[waiting].position, after[waiting].deadline) == (None, 5 + HOUR_MS)
