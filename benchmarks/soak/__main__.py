"""`make soak`: storm after storm on both databases, and what was counted after each."""

import itertools
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import click

from tests.faults import accounts
from tests.faults.county import PEOPLE, county
from tests.faults.storm import KILLS, Storm, Weather
from tests.postgres import running_server

_KILLED: Final = Weather((*KILLS, *KILLS), pause_s=(0.1, 1.0))
_STOPPED: Final = Weather(("postgresql",) * 3 + ("sync", "officers"), pause_s=(0.3, 2.0))
_SHARE: Final = 0.4
_FAULTS: Final = 5
_CUT_S: Final = 20.0
_GROUPS, _EACH, _OVER_S = 20, 100, 20.0
_QUOTED: Final = 20


@contextmanager
def storming(kind: str, seed: int) -> Iterator[Storm]:
    """Yield a storm over a fresh partnership on a database of this kind."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ifi-soak-")))
        numbers = itertools.count()
        server = stack.enter_context(running_server()) if kind == "postgresql" else None

        def fresh_url() -> str:
            if server is not None:
                return server.url(server.create())
            return f"sqlite:///{folder / f'{next(numbers)}.sqlite'}"

        running = stack.enter_context(county(folder, fresh_url))
        yield Storm(running, seed, people=len(PEOPLE), server=server)


def soak(kind: str, seed: int, rounds: int) -> Counter[str]:
    """Storm `rounds` times over one partnership; return what was counted in all."""
    cut: Counter[str] = Counter()
    with storming(kind, seed) as storm:
        storm.settle()
        for number in range(1, rounds + 1):
            started = time.monotonic()
            storm.stand_ending_flags(_GROUPS, _EACH, _OVER_S)
            storm.blow(_KILLED)
            if kind == "postgresql":
                storm.blow(_STOPPED)
            cut += storm.cut(_SHARE, _FAULTS, _CUT_S)
            storm.settle()
            found = storm.reckon()
            print(
                f"{kind} round {number}: {storm.hit.total()} kills and stops, "
                f"{sum(cut.values()) - cut['none']} network faults; "
                f"{found.seen} answers seen, {found.recorded} recorded, "
                f"{found.references} references, {found.batches} batches, "
                f"{found.ended} flags ended: all accounted for "
                f"({time.monotonic() - started:.0f} s)",
                flush=True,
            )
        quoted = 0
        for publisher in storm.publishers.values():
            accounts.says_the_same(storm.county, publisher)
        for officers in storm.officers.values():
            quoted += accounts.references_resolve(storm.county, officers, _QUOTED)
        told = {f"killed: {name}": count for name, count in storm.hit.items()}
        told |= {f"network: {name}": count for name, count in cut.items()}
        told["syncs run"] = sum(one.syncs for one in storm.publishers.values())
        told["syncs killed"] = sum(one.killed for one in storm.publishers.values())
        told["officers' programs run"] = sum(one.runs for one in storm.officers.values())
        told["answers seen"] = found.seen
        told["lookups recorded"] = found.recorded
        told["references given out"] = found.references
        told["references quoted to their holders"] = quoted
        told["batches taken"] = found.batches
        told["flags ended in time"] = found.ended
        return Counter(told)


@click.command()
@click.option("--rounds", type=click.IntRange(1, 1000), default=10, show_default=True)
@click.option("--seed", type=int, default=20260115, show_default=True)
@click.option(
    "--database",
    "kinds",
    type=click.Choice(["sqlite", "postgresql"]),
    multiple=True,
    default=("sqlite", "postgresql"),
    show_default=True,
)
def main(rounds: int, seed: int, kinds: tuple[str, ...]) -> None:
    """Kill, stop and cut at random, and check every promise after each round."""
    for kind in kinds:
        try:
            totals = soak(kind, seed, rounds)
        except (AssertionError, LookupError):
            print(
                f"{kind}, seed {seed}: a promise is broken:\n{traceback.format_exc()}", flush=True
            )
            sys.exit(1)
        print(f"\n{kind}, seed {seed}, {rounds} rounds:")
        for name, count in sorted(totals.items()):
            print(f"  {name:36} {count:>8,}")
        print(flush=True)


if __name__ == "__main__":
    sys.exit(main())
