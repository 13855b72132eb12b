"""`make breach-drill`: publish the sample, steal everything, attack it; 1 if anything is amiss.

python -m benchmarks.breach_drill [--database sqlite|postgresql|both] [--people N]
                                  [--strangers N] [--keep FOLDER]
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.breach_drill.partnership import SQLITE_EVALUATOR, SQLITE_INDEX, running
from benchmarks.breach_drill.people import Sample, sample
from benchmarks.breach_drill.rounds import Databases, drill
from benchmarks.breach_drill.telling import account
from foundation.operator import EXIT_FAILED, PlainError, one_line
from tests.postgres import PostgresMissing, running_server


def main() -> int:
    """Run the drill and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.breach_drill", description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--people", type=int, help="of the demo's sample (default: all)")
    parser.add_argument("--strangers", type=int, default=100, help="nobody recorded (default: 100)")
    parser.add_argument("--keep", type=Path, help="an empty folder in which everything stays")
    told = parser.parse_args()
    today = datetime.now(UTC).date()
    everybody = sample(today, told.people, told.strangers)
    kinds = ("sqlite", "postgresql") if told.database == "both" else (told.database,)
    try:
        return max([_drilled(kind, everybody, told.keep) for kind in kinds])
    except (PlainError, PostgresMissing) as error:
        sys.stderr.write(f"error: {one_line(str(error))}\n")
        return EXIT_FAILED


def _drilled(kind: str, everybody: Sample, keep: Path | None) -> int:
    began = time.monotonic()
    with ExitStack() as stack:
        if keep is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ifi-drill-")))
        else:
            folder = keep / kind
            folder.mkdir(parents=True)
        urls, data = stack.enter_context(_databases(kind))
        made = stack.enter_context(running(folder, everybody, *urls))
        print(
            f"The breach drill on {kind}: {len(everybody.people)} fictional people in "
            f"{len(everybody.cases)} cases of {len(made.connectors)} agencies, "
            f"{len(everybody.canaries)} of them canaries; {len(everybody.strangers)} strangers "
            "beside them in the thief's dictionary.\n"
        )
        rounds = drill(made, everybody, opened(folder, *urls, data), datetime.now(UTC).date())
    print(account(rounds))
    wrong = sum(not told.as_expected for told in rounds)
    seconds = time.monotonic() - began
    print(
        f"\nEverything is as it should be ({seconds:.0f} s).\n"
        if wrong == 0
        else f"\n{wrong} of {len(rounds)} rounds are not as they should be ({seconds:.0f} s).\n"
    )
    return EXIT_FAILED if wrong else 0


def opened(folder: Path, index: str, evaluator: str, data: Path | None = None) -> Databases:
    """Return how the databases are reached from outside; SQLite's lie in the homes."""
    if index == SQLITE_INDEX:
        index = f"sqlite:///{folder / 'index' / 'index.db'}"
        evaluator = f"sqlite:///{folder / 'evaluator' / 'evaluator.db'}"
    return Databases(index, evaluator, data)


@contextmanager
def _databases(kind: str) -> Iterator[tuple[tuple[str, str], Path | None]]:
    if kind == "sqlite":
        yield (SQLITE_INDEX, SQLITE_EVALUATOR), None
        return
    with running_server() as server:
        urls = server.url(server.create()), server.url(server.create())
        yield urls, server.socket_directory


if __name__ == "__main__":
    sys.exit(main())
