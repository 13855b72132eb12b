"""The storm: everything is loaded, and killed with SIGKILL at random moments, and then reckoned up.

The moments and targets come from a seed; what each of them hits depends on the machine.
"""

import re
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Final

from click.testing import CliRunner
from sqlalchemy import select

from foundation.clock import now_ms
from index_service.cli import main as service_main
from index_service.flags import storage as flags_of
from index_service.flags.storage import StoredFlag
from tests.faults import accounts
from tests.faults.accounts import Reckoned
from tests.faults.callers import EPOCH, Callers
from tests.faults.county import ASKING, PEOPLE, PUBLISHING, County
from tests.faults.load import Officers, Publisher, in_background
from tests.faults.network import KINDS, failing
from tests.postgres import PostgresServer

_SETTLE_ROUNDS: Final = 6
_CALLERS: Final = 2
_ENDING: Final = "probation"
_WAIT_FOR_WORKERS_S: Final = 30.0
# What a fault may make a program say. Anything else is a fault of the program.
_CODES: Final = frozenset({"unreachable", "not-ready", "storage-unavailable"})
_LINES: Final = re.compile(
    r"^(error: )?(the (index|evaluator) at http://127\.0\.0\.1:\d+ cannot be reached "
    r"|the answer of the (index|evaluator) at http://127\.0\.0\.1:\d+ was cut off"
    r"|the (index|evaluator) refused: The service cannot use its storage at the moment"
    # A sync that was killed, or lost its database, may have had its lease committed afterwards.
    r"|another sync has been running since "
    r"|no database answers for |the connection to the database .* was lost)"
)


@dataclass(frozen=True, slots=True)
class Weather:
    """What is hit, in an order that the seed decides, and the seconds between two blows."""

    targets: tuple[str, ...]
    pause_s: tuple[float, float]


KILLS: Final = (
    *("index worker",) * 3, *("sync",) * 2, "officers", "evaluator worker", "worker", "index",
)  # fmt: skip


