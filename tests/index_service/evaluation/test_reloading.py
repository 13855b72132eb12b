"""A running evaluator takes up new keys and settings on SIGHUP, and drops no request for it."""

import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

PROGRAM = Path(sys.executable).parent / "index-service"
PATIENCE_S = 60


class Running:
    """An evaluator in a process of its own, with two workers."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.log = home.parent / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "evaluator", "run", "--home", home, "--bind", "127.0.0.1:0"],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert found is not None, (said, self.log.read_text())
        self.address = found[0]

    def epochs(self, session: requests.Session | None = None) -> list[int]:
        """The epochs it says it has, asked over a new connection or an open one."""
        answer = (session or requests).get(f"{self.address}/v1/identity", timeout=PATIENCE_S)
        assert answer.status_code == 200, answer.text
        return [epoch["epoch"] for epoch in answer.json()["epochs"]]

    def figures(self) -> str:
        """Its metrics, from the watch address that its log names."""
        [started] = [
            line for line in map(json.loads, self.log.read_text().splitlines())
            if line["event"] == "serving.started"
        ]  # fmt: skip
        address = f"http://127.0.0.1:{started['watch_port']}/metrics"
        return requests.get(address, timeout=PATIENCE_S).text

    def reload(self) -> None:
        """Ask it to reload."""
        self.process.send_signal(signal.SIGHUP)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An evaluator's home with epoch 1, of which each test runs a copy."""
    made = tmp_path_factory.mktemp("original") / "evaluator"
    typed(made, "init", "--partnership", "northgate", "--seal", "unsealed")
    typed(made, "epoch", "open", "1")
    return made


@pytest.fixture
def running(home: Path, tmp_path: Path) -> Iterator[Running]:
    made = Running(shutil.copytree(home, tmp_path / "evaluator"))
    try:
        yield made
    finally:
        made.process.send_signal(signal.SIGTERM)
        assert made.process.wait(PATIENCE_S) == 0
        assert made.process.stdout is not None
        made.process.stdout.close()


def typed(home: Path, *words: str) -> None:
    subprocess.run([PROGRAM, "evaluator", *words, "--home", home], check=True, capture_output=True)


def wait_until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def test_a_new_epoch_is_served_after_a_reload_and_no_request_is_dropped(running: Running) -> None:
    enough = threading.Event()
    answered = itertools.count()
    dropped: list[BaseException] = []

    def ask(session: requests.Session | None) -> None:
        try:
            while not enough.is_set():
                assert running.epochs(session) in ([1], [1, 2])
                next(answered)
        except BaseException as error:
            dropped.append(error)

    with requests.Session() as kept_alive:
        askers = [threading.Thread(target=ask, args=(how,)) for how in (None, None, kept_alive)]
        for asker in askers:
            asker.start()
        typed(running.home, "epoch", "open", "2")
        running.reload()
        wait_until(lambda: running.epochs() == [1, 2], "the new key was not taken up")
        # The old workers finish while the new ones answer: ask until only those are left.
        wait_until(
            lambda: all(running.epochs() == [1, 2] for _ in range(20)), "an old worker stays"
        )
        enough.set()
        for asker in askers:
            asker.join()
    assert dropped == []
    assert next(answered) > 0


def test_figures_are_those_of_all_workers_also_of_those_that_were_replaced(
    running: Running,
) -> None:
    def counted() -> int:
        found = re.search(
            r'ifi_requests_total\{operation="evaluator-identity",status="2xx"\} (\d+)',
            running.figures(),
        )
        return int(found[1]) if found else 0

    for _ in range(20):
        running.epochs()
    assert counted() == 20
    typed(running.home, "epoch", "open", "2")
    running.reload()
    asked = itertools.count(21)
    last = 20

    def taken_up() -> bool:
        nonlocal last
        last = next(asked)
        return running.epochs() == [1, 2]

    wait_until(taken_up, "the new key was not taken up")
    assert counted() == last


def test_a_reload_that_could_not_succeed_is_refused_and_the_evaluator_goes_on(
    running: Running,
) -> None:
    running.epochs()  # the first workers have read their settings
    settings = running.home / "evaluator.toml"
    settings.write_text(settings.read_text().replace("[serve]", "[serve]\nthread = 8"))
    running.reload()
    wait_until(lambda: "error: not reloaded: " in running.log.read_text(), "nothing was said")
    assert "serve.thread: there is no such key: did you mean threads?" in running.log.read_text()
    assert running.epochs() == [1]


def test_it_is_ready_only_with_a_key_to_evaluate_with(running: Running) -> None:
    assert requests.get(f"{running.address}/readyz", timeout=PATIENCE_S).status_code == 200
    typed(running.home, "epoch", "close", "1", "--yes")
    running.reload()

    def ready() -> requests.Response:
        return requests.get(f"{running.address}/readyz", timeout=PATIENCE_S)

    wait_until(lambda: ready().status_code == 503, "it says it is ready")
    assert requests.get(f"{running.address}/healthz", timeout=PATIENCE_S).status_code == 200
