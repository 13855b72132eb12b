"""The program that ships: several `index-service worker` at once, killed, stopped and reloaded."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import requests

from foundation.clock import now_ms
from foundation.database import Database
from index_service.agencies import storage
from tests.index_service.worker.standing import erasures, expected, left, stand

PROGRAM = Path(sys.executable).parent / "index-service"
PATIENCE_S = 60
FLAGS = 8_000


class Workers:
    """Workers of one index, each a process of its own with its log in a file."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, watch: str = "off", **environment: str) -> subprocess.Popen[bytes]:
        """Start one more."""
        with self.log(len(self._started)).open("wb") as log:
            worker = subprocess.Popen(
                [PROGRAM, "worker", "--home", self.home, "--watch", watch],
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
            )
        self._started.append(worker)
        return worker

    def log(self, number: int = 0) -> Path:
        """Where the worker that was started as `number`, from 0, writes."""
        return self.home / f"log-{number}"

    def said(self, words: str, number: int = 0) -> bool:
        """Whether that worker has said this."""
        return words in self.log(number).read_text()

    def count(self, words: str) -> int:
        """How often the first worker has said this."""
        return self.log().read_text().count(words)

    def more(self, words: str, before: int) -> bool:
        """Whether the first worker has said this more often than before."""
        return self.count(words) > before

    def end(self) -> None:
        """Kill whatever still runs."""
        for worker in self._started:
            worker.kill()
            worker.wait()


@pytest.fixture
def workers(tmp_path: Path, database_url: str) -> Iterator[Workers]:
    """Workers, none yet, of an index that looks for ended flags each second."""
    home = tmp_path / "index"
    typed = ["init", "--home", str(home), "--seal", "unsealed"]
    typed += ["--partnership", "borsetshire", "--database"]
    people = ["--organisation", "Trust", "--accountable-officer", "A", "--data-protection-contact"]
    subprocess.run([PROGRAM, *typed, database_url, *people, "B"], check=True, capture_output=True)
    change(home, lease_seconds=2, flag_ends_seconds=1)
    made = Workers(home)
    yield made
    made.end()


def change(home: Path, **settings: int) -> None:
    """Replace the worker's settings in index.toml."""
    path = home / "index.toml"
    told = path.read_text().partition("\n[worker]")[0]
    lines = (f"{name} = {value}" for name, value in settings.items())
    path.write_text("\n".join([told, "[worker]", *lines, ""]))


def wait_until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def recorded(database: Database) -> int:
    return sum(count for some in erasures(database).values() for count, _ in some)


def member(database: Database, agency: str) -> None:
    with database.write() as connection:
        storage.add(connection, agency, agency.title(), "member", now_ms())


def test_workers_killed_in_the_middle_of_a_job_leave_nothing_undone_or_done_twice(
    workers: Workers, database: Database
) -> None:
    member(database, "police")
    handles = stand(database, "police", FLAGS, now_ms())
    first, second = workers.start(), workers.start()
    wait_until(lambda: recorded(database) > 0, "no worker began")
    first.kill()
    assert recorded(database) < FLAGS
    seen = recorded(database)
    wait_until(lambda: recorded(database) > seen, "the other one did not go on")
    second.kill()
    assert recorded(database) < FLAGS
    workers.start()
    wait_until(lambda: left(database) == (0, 0), "the third one did not finish")
    assert erasures(database) == expected({"police": handles})


def test_a_stopped_worker_finishes_its_piece_and_ends_with_0(
    workers: Workers, database: Database
) -> None:
    member(database, "police")
    handles = stand(database, "police", FLAGS, now_ms())
    worker = workers.start()
    wait_until(lambda: recorded(database) > 0, "it did not begin")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(PATIENCE_S) == 0
    done = recorded(database)
    assert (FLAGS - done, (FLAGS - done) * 2) == left(database)
    full = expected({"police": handles})["police"]
    assert erasures(database)["police"] == full[: done // 1000]
    assert workers.said('"event": "worker.stopped"')


def test_a_reloaded_worker_goes_by_the_new_settings(workers: Workers, database: Database) -> None:
    member(database, "police")
    change(workers.home, flag_ends_seconds=3600)
    worker = workers.start()
    wait_until(lambda: workers.said("worker.started"), "it did not start")
    change(workers.home, flag_ends_seconds="often")  # type: ignore[arg-type]  # wrong on purpose
    worker.send_signal(signal.SIGHUP)
    wait_until(lambda: workers.said("error: not reloaded: "), "it took up what is no number")
    change(workers.home, flag_ends_seconds=1)
    worker.send_signal(signal.SIGHUP)
    wait_until(lambda: workers.said("worker.reloaded"), "it did not reload")
    for _ in range(12):  # a signal that comes just as it begins to wait is not missed
        before = workers.count("worker.reloaded")
        worker.send_signal(signal.SIGHUP)
        wait_until(partial(workers.more, "worker.reloaded", before), "it missed a signal")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(PATIENCE_S) == 0


def test_a_worker_can_be_watched(workers: Workers, database: Database) -> None:
    member(database, "police")
    stand(database, "police", 5, now_ms())
    workers.start("127.0.0.1:0")
    wait_until(lambda: left(database) == (0, 0), "it did not begin")
    wait_until(lambda: workers.said("Watch it at http"), "it does not say where")
    address = workers.log().read_text().partition("Watch it at ")[2].split(".\n")[0]
    assert requests.get(f"{address}/healthz", timeout=PATIENCE_S).text == "alive\n"
    assert requests.get(f"{address}/readyz", timeout=PATIENCE_S).text == "ready\n"
    wait_until(
        lambda: (
            'ifi_job_rows_total{job="end-flags"} 5.0'
            in requests.get(f"{address}/metrics", timeout=PATIENCE_S).text
        ),
        "the rows are not counted",
    )