@dataclass
class Storm:
    """One county's storm. `hit` counts the blows that landed, `ended` flags that ended in time."""

    county: County
    seed: int
    people: int = len(PEOPLE)
    server: PostgresServer | None = None
    officers: dict[str, Officers] = field(default_factory=dict)
    publishers: dict[str, Publisher] = field(default_factory=dict)
    callers: Sequence[Callers] = ()
    hit: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    fell: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the load."""
        for at, agency in enumerate(ASKING):
            chance = Random(f"{self.seed} officers {at}")
            self.officers[agency] = Officers(self.county, agency, chance, self.people)
        for at, agency in enumerate(PUBLISHING):
            chance = Random(f"{self.seed} publisher {at}")
            self.publishers[agency] = Publisher(self.county, agency, chance, self.people)
        for publisher in self.publishers.values():
            publisher.change()
        self.callers = [
            Callers(self.county, ASKING[0], Random(f"{self.seed} caller {at}"))
            for at in range(_CALLERS)
        ]

    def blow(self, weather: Weather) -> None:
        """Load everything with the programs that ship, and strike."""
        chance = Random(f"{self.seed} {sum(self.hit.values())}")
        with self._loaded(here=False):
            for target in chance.sample(weather.targets, len(weather.targets)):
                time.sleep(chance.uniform(*weather.pause_s))
                self._strike(target, chance)
                self._raise_the_fallen()

    def cut(self, share: float, faults: int, most_s: float) -> Counter[str]:
        """Load everything from this process, over a network that fails a `share` of requests.

        Ends after so many faults of each kind on the way to the index, or `most_s` seconds. Returns
        how many there were.
        """
        before = Counter(self.county.to_index.met)
        for proxy in (self.county.to_index, self.county.to_evaluator):
            proxy.plan = failing(Random(f"{self.seed} {proxy.port}"), share)
        deadline = time.monotonic() + most_s
        try:
            with self._loaded(here=True):
                while time.monotonic() < deadline:
                    time.sleep(0.1)
                    met = Counter(self.county.to_index.met) - before
                    if all(met[kind] >= faults for kind in KINDS):
                        break
        finally:
            for proxy in (self.county.to_index, self.county.to_evaluator):
                proxy.plan = lambda: None
        return Counter(self.county.to_index.met) - before

    @contextmanager
    def _loaded(self, *, here: bool) -> Iterator[None]:
        """Let officers, publishers and callers work meanwhile, `here` or in programs to be killed.

        Here is faster. Afterwards each has finished what it was at.
        """
        stopping, failures = threading.Event(), list[BaseException]()
        loads: list[Officers | Publisher] = [*self.officers.values(), *self.publishers.values()]
        work = [one.work_here if here else one.work for one in loads]
        work += [one.work for one in self.callers]
        known = self._tokens_that_stand()
        for caller in self.callers:
            caller.known = known
        threads = [in_background(one, stopping, failures) for one in work]
        try:
            yield
        finally:
            stopping.set()
            for thread in threads:
                thread.join()
        if failures:
            raise failures[0]

    def settle(self) -> None:
        """Let every check begun be answered and every agency sync cleanly, as people would."""
        for _ in range(_SETTLE_ROUNDS):
            for asking in self._asking():
                asking.finish()
            dirty = [one for one in self.publishers.values() if one.sync_here().troubles]
            self._raise_the_fallen()
            if not dirty and not any(one.pending for one in self._asking()):
                return
        raise AssertionError(f"not settled: {self.said()}")

    def reckon(self) -> Reckoned:
        """Check every promise, and that nothing said or did what no fault explains."""
        assert not self.fell, f"ended by themselves: {self.fell}"
        for asking in self._asking():
            assert asking.told.keys() <= _CODES, (asking.told, asking.lines)
            assert all(_LINES.match(line) for line in asking.lines), asking.lines
        for publisher in self.publishers.values():
            assert all(_LINES.match(line) for line in publisher.troubles), publisher.troubles
        self._wait_for_ended_flags()
        return accounts.reckon(
            self.county, self.officers, self.publishers, self.callers, self.ended
        )

    def _asking(self) -> list[Officers | Callers]:
        return [*self.officers.values(), *self.callers]

    def said(self) -> dict[str, object]:
        """What the programs said, for a failure's message."""
        told: dict[str, object] = {
            agency: (dict(one.told), sorted(one.lines), len(one.pending))
            for agency, one in self.officers.items()
        }
        return told | {f"sync {a}": dict(one.troubles) for a, one in self.publishers.items()}

    def stand_ending_flags(self, groups: int, each: int, over_s: float) -> None:
        """Let another agency have flags that end one group after the other, for the workers."""
        if not self.ended:
            done = CliRunner().invoke(
                service_main,
                ["agency", "add", _ENDING, "--home", str(self.county.folder / "index"), "--name",
                 "Probation", "--role", "member"],
            )  # fmt: skip
            assert done.exit_code == 0, done.output
        now = now_ms()
        with self.county.opened_index() as index, index.database.write() as connection:
            for group in range(groups):
                ends_at = now + int(1000 * over_s * group / groups)
                some = [
                    StoredFlag(0, secrets.token_bytes(16), _tokens(), "front-desk", ends_at)
                    for _ in range(each)
                ]
                flags_of.add(connection, _ENDING, EPOCH, some)
        self.ended[_ENDING] += groups * each

    def _tokens_that_stand(self) -> list[bytes]:
        with self.county.opened_index() as index, index.database.read() as connection:
            theirs = select(flags_of.flags.c.tokens).where(flags_of.flags.c.agency != _ENDING)
            every = connection.execute(theirs).scalars()
            return sorted({token for tokens in every for token in flags_of.split(tokens)})

    def _strike(self, target: str, chance: Random) -> None:
        county = self.county
        if target in ("index worker", "evaluator worker"):
            program = county.index if target == "index worker" else county.evaluator
            landed = program.kill_a_worker(chance)
        elif target in ("index", "evaluator"):
            program = county.index if target == "index" else county.evaluator
            program.kill()
            county.start(program)
            landed = True
        elif target == "worker":
            program = chance.choice(county.workers)
            program.kill()
            county.start(program)
            landed = True
        elif target == "postgresql":
            assert self.server is not None
            self.server.stop_immediately()
            # Those that replace them find no database when they start.
            county.index.kill_a_worker(chance)
            county.evaluator.kill_a_worker(chance)
            time.sleep(chance.uniform(0.05, 1.2))
            self.server.start_again()
            landed = True
        else:
            loaded: Sequence[Officers | Publisher] = list(
                (self.officers if target == "officers" else self.publishers).values()
            )
            landed = chance.choice(loaded).kill(chance)
        self.hit[target] += landed

    def _raise_the_fallen(self) -> None:
        """Start a program again that ended although nobody killed it, and remember that it did."""
        for program in self.county.programs():
            if not program.runs():
                self.fell.append(program.name)
                self.county.start(program)

    def _wait_for_ended_flags(self) -> None:
        deadline = time.monotonic() + _WAIT_FOR_WORKERS_S
        while self.ended:
            with self.county.opened_index() as index, index.database.read() as connection:
                if flags_of.count(connection, _ENDING, EPOCH) == 0:
                    return
            assert time.monotonic() < deadline, "the workers did not end all flags"
            time.sleep(0.2)


def _tokens() -> bytes:
    return b"".join(sorted(secrets.token_bytes(flags_of.TOKEN_BYTES) for _ in range(16)))
