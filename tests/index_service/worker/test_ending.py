"""Flags that have ended leave the index, each once, and the log says so per agency."""

import pytest
from sqlalchemy import Connection

from index_service.installation import Installation
from index_service.worker import leases
from index_service.worker.doing import Done, Job, do
from index_service.worker.ending import end_flags
from schemas import operations
from tests.conftest import FakeClock
from tests.index_service.partnership import DAY_MS, Partnership
from tests.index_service.publishing import batch, flag, publish
from tests.index_service.worker.standing import erasures, expected, left, stand

JOB = Job("end-flags", 60, end_flags)


def never() -> bool:
    return False


def test_ended_flags_go_with_their_tokens_and_one_entry_per_batch(partnership: Partnership) -> None:
    partnership.member("health", partnership.member("police"))
    index = partnership.index
    now = index.clock()
    gone = {
        "police": stand(index.database, "police", 1001, now),
        "health": stand(index.database, "health", 3, now - 1),
    }
    stand(index.database, "police", 2, now + 1, first=5000)
    outcome = do(JOB, index, never)
    assert outcome is not None
    assert (outcome.word, outcome.rows) == ("done", 1004)
    assert left(index.database) == (2, 4)
    assert erasures(index.database) == expected(gone)


def test_two_epochs_of_an_agency_are_two_entries(partnership: Partnership) -> None:
    partnership.member("police")
    index = partnership.index
    for epoch in (1, 2):
        stand(index.database, "police", 2, index.clock(), epoch=epoch)
    do(JOB, index, never)
    assert [count for count, _ in erasures(index.database)["police"]] == [2, 2]


def test_a_flag_that_ended_can_be_published_again(
    partnership: Partnership, clock: FakeClock
) -> None:
    police = partnership.member("police")
    police.open_epoch()
    again = flag(police, handle=b"the same handle!", ends_at=clock() + DAY_MS)
    publish(police, again)
    clock.advance(DAY_MS)
    do(JOB, partnership.index, never)
    assert left(partnership.index.database) == (0, 0)
    moved_on = flag(police, handle=b"the same handle!", ends_at=clock() + DAY_MS)
    sent = police.call(operations.PUBLISH, batch(police, moved_on, sequence=2))
    assert sent.status == 200
    assert left(partnership.index.database) == (1, 16)


def test_a_job_that_is_not_due_is_not_done(partnership: Partnership, clock: FakeClock) -> None:
    assert do(JOB, partnership.index, never) is not None
    clock.advance(59_999)
    assert do(JOB, partnership.index, never) is None
    clock.advance(1)
    assert do(JOB, partnership.index, never) is not None


def test_a_stop_finishes_the_piece_at_hand_and_leaves_the_rest_to_the_next(
    partnership: Partnership,
) -> None:
    partnership.member("police")
    index = partnership.index
    handles = stand(index.database, "police", 2500, index.clock())
    asked = iter([False, True])
    stopped = do(JOB, index, lambda: next(asked))
    assert stopped is not None
    assert (stopped.word, stopped.rows) == ("stopped", 1000)
    finished = do(JOB, index, never)
    assert finished is not None
    assert finished.rows == 1500
    assert erasures(index.database) == expected({"police": handles})


def test_a_piece_of_a_copy_that_stood_still_too_long_is_undone(
    partnership: Partnership, clock: FakeClock
) -> None:
    """The fence: a copy wakes up in the middle of its job and finds that another has it."""
    partnership.member("police")
    index = partnership.index
    handles = stand(index.database, "police", 1500, index.clock())
    pieces = 0

    def slow(connection: Connection, index: Installation, now: int) -> Done:
        nonlocal pieces
        pieces += 1
        return end_flags(connection, index, now)

    def stood_still() -> bool:
        if pieces == 1:
            clock.advance(index.settings.worker.lease_seconds * 1000)
            with index.database.write() as connection:
                assert leases.take(connection, JOB.name, clock(), 60_000) is not None
        return False

    outcome = do(Job(JOB.name, 60, slow), index, stood_still)
    assert outcome is not None
    assert (outcome.word, outcome.rows, pieces) == ("lost", 1000, 1)
    assert erasures(index.database) == {"police": expected({"police": handles})["police"][:1]}


def test_what_fails_is_undone_logged_without_its_message_and_tried_again(
    partnership: Partnership, capsys: pytest.CaptureFixture[str]
) -> None:
    partnership.member("police")
    index = partnership.index
    stand(index.database, "police", 3, index.clock())

    def broken(connection: Connection, index: Installation, now: int) -> Done:
        end_flags(connection, index, now)
        raise ValueError("Aoife")

    outcome = do(Job(JOB.name, 60, broken), index, never)
    assert outcome is not None
    assert outcome.word == "failed"
    assert left(index.database) == (3, 6)
    assert erasures(index.database) == {}
    said = capsys.readouterr().err
    assert '"job": "end-flags"' in said
    assert "Aoife" not in said
    again = do(JOB, index, never)
    assert again is not None
    assert again.rows == 3
