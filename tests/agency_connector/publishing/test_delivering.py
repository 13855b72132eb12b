"""Batches arrive once in effect: cut off anywhere, sent twice, refused, or behind a backup."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import requests
from sqlalchemy import func, select

from agency_connector.publishing import lease, outbox, storage
from agency_connector.publishing.sync import sync
from agency_connector.transport import SignedClient
from foundation.operator import OperatorError
from index_service.agencies import desks
from index_service.agencies import storage as agencies
from index_service.audit.intake import intake
from index_service.flags import storage as flags
from protocol import documents, receipts
from protocol.keys import SigningKey
from schemas.flags import FlagBatch, PublicationStatement
from tests.agency_connector.publishing.borsetshire import Borsetshire, person
from tests.conftest import FakeClock


class Killed(BaseException):
    """The process ends here."""


def entries(town: Borsetshire) -> int:
    with town.partnership.index.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(intake)).scalar_one())


def kill_before(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
    def die(*_: Any, **__: Any) -> None:
        raise Killed

    monkeypatch.setattr(owner, name, die)


def kill_after(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
    real = getattr(owner, name)

    def die(*arguments: Any, **named: Any) -> None:
        real(*arguments, **named)
        raise Killed

    monkeypatch.setattr(owner, name, die)


@pytest.mark.parametrize(
    ("kill", "owner", "name"),
    [
        (kill_before, storage, "enqueue"),
        (kill_after, storage, "enqueue"),
        (kill_before, storage, "put"),
        (kill_after, storage, "put"),
        (kill_before, outbox.Outbox, "deliver"),
        (kill_before, SignedClient, "call"),
        (kill_after, SignedClient, "call"),
        (kill_before, storage, "delivered"),
        (kill_after, storage, "delivered"),
        (kill_before, storage, "keep_mark"),
        (kill_before, lease.Lease, "write"),
    ],
)
def test_a_sync_that_is_killed_anywhere_is_finished_by_the_next(
    town: Borsetshire,
    monkeypatch: pytest.MonkeyPatch,
    kill: Callable[[pytest.MonkeyPatch, Any, str], None],
    owner: Any,
    name: str,
) -> None:
    """Nothing is lost and nothing doubled: neither flags nor entries of the log."""
    town.write(*(person(n) for n in range(3)))
    town.sync()
    town.write(person(0), person(1, Opened="1/1/2026"), person(3))
    with monkeypatch.context() as patch:
        kill(patch, owner, name)
        with pytest.raises(Killed):
            town.sync()
    report = town.sync()
    assert report.troubles == []
    assert (report.waiting, report.marked) == (0, True)
    assert len(town.flags()) == 3
    assert town.token_rows() == 3 * 16
    assert sorted(town.publications()) == ["alteration", "collection", "collection", "erasure"]
    assert town.sync().difference.unchanged == 3


def test_a_batch_whose_answer_was_lost_is_sent_again_byte_for_byte(
    town: Borsetshire, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.write(person(1))

    def lose(request: requests.PreparedRequest) -> None:
        if request.path_url == "/v1/flags/batches":
            raise requests.ConnectionError

    monkeypatch.setattr(town.index, "after", lose)
    report = town.sync()
    assert report.waiting == 1
    assert len(town.flags()) == 1
    monkeypatch.undo()
    report = town.sync()
    assert (report.delivered, report.waiting, report.troubles) == (1, 0, [])
    assert len(set(town.sent())) == 1
    assert town.publications() == ["collection"]


def test_with_the_index_down_the_outbox_keeps_everything_and_says_so_once(
    town: Borsetshire, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.write(person(1))

    def down(_: Any) -> None:
        raise requests.ConnectionError

    monkeypatch.setattr(town.index, "before", down)
    report = town.sync()
    assert (report.waiting, report.marked, len(report.troubles)) == (1, False, 1)
    assert "the index at http://127.0.0.1:8001 cannot be reached" in report.troubles[0]
    town.write(person(1), person(2))
    assert town.sync().waiting == 2
    monkeypatch.undo()
    report = town.sync()
    assert (report.delivered, report.waiting, report.troubles) == (2, 0, [])
    assert len(town.flags()) == 2


def test_a_withdrawal_that_waits_and_is_taken_back_at_source_leaves_the_flag(
    town: Borsetshire, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.write(person(1), person(2))
    town.sync()
    flags = town.flags()

    def down(_: Any) -> None:
        raise requests.ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(town.index, "before", down)
        town.write(person(1))
        town.sync()
        town.write(person(1), person(2))
        town.sync()
    assert town.sync().troubles == []
    assert town.flags() == flags


def test_two_syncs_at_once_are_one(town: Borsetshire, monkeypatch: pytest.MonkeyPatch) -> None:
    town.write(person(1))
    said: list[str] = []

    def second(_: Any) -> None:
        with pytest.raises(OperatorError) as refused:
            sync(town.connector)
        said.append(str(refused.value))

    monkeypatch.setattr(town.evaluation, "before", second)
    assert town.sync().troubles == []
    assert len(said) == 1
    assert "another sync has been running since" in said[0]
    assert len(town.flags()) == 1


def test_the_place_of_a_sync_that_was_killed_falls_free(
    town: Borsetshire, clock: FakeClock
) -> None:
    town.write(person(1))
    gone = lease.Lease(town.connector.database, clock)
    with town.connector.database.write() as connection:
        connection.execute(
            storage.sync_lease.insert().values(
                singleton=1, run=gone.run, taken_at=clock(), expires_at=clock() + lease.LEASE_MS
            )
        )
    with pytest.raises(OperatorError, match="its place is free at"):
        town.sync()
    clock.advance(lease.LEASE_MS)
    assert town.sync().troubles == []


def test_a_sync_that_lost_its_place_writes_nothing_more(
    town: Borsetshire, clock: FakeClock
) -> None:
    with lease.held(town.connector.database, clock) as first:
        clock.advance(lease.LEASE_MS)
        with (
            lease.held(town.connector.database, clock),
            pytest.raises(OperatorError, match="another one took its place"),
            first.write(),
        ):
            pytest.fail("a write was allowed")


def test_after_an_older_backup_of_the_connector_everything_is_published_anew(
    town: Borsetshire,
) -> None:
    """The restored database knows an older sequence; the index refuses it and says its own."""
    town.write(person(1), person(2), person(3))
    town.sync()
    with town.connector.database.read() as connection:
        sequence = storage.last_sequence(connection)
        published = connection.execute(select(storage.published)).mappings().all()
    town.write(person(1), person(2, Opened="1/1/2026"), person(4))
    town.sync()
    after = town.flags()
    with town.connector.database.write() as connection:
        connection.execute(storage.published.delete())  # as the backup has it
        connection.execute(storage.published.insert(), [dict(row) for row in published])
        connection.execute(storage.outbox.delete().where(storage.outbox.c.sequence > sequence))
        storage.set_sequence(connection, sequence)
    report = town.sync()
    assert report.troubles == []
    assert "must be an older backup" in report.notices[0]
    assert town.flags() == after
    assert report.marked
    assert town.sync().notices == []


def test_flags_that_a_restored_index_lost_are_told_and_come_back(town: Borsetshire) -> None:
    town.write(person(1), person(2))
    town.sync()
    before = town.flags()
    with town.partnership.index.database.write() as connection:
        stored = flags.by_handle(connection, "council", 1, list(before)[:1])
        flags.remove(connection, tuple(stored.values()))
    report = town.sync()
    assert (
        "the index holds 1 flag of ours in epoch 1 and this connector published 2"
        in (report.troubles[0])
    )
    assert town.sync(everything=True).troubles == []
    assert town.flags() == before


def test_a_batch_that_the_index_will_not_take_is_put_back_and_the_rest_goes_on(
    town: Borsetshire,
) -> None:
    town.write(person(1))
    with town.partnership.index.database.write() as connection:
        row = desks.find(connection, "council", "front-desk")
        assert row is not None
        withdrawn = msgspec.structs.replace(row.document, withdrawn=True)
        desks.put(connection, desks.DeskRow(withdrawn, row.envelope))
    report = town.sync()
    assert (report.waiting, report.marked) == (0, False)
    assert "desk" in report.troubles[0]
    assert "(1 flag was put back and comes with the next sync)" in report.troubles[0]
    with town.partnership.index.database.write() as connection:
        desks.put(connection, row)
    report = town.sync()
    assert (report.difference.new, report.troubles) == (1, [])
    assert len(town.flags()) == 1


def test_a_suspended_agency_keeps_its_batches(town: Borsetshire) -> None:
    town.write(person(1))
    with town.partnership.index.database.write() as connection:
        agencies.set_status(connection, "council", "suspended")
    report = town.sync()
    assert (report.waiting, len(report.troubles)) == (1, 1)
    with town.partnership.index.database.write() as connection:
        agencies.set_status(connection, "council", "active")
    assert town.sync().troubles == []
    assert len(town.flags()) == 1


def test_a_batch_without_a_right_receipt_counts_as_undelivered(
    town: Borsetshire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The receipt must be the pinned log's, for an entry that holds our own statement."""
    town.write(person(1))
    real = receipts.issue
    other = SigningKey.generate()
    with monkeypatch.context() as patch:
        patch.setattr(
            "index_service.audit.intake.receipts.issue",
            lambda entry, log, at, deadline, _: real(entry, log, at, deadline, other),
        )
        report = town.sync()
    assert report.waiting == 1
    assert "does not show that it was recorded" in report.troubles[0]


def test_receipts_are_kept(town: Borsetshire) -> None:
    town.write(person(1))
    town.sync()
    with town.connector.database.read() as connection:
        [(entry, receipt)] = storage.receipts(connection)
    assert b'"kind":"collection"' in entry
    assert b"receipt.v1+json" in receipt


def test_the_outbox_is_delivered_in_order_and_holds_at_most_a_thousand_flags_a_batch(
    town: Borsetshire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agency_connector.publishing.difference.MAX_BATCH_ITEMS", 4)
    town.write(*(person(n) for n in range(10)))
    assert town.sync().delivered == 3
    town.write(*(person(n) for n in range(6)), person(11))
    town.sync()
    told = [
        documents.claimed(msgspec.json.decode(body, type=FlagBatch).statement, PublicationStatement)
        for body in town.sent()
    ]
    assert [one.sequence for one in told] == [1, 2, 3, 4, 5]
    assert [one.count for one in told] == [4, 4, 2, 1, 4]
    assert [one.kind for one in told] == ["collection"] * 4 + ["erasure"]
