"""The log only grows: whatever dies, runs twice, goes back in time or is restored."""

import threading
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from foundation.operator import OperatorError
from index_service.audit import head_file, sequencing, storage
from index_service.audit.intake import intake
from index_service.audit.storage import Overtaken, log_cosignatures, log_tiles
from index_service.settings import WorkerSettings
from index_service.worker.doing import do
from index_service.worker.jobs import SEQUENCE, jobs_of
from protocol.log.proofs import EMPTY
from protocol.merkle import leaf_hash
from tests.conftest import FakeClock
from tests.index_service.audit.logs import Kept

DAY_MS = 86_400_000


class Killed(BaseException):
    """The process dies here: nothing catches this."""


def test_an_empty_log_has_a_checkpoint(kept: Kept) -> None:
    kept.sequence()
    kept.check(0)
    assert kept.published() == EMPTY


@pytest.mark.parametrize("counts", [(1,), (3, 1, 5), (255, 1, 1), (256, 300, 44)])
def test_entries_are_numbered_in_the_order_they_came(kept: Kept, counts: tuple[int, ...]) -> None:
    for count in counts:
        kept.take_in(count)
        kept.sequence()
    kept.check(sum(counts))
    with kept.index.database.read() as connection:
        ids = connection.execute(select(intake.c.id).order_by(intake.c.position)).scalars().all()
    assert list(ids) == sorted(ids)


def test_many_batches_make_one_log(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencing, "BATCH", 7)
    kept.take_in(70)
    kept.sequence()
    kept.check(70)
    assert len(kept.signed) == 11


STEPS = [
    (sequencing, "grow"),
    (storage, "advance"),
    (storage, "_swap"),
    (head_file, "raise_to"),
    (head_file, "write_atomically"),
    (sequencing, "sign_checkpoint"),
    (storage, "publish"),
]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("module", "step"), STEPS, ids=[step for _, step in STEPS])
def test_a_sequencer_may_die_at_each_step(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, module: Any, step: str, after: bool
) -> None:
    """The next one finishes its work, with the same bytes."""
    kept.take_in(260)
    kept.sequence()
    kept.take_in(20)
    real = getattr(module, step)

    def dying(*arguments: Any, **named: Any) -> None:
        if after:
            real(*arguments, **named)
        raise Killed

    monkeypatch.setattr(module, step, dying)
    with pytest.raises(Killed):
        kept.sequence()
    monkeypatch.setattr(module, step, real)
    kept.take_in(3)
    kept.sequence()
    kept.check(283)


def test_a_sequencer_may_die_between_its_transactions(kept: Kept) -> None:
    kept.take_in(5)
    while kept.piece().more or kept.waits:
        kept.index.database.close()
        kept.take_in(1) if kept.state.head.size < 7 else None
    with kept.index.database.read() as connection:
        entries = len(connection.execute(select(intake.c.id)).all())
    kept.check(entries)


