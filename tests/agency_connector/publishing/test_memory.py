"""Memory does not grow with the source: measured in a process of its own, as the most it held."""

import subprocess
import sys
from pathlib import Path

MEBIBYTE = 1024 * 1024
BASE, ROWS = 5_000, 30_000
SYNCER = """
import hashlib, itertools, pathlib, sys
from agency_connector.evaluation.tokeniser import Tokeniser
from agency_connector.publishing import storage
from agency_connector.publishing.outbox import Delivery, Outbox
from tests.agency_connector.publishing.borsetshire import borsetshire, person
from tests.conftest import FakeClock

def most_held():
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024

def deliver(outbox, index):
    # An index that takes everything: its own memory is measured by its own tests.
    while (batch := outbox._next()) is not None:
        with outbox.lease.write() as connection:
            storage.delivered(connection, batch, b"entry", b"receipt", 0)
    return Delivery()

def sync(town, rows):
    town.write(*())
    with (town.folder / "cases.csv").open("a") as file:
        file.writelines(",".join(person(n)) + "\\n" for n in range(rows))
    return town.sync().difference

Tokeniser.tokens_of = lambda _, inputs: [hashlib.sha256(one).digest()[:16] for one in inputs]
Outbox.deliver = deliver
folder, rows = pathlib.Path(sys.argv[1]), int(sys.argv[2])
urls = (f"sqlite:///{folder}/{n}.sqlite" for n in itertools.count())
with borsetshire(folder, lambda: next(urls), FakeClock()) as town:
    sync(town, int(sys.argv[3]))
    before = most_held()
    found = sync(town, rows)
    print(found.new, found.unchanged, most_held() - before)
"""


def test_a_larger_source_needs_no_more_memory(tmp_path: Path) -> None:
    """A row that is held takes over 1 kB; the bound leaves room for what an allocator keeps."""
    run = subprocess.run(
        [sys.executable, "-c", SYNCER, str(tmp_path), str(ROWS), str(BASE)],
        stdout=subprocess.PIPE,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    new, unchanged, held = map(int, run.stdout.split())
    assert (new, unchanged) == (ROWS - BASE, BASE)
    assert held < 12 * MEBIBYTE
