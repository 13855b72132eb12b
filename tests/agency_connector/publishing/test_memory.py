"""Memory does not grow with the source: measured as the most that Python objects took."""

import subprocess
import sys
from pathlib import Path

MEBIBYTE = 1024 * 1024
SMALL, LARGE = 2_000, 5_000
SYNCER = """
import hashlib, itertools, pathlib, sys, tracemalloc
from agency_connector.evaluation.tokeniser import Tokeniser
from agency_connector.publishing import storage
from agency_connector.publishing.outbox import Delivery, Outbox
from tests.agency_connector.publishing.borsetshire import borsetshire, person
from tests.conftest import FakeClock

def deliver(outbox, index):
    # An index that takes everything: its own memory is measured by its own tests.
    while (batch := outbox._next()) is not None:
        with outbox.lease.write() as connection:
            storage.delivered(connection, batch, b"entry", b"receipt", 0)
    return Delivery()

def row(n):
    # The names come again: those that were read last are kept, up to a fixed number.
    return person(n % 1_000, Ref=f"C{n}", DOB=person(n)[3])

def most_held(town, rows):
    town.write()
    with (town.folder / "cases.csv").open("a") as file:
        file.writelines(",".join(row(n)) + "\\n" for n in range(rows))
    tracemalloc.reset_peak()
    report = town.sync()
    return report.difference.new, tracemalloc.get_traced_memory()[1]

Tokeniser.tokens_of = lambda _, inputs: [hashlib.sha256(one).digest()[:16] for one in inputs]
Outbox.deliver = deliver
folder, rows = pathlib.Path(sys.argv[1]), int(sys.argv[2])
urls = (f"sqlite:///{folder}/{n}.sqlite" for n in itertools.count())
with borsetshire(folder, lambda _: next(urls), FakeClock()) as town:
    tracemalloc.start()
    _, small = most_held(town, int(sys.argv[2]))
    new, large = most_held(town, int(sys.argv[3]))
    print(new, small, large)
"""


def test_a_larger_source_needs_no_more_memory(tmp_path: Path) -> None:
    """A row that is held takes over 1 kB. Both sizes fill every page, batch and transaction."""
    run = subprocess.run(
        [sys.executable, "-c", SYNCER, str(tmp_path), str(SMALL), str(LARGE)],
        stdout=subprocess.PIPE,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    new, small, large = map(int, run.stdout.split())
    assert new == LARGE - SMALL
    assert large < small + 2 * MEBIBYTE
