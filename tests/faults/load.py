"""The load: officers who check names, and publishers whose people come, change and go.

Each runs the real program again and again in a thread of its own, and takes it up where it was
killed: an officer asks the same checks again under the same ids, a publisher syncs again.
"""

import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO, Final

import msgspec
from sqlalchemy import select, update

from agency_connector import settings as connector_settings
from agency_connector.publishing import sync as publishing
from agency_connector.publishing.storage import sync_lease
from agency_connector.publishing.sync import SyncReport
from foundation.clock import now_ms
from foundation.database import Database, StorageUnavailable
from protocol.encoding import b64u_encode
from schemas.checks import CheckAnswer, CheckRequest, TypedParticulars
from tests.faults import asker
from tests.faults.asker import Told
from tests.faults.county import PEOPLE, PURPOSE, County, born
from tests.faults.programs import PROGRAMS, kill, started

OFFICERS: Final = 2
_AT_ONCE: Final = 4
_MOST_COMING: Final = 12
_MOST_GOING: Final = 8
_MOST_CHANGING: Final = 8
_PAUSE_S: Final = 0.05
_SEEN_AT_WORK_S: Final = 5.0
_AT_WORK_S: Final = 0.3


@dataclass
class Officers:
    """The officers of one agency. `seen` are the answers that they were shown, by check.

    `told` counts the problems they were told instead, by code.
    """

    county: County
    agency: str
    chance: random.Random
    people: int
    seen: dict[str, CheckAnswer] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)
    pending: dict[str, CheckRequest] = field(default_factory=dict)
    told: Counter[str] = field(default_factory=Counter)
    lines: set[str] = field(default_factory=set)
    runs: int = 0
    process: subprocess.Popen[bytes] | None = None

    def work(self, stopping: threading.Event) -> None:
        """Check names with the officers' program until stopped."""
        while not stopping.is_set():
            self._run(stopping)
            stopping.wait(_PAUSE_S)

    def work_here(self, stopping: threading.Event) -> None:
        """Check names in this process until stopped: faster, and nothing of it is killed."""
        with self.county.opened(self.agency) as connector:
            while not stopping.is_set():
                self._take(asker.told(connector, self._next()))

    def finish(self) -> None:
        """Ask what is pending once more, in this process."""
        with self.county.opened(self.agency) as connector:
            for request in list(self.pending.values()):
                self._take(asker.told(connector, request))

    def _run(self, stopping: threading.Event) -> None:
        """Run the program; it is given another check for each that it has dealt with."""
        words = [str(PROGRAMS / "python"), "-m", "tests.faults.asker"]
        words += [str(self.county.home(self.agency)), str(OFFICERS)]
        log = self.county.folder / f"officers-{self.agency}.log"
        process = started(words, log, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process = process
        self.runs += 1
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError):
            for number in range(_AT_ONCE):
                self._give(process.stdin, self._next(number))
        for line in process.stdout:
            if line.endswith(b"\n"):
                self._take(msgspec.json.decode(line, type=Told))
            with suppress(BrokenPipeError, ValueError):
                if stopping.is_set():
                    process.stdin.close()
                else:
                    self._give(process.stdin, self._next(_AT_ONCE - 1))
        with suppress(BrokenPipeError):
            process.stdin.close()
        process.stdout.close()
        process.wait()

    @staticmethod
    def _give(to: IO[bytes], request: CheckRequest) -> None:
        to.write(msgspec.json.encode(request) + b"\n")
        to.flush()

    def _next(self, place: int = 0) -> CheckRequest:
        """Return the pending check at `place`, and if there are no so many a new one."""
        if place >= len(self.pending):
            self._think_of_one()
        return list(self.pending.values())[min(place, len(self.pending) - 1)]

    def kill(self, chance: random.Random) -> bool:
        """Kill the process that is asking, soon after an answer of it; False if none asks."""
        before = len(self.seen)
        return _killed(self.process, lambda: len(self.seen) > before, chance)

    def _take(self, told: Told) -> None:
        if told.answer is not None:
            self.seen[told.check] = told.answer
            self.pending.pop(told.check, None)
        else:
            self.told[told.code] += 1
            self.lines.add(told.line)
            self.pending[told.check] = self.pending.pop(told.check)

    def _think_of_one(self) -> None:
        person = self.chance.randrange(self.people)
        given, family = PEOPLE[person]
        check = b64u_encode(self.chance.randbytes(16))
        self.asked[check] = person
        self.pending[check] = CheckRequest(
            check=check,
            particulars=TypedParticulars(given=given, family=family, born=born(person)),
            purpose=PURPOSE,
            reason="A neighbour is worried",
        )