def test_two_sequencers_at_once_make_one_history(kept: Kept) -> None:
    """Under no lease: the one statement that moves the head decides between them."""
    stopping, faults = threading.Event(), list[BaseException]()

    def sequencer() -> None:
        while not stopping.is_set():
            try:
                kept.piece()
            except Overtaken:
                continue
            except BaseException as error:
                faults.append(error)
                return

    threads = [threading.Thread(target=sequencer) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(40):
        kept.take_in(5)
    stopping.set()
    for thread in threads:
        thread.join()
    assert faults == []
    kept.sequence()
    kept.check(200)


def test_who_stood_still_signs_nothing_new(kept: Kept) -> None:
    """A sequencer that read the head before another moved it changes nothing any more."""
    kept.take_in(4)
    kept.sequence()
    old = kept.state.head
    kept.take_in(4)
    kept.sequence()
    with pytest.raises(Overtaken), kept.index.database.write() as connection:
        storage.publish(connection, old, b"an old checkpoint")
    with pytest.raises(Overtaken), kept.index.database.write() as connection:
        storage.close(connection, old, "as it seemed")
    head_file.raise_to(kept.file, kept.index.log.name, old)
    kept.check(8)


def test_an_entry_that_commits_late_is_numbered_late(kept: Kept) -> None:
    """On PostgreSQL ids can commit out of order; nothing is ever renumbered."""
    if kept.index.database.dialect == "sqlite":
        return  # it has one writer at a time
    with kept.index.database.write() as slow:
        entry = b"a slow one"
        slow.execute(insert(intake).values(entry=entry, leaf=leaf_hash(entry), recorded_at=1))
        kept.take_in(3)
        kept.sequence()
        kept_before = kept.published()
    kept.sequence()
    kept.check(4)
    assert kept_before.size == 3
    with kept.index.database.read() as connection:
        last = select(intake.c.entry).where(intake.c.position == 3)
        assert bytes(connection.execute(last).scalar_one()) == entry


def test_a_clock_set_back_does_not_stop_the_log(kept: Kept, clock: FakeClock) -> None:
    [job] = [job for job in jobs_of(WorkerSettings(), print) if job.name == SEQUENCE]
    kept.take_in(2)
    assert do(job, kept.index, lambda: False) is not None
    clock.advance(-DAY_MS)
    kept.take_in(2)
    outcome = do(job, kept.index, lambda: False)
    assert outcome is not None
    assert outcome.word == "done"
    kept.check(4)


def test_a_restored_backup_is_closed_by_the_head_file(kept: Kept) -> None:
    kept.take_in(5)
    kept.sequence()
    backup = kept.back_up()
    kept.take_in(3)
    kept.sequence()
    kept.restore(backup)
    kept.take_in(9)
    signed = list(kept.signed)
    kept.sequence()
    assert kept.signed == signed, "nothing is signed in a second history"
    assert "restored from a backup" in str(kept.state.closed)
    assert kept.published().size == 5
    kept.take_in(1)
    kept.sequence()
    assert kept.signed == signed


def test_a_restored_backup_without_the_head_file_signs_nothing(kept: Kept) -> None:
    kept.take_in(5)
    kept.sequence()
    backup = kept.back_up()
    kept.take_in(3)
    kept.sequence()
    kept.restore(backup)
    kept.file.unlink()
    signed = list(kept.signed)
    kept.take_in(4)
    with pytest.raises(OperatorError, match="log-head --accept"):
        kept.sequence()
    assert kept.signed == signed


def test_a_person_may_say_that_a_lost_head_file_lost_nothing(kept: Kept) -> None:
    kept.take_in(5)
    kept.sequence()
    kept.file.unlink()
    with kept.index.database.write() as connection:
        assert sequencing.accept_head(connection, kept.index).size == 5
    kept.take_in(1)
    kept.sequence()
    kept.check(7)  # that a person said so is an entry too


def test_entries_that_are_still_there_are_numbered_again_as_they_were(kept: Kept) -> None:
    """A database that lost its last commits, but not the entries: the same head comes of it."""
    kept.take_in(5)
    kept.sequence()
    backup = kept.back_up()
    kept.take_in(3)
    with kept.index.database.read() as connection:
        rows = [dict(row._mapping) for row in connection.execute(select(intake))]
    kept.sequence()
    head = kept.published()
    kept.restore({**backup, "intake": rows})
    kept.take_in(2)
    kept.sequence()
    assert head in kept.signed
    kept.check(10)


def test_a_witness_remembers_what_the_index_forgot(kept: Kept) -> None:
    """Both database and head file are old, but a witness pushed a higher head it had cosigned."""
    kept.take_in(5)
    kept.sequence()
    backup, file = kept.back_up(), kept.file.read_bytes()
    kept.take_in(3)
    kept.sequence()
    lost = kept.published()
    kept.restore(backup)
    kept.file.write_bytes(file)
    with kept.index.database.write() as connection:
        connection.execute(
            insert(log_cosignatures).values(
                witness="police", size=lost.size, root=lost.root, line=b"-"
            )
        )
    kept.take_in(3)
    kept.sequence()
    assert kept.state.closed is not None
    assert kept.published().size == 5


def test_changed_tiles_stop_the_log(kept: Kept) -> None:
    kept.take_in(5)
    kept.sequence()
    with kept.index.database.write() as connection:
        connection.execute(update(log_tiles).values(hashes=bytes(5 * 32)))
    kept.take_in(1)
    signed = list(kept.signed)
    with pytest.raises(OperatorError, match="index-service verify"):
        kept.sequence()
    assert kept.state.closed is None
    assert kept.signed == signed


def test_another_logs_head_file_is_refused(kept: Kept) -> None:
    kept.sequence()
    other = replace(kept.index, log=replace(kept.index.log, name="other.ifi-log"))
    with pytest.raises(OperatorError, match=r"not of other\.ifi-log"):
        Kept(other).sequence()
    kept.file.write_bytes(b"nonsense")
    with pytest.raises(OperatorError, match="not the log's head file"):
        kept.sequence()
