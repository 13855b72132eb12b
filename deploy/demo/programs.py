"""Runs the real programs: commands that end, and services that stay until they are stopped."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

from foundation.operator import OperatorError, one_line

Program: TypeAlias = Literal["index-service", "agency-connector"]

_ADDRESS: Final = re.compile(r"http://127\.0\.0\.1:[0-9]+")
_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 15.0
_COMMAND_SECONDS: Final = 120.0


_stopping: Final = threading.Event()
_running: Final[set[subprocess.Popen[str]]] = set()


class CommandFailed(OperatorError):
    """A command that should have succeeded did not."""


def start_no_more() -> None:
    """End the commands that are running and let every further one fail: the demo is being stopped.

    For commands of other threads too, so that nobody waits for them.
    """
    _stopping.set()
    for process in list(_running):
        process.terminate()


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended: what it printed, on standard output and on standard error."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Service:
    """A program that serves: its address, and its process."""

    name: str
    address: str
    process: subprocess.Popen[bytes]


def command(program: Program, *words: str | Path, answers: Sequence[str] = ()) -> Ended:
    """Run a command with `answers`, a line each, on its standard input; return how it ended."""
    if _stopping.is_set():
        raise CommandFailed("the demo is being stopped")
    with subprocess.Popen(  # noqa: S603 - our own programs, without a shell
        _words(program, words),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=_environment(),
    ) as process:
        _running.add(process)
        try:
            out, err = process.communicate(
                "".join(f"{answer}\n" for answer in answers), timeout=_COMMAND_SECONDS
            )
        except subprocess.TimeoutExpired:
            raise CommandFailed(
                f"`{_told(program, words)}` had not ended after {_COMMAND_SECONDS:.0f} s"
            ) from None
        finally:
            _running.discard(process)
            process.kill()
    return Ended(process.returncode, out, err)


def done(program: Program, *words: str | Path, answers: Sequence[str] = ()) -> Ended:
    """Run a command that must succeed and return how it ended; raise CommandFailed otherwise."""
    ended = command(program, *words, answers=answers)
    if ended.code != 0:
        raise CommandFailed(f"`{_told(program, words)}`: {_last_line(ended.err, ended.out)}")
    return ended


class Services:
    """The programs that are running; all of them are stopped at the end."""

    def __init__(self, logs: Path) -> None:
        """Keep what the programs print in files in the folder `logs`."""
        self._logs: Final = logs
        self._running: Final[list[Service]] = []

    def start(self, name: str, program: Program, *words: str | Path) -> Service:
        """Start a program and return it once it has said at which address it serves."""
        self._logs.mkdir(exist_ok=True)
        printed, logged = self._logs / f"{name}.out", self._logs / f"{name}.log"
        with printed.open("wb") as out, logged.open("wb") as err:
            # A session of its own: Ctrl-C reaches the demo alone, which stops the rest in order.
            process = subprocess.Popen(  # noqa: S603 - our own programs, without a shell
                _words(program, words),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=_environment(),
                start_new_session=True,
            )
        # Its own place in the list, since other threads start programs at the same time.
        starting = Service(name, "", process)
        self._running.append(starting)
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            ended = process.poll() is not None
            if found := _ADDRESS.search(printed.read_text(encoding="utf-8")):
                service = Service(name, found.group(), process)
                self._running[self._running.index(starting)] = service
                return service
            if ended:
                break
            time.sleep(0.05)
        why = _last_line(logged.read_text(encoding="utf-8"), "it gave no reason")
        raise CommandFailed(f"`{_told(program, words)}` did not start: {why}")

    def ended(self) -> Service | None:
        """Return a program that has ended although nobody stopped it."""
        return next((one for one in self._running if one.process.poll() is not None), None)

    def stop(self) -> None:
        """Stop every program, the last started first, and wait until all have ended."""
        for service in reversed(self._running):
            _signal_group(service.process, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        for service in self._running:
            try:
                service.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal_group(service.process, signal.SIGKILL)
                service.process.wait()
        self._running.clear()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal the program and its workers, unless it has ended and been waited for."""
    if process.poll() is not None:
        return
    try:
        if number == signal.SIGKILL:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
    except ProcessLookupError:
        pass


def _words(program: Program, words: Sequence[str | Path]) -> list[str]:
    beside = Path(sys.executable).parent / program
    if not beside.exists():
        raise OperatorError(f"{beside}: there is no such program: run the demo with `make demo`")
    return [str(beside), *map(str, words)]


def _environment() -> dict[str, str]:
    """Return our environment without what would steer the programs elsewhere."""
    steering = (
        "AGENCY_CONNECTOR_HOME", "INDEX_SERVICE_HOME", "EVALUATOR_HOME",
        "FORCE_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE",
    )  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if name not in steering}
    return kept | {
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "NO_COLOR": "1",
        "PYTHONUTF8": "1",
    }


def _told(program: Program, words: Sequence[str | Path]) -> str:
    return " ".join([program, *map(str, words)])


def _last_line(*texts: str) -> str:
    for text in texts:
        if lines := [line for line in text.splitlines() if line.strip()]:
            return one_line(lines[-1]).removeprefix("error: ")
    return "it printed nothing"