@dataclass
class Publisher:
    """The sync of one agency, again and again, while its case system changes."""

    county: County
    agency: str
    chance: random.Random
    people: int
    syncs: int = 0
    killed: int = 0
    clean: int = 0
    troubles: Counter[str] = field(default_factory=Counter)
    process: subprocess.Popen[bytes] | None = None

    def work(self, stopping: threading.Event) -> None:
        """Change the case system and sync, until stopped."""
        while not stopping.is_set():
            self.change()
            self.sync()
            stopping.wait(_PAUSE_S)

    def work_here(self, stopping: threading.Event) -> None:
        """Change the case system and sync in this process, until stopped."""
        while not stopping.is_set():
            self.change()
            self.sync_here()

    def sync_here(self, *, everything: bool = False) -> SyncReport:
        """Sync in this process and return the report."""
        self._let_the_lease_expire()
        with self.county.opened(self.agency) as connector:
            report = publishing.sync(connector, everything=everything)
        self.syncs += 1
        self.clean += not report.troubles
        self.troubles.update(report.troubles)
        return report

    def change(self) -> None:
        """Let some people come, some go, and some have a case of another day."""
        source = self.county.sources[self.agency]
        chance = self.chance
        for person in chance.sample(
            sorted(source), min(len(source), chance.randint(0, _MOST_GOING))
        ):
            del source[person]
        coming = sorted(set(range(self.people)) - set(source))
        for person in chance.sample(coming, min(len(coming), chance.randint(1, _MOST_COMING))):
            source[person] = chance.randint(1, 100)
        for person in chance.sample(sorted(source), min(len(source), _MOST_CHANGING)):
            source[person] = chance.randint(1, 100)
        self.county.write_source(self.agency)

    def sync(self) -> int:
        """Run `agency-connector sync` and return its exit code, negative if it was killed."""
        self._let_the_lease_expire()
        log = self.county.folder / f"sync-{self.agency}.log"
        before = log.stat().st_size if log.exists() else 0
        home = str(self.county.home(self.agency))
        words = [str(PROGRAMS / "agency-connector"), "--home", home, "sync"]
        self.process = started(words, log)
        self.syncs += 1
        code = self.process.wait()
        if code < 0:
            self.killed += 1
        elif code == 0:
            self.clean += 1
        for line in log.read_bytes()[before:].decode().splitlines():
            if line.startswith("error: "):
                self.troubles[line] += 1
        return code

    def kill(self, chance: random.Random) -> bool:
        """Kill the sync that is running, soon after it has begun to write; False if none runs."""
        return _killed(self.process, self._is_at_work, chance)

    def _is_at_work(self) -> bool:
        held = select(sync_lease.c.run).where(sync_lease.c.expires_at > now_ms())
        with (
            suppress(StorageUnavailable),
            self._database() as database,
            database.read() as connection,
        ):
            return connection.execute(held).first() is not None
        return False

    @contextmanager
    def _database(self) -> Iterator[Database]:
        home = self.county.home(self.agency)
        database = Database(connector_settings.database_url(connector_settings.load(home), home))
        try:
            yield database
        finally:
            database.close()

    def _let_the_lease_expire(self) -> None:
        """Do as if the five minutes were over for which a killed sync keeps others out.

        One that could not give its lease back because the database was down does so too.
        """
        with (
            suppress(StorageUnavailable),
            self._database() as database,
            database.write() as connection,
        ):
            connection.execute(update(sync_lease).values(expires_at=0))


def _killed(
    process: subprocess.Popen[bytes] | None, is_at_work: Callable[[], bool], chance: random.Random
) -> bool:
    """Kill a process at a random moment after it is seen at work, if it still runs by then."""
    deadline = time.monotonic() + _SEEN_AT_WORK_S
    while process is not None and process.poll() is None and time.monotonic() < deadline:
        if is_at_work():
            time.sleep(chance.uniform(0.0, _AT_WORK_S))
            break
        time.sleep(0.02)
    if process is None or process.poll() is not None:
        return False
    kill(process)
    return True


def in_background(
    work: Callable[[threading.Event], None],
    stopping: threading.Event,
    failures: list[BaseException],
) -> threading.Thread:
    """Start `work` in a thread; what it raises goes to `failures`."""

    def run() -> None:
        try:
            work(stopping)
        except BaseException as failure:
            failures.append(failure)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread
