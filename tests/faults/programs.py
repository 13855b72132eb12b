"""The programs that ship, as processes that can be killed with SIGKILL and started again."""

import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

PROGRAMS: Final = Path(sys.executable).parent
ROOT: Final = Path(__file__).parents[2]
_PORT: Final = re.compile(r"at http://127\.0\.0\.1:([0-9]+)\. Ctrl-C")
_PATIENCE_S: Final = 60.0


class Program:
    """A program that stays until it is killed, in a session of its own, so with all its workers."""

    def __init__(self, name: str, log: Path, *words: str | Path, serves: bool = False) -> None:
        self.name = name
        self.log = log
        self._words = [str(PROGRAMS / words[0]), *map(str, words[1:])]
        self._serves = serves
        self._said_before = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; `serving` waits until it serves."""
        self._said_before = self.log.stat().st_size if self.log.exists() else 0
        self._process = started(self._words, self.log)

    def serving(self) -> int:
        """Wait until it serves and return its port; 0 at once if it serves nobody."""
        deadline = time.monotonic() + _PATIENCE_S
        while self._serves:
            said = self.log.read_bytes()[self._said_before :].decode(errors="replace")
            if found := _PORT.search(said):
                return int(found[1])
            if not self.runs() or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} did not start: {said[-2000:]}")
            time.sleep(0.02)
        return 0

    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """Kill it and its workers at once."""
        if self._process is not None:
            kill(self._process)

    def kill_a_worker(self, chance: random.Random) -> bool:
        """Kill one of the processes that answer, which its master replaces; False if none is up."""
        if self._process is None:
            return False
        pid = self._process.pid
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except OSError:
            return False
        if not children:
            return False
        try:
            os.kill(int(chance.choice(children)), signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True


def started(
    words: list[str], log: Path, stdin: int = subprocess.DEVNULL, stdout: int | None = None
) -> subprocess.Popen[bytes]:
    """Start a process that writes to the end of `log`, unless `stdout` says otherwise."""
    with log.open("ab") as output:
        return subprocess.Popen(
            words,
            stdin=stdin,
            stdout=output if stdout is None else stdout,
            stderr=output,
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "NO_PROXY": "127.0.0.1"},
            start_new_session=True,
        )


def kill(process: subprocess.Popen[bytes]) -> None:
    """Send SIGKILL to a process and all that it started, and wait for it."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
