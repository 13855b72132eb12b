"""A new entry has its checkpoint within two seconds: by the schedule, and in the real program."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from index_service.audit import sequencing, storage
from index_service.cli import main
from index_service.installation import Installation
from index_service.settings import WorkerSettings
from index_service.worker.doing import do
from index_service.worker.jobs import SEQUENCE, jobs_of
from index_service.worker.scheduling import asked_every_s
from tests.conftest import FakeClock
from tests.index_service.audit.logs import Kept
from tests.index_service.audit.test_killing import take_in

PROGRAM = Path(sys.executable).parent / "index-service"
PATIENCE_S = 60
PROMISED_S = 2.0


def test_the_sequencer_is_asked_for_twice_within_two_seconds() -> None:
    """An entry waits until the job is due and asked for; the rest is for the work itself."""
    [job] = [job for job in jobs_of(WorkerSettings(), print) if job.name == SEQUENCE]
    assert job.every_s + asked_every_s(job) <= 0.75 * PROMISED_S


def test_one_turn_numbers_signs_and_publishes_whatever_there_is(
    kept: Kept, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many entries came: nothing is left for the next turn, a second later."""
    monkeypatch.setattr(sequencing, "BATCH", 5)
    [job] = [job for job in jobs_of(WorkerSettings(), print) if job.name == SEQUENCE]
    for count in (1, 5, 23):
        kept.take_in(count)
        outcome = do(job, kept.index, lambda: False)
        assert outcome is not None
        assert outcome.word == "done"
        assert kept.published() == kept.state.head
        clock.advance(1_000 * job.every_s)
    kept.check(29)


def test_a_turn_ends_though_entries_keep_coming(kept: Kept) -> None:
    """Otherwise a busy index would have its heads signed one after the other without a pause."""
    kept.sequence()
    [job] = [job for job in jobs_of(WorkerSettings(), print) if job.name == SEQUENCE]
    signed = len(kept.signed)

    def one_more_comes() -> bool:
        kept.take_in(1)
        return len(kept.signed) > signed + 5

    outcome = do(job, kept.index, one_more_comes)
    assert outcome is not None
    assert (outcome.word, len(kept.signed)) == ("done", signed + 1)


def test_the_worker_that_ships_signs_what_comes_in(tmp_path: Path) -> None:
    """With a generous limit: how fast it is on a quiet machine, `make bench` tells."""
    home = tmp_path / "index"
    typed = ["init", "--home", str(home), "--seal", "unsealed", "--partnership", "borsetshire"]
    people = ["--organisation", "Trust", "--accountable-officer", "A", "--data-protection-contact"]
    done = CliRunner().invoke(main, [*typed, *people, "B"])
    assert done.exit_code == 0, done.output
    index = Installation.open(home)
    with (tmp_path / "log").open("wb") as log:
        command = [PROGRAM, "worker", "--home", home, "--watch", "off"]
        worker = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        for size in (1, 4, 5):
            wait_for(index, size)
            take_in(index, 3 if size == 1 else 1)
        wait_for(index, 6)
    finally:
        worker.terminate()
        assert worker.wait(PATIENCE_S) == 0
        index.database.close()


def wait_for(index: Installation, size: int) -> None:
    """Wait until a checkpoint covers `size` entries."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with index.database.read() as connection:
            head = sequencing.published_head(storage.state(connection))
        if head is not None and head.size == size:
            return
        assert time.monotonic() < deadline, f"no checkpoint covers {size} entries"
        time.sleep(0.02)
