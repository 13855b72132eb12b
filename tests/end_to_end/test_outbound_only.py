"""Agencies into which nobody can connect witness the log all the same, and reach a quorum."""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from index_service.app import create_app
from index_service.audit import rounds, sequencing
from index_service.audit.administration import administer
from protocol.log.policies import read_policy
from tests.agency_connector.fake_services import listening
from tests.end_to_end.eastmere import INDEX_URL, Town, eastmere

AGENCIES = ("police", "council", "health")

# The real command, in a process that cannot take a connection: none of its sockets may listen.
WITHOUT_INBOUND = """
import socket, sys
def refuse(*_):
    sys.stderr.write("it tried to listen")
    sys.exit(7)
socket.socket.listen = refuse
from agency_connector.cli import main
main()
"""


def command(town: Town, agency: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the agency's connector where nothing can connect to it."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_INBOUND, "--home", str(town.home(agency)), *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def work(town: Town, entries: int = 0) -> None:
    """Do what the index's worker does: number, sign, and open a round."""
    index = town.index_app
    with index.database.write() as connection:
        for _ in range(entries):
            administer(connection, index, "purpose-added", None, note="A purpose")
    more = True
    while more:
        with index.database.write() as connection:
            more = sequencing.sequence(connection, index, index.clock()).more
    with index.database.write() as connection:
        rounds.open_round(connection, index, index.clock())


def numbers(said: str) -> tuple[int, int]:
    """How many entries were countersigned now, and on how many a majority agreed."""
    found = re.search(
        r"Countersigned the record of ([0-9]+) .* whole to ([0-9]+) ", said, re.DOTALL
    )
    assert found is not None, said
    return int(found[1]), int(found[2])


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Town, str]]:
    """A partnership whose index, and nothing else, can be connected to."""
    with eastmere(tmp_path) as town, listening(create_app(town.index_app)) as url:
        town.index_app = replace(town.index_app, head_file=tmp_path / "log.head")
        for agency in AGENCIES:
            settings = town.home(agency) / "connector.toml"
            settings.write_text(settings.read_text().replace(INDEX_URL, url))
        yield town, url


def test_a_quorum_is_reached_with_every_inbound_connection_blocked(
    served: tuple[Town, str],
) -> None:
    town, _ = served
    for _ in range(2):  # each declares its key, and then knows of the others'
        work(town)
        for agency in AGENCIES:
            done = command(town, agency, "witness")
            assert done.returncode == 0, done.stderr
    town.clock.advance(rounds.ROUND_MS)
    work(town, entries=300)
    first, second = (command(town, agency, "witness").stdout for agency in ("health", "police"))
    (size, before), (same_size, agreed) = numbers(first), numbers(second)
    assert before < size == same_size == agreed
    assert "2 of 3 witnesses have agreed: the record is whole to " in second
    policy = read_policy(command(town, "council", "witness", "policy").stdout.encode())
    assert set(policy.witnesses) == set(AGENCIES)


def test_the_block_is_real(served: tuple[Town, str]) -> None:
    """What serves pages cannot start there, so what did start had no socket to connect to."""
    done = command(served[0], "police", "run", "--bind", "127.0.0.1:0")
    assert (done.returncode != 0, "it tried to listen" in done.stderr) == (True, True)
