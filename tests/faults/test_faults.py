"""Real processes under load, killed, cut off from their database and from each other: what was
acknowledged is there afterwards, once. The long version is `make soak`; docs/faults.md tells both.
"""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults import accounts
from tests.faults.county import county
from tests.faults.network import KINDS
from tests.faults.storm import Storm, Weather
from tests.postgres import PostgresServer, running_server

SEED = 20260115
PEOPLE = 60
KILLED = ("index worker", "index worker", "sync", "officers", "worker", "evaluator worker", "index")
QUOTED = 5
ENDING = 300
ONE_LOOKUP = "(SELECT max(intake) FROM side_records)"
FALSIFICATIONS = """
DELETE FROM flag_tokens WHERE (token, flag) = (SELECT token, flag FROM flag_tokens LIMIT 1);
INSERT INTO flag_tokens VALUES (zeroblob(16), 1);
DELETE FROM flags WHERE id = (SELECT max(id) FROM flags);
UPDATE lookup_counts SET count = count + 1 WHERE rowid = (SELECT min(rowid) FROM lookup_counts);
DELETE FROM intake WHERE id = :one;
DELETE FROM side_records WHERE intake = :one;
UPDATE side_records SET answer = answer || ' ' WHERE intake = :one;
UPDATE side_records SET sets = '[]' WHERE intake = :one;
INSERT INTO intake (entry, leaf, recorded_at)
    SELECT entry, leaf, recorded_at FROM intake WHERE id = :one;
UPDATE publishers SET sequence = sequence + 1 WHERE agency = 'council';
DELETE FROM batches WHERE rowid = (SELECT max(rowid) FROM batches)
""".replace(":one", ONE_LOOKUP).split(";\n")


@contextmanager
def storming(folder: Path, server: PostgresServer | None) -> Iterator[Storm]:
    """Yield a running partnership on fresh databases, and everything that loads it."""
    numbers = itertools.count()

    def fresh_url() -> str:
        if server is not None:
            return server.url(server.create())
        return f"sqlite:///{folder / f'{next(numbers)}.sqlite'}"

    with county(folder, fresh_url) as running:
        yield Storm(running, SEED, people=PEOPLE, server=server)


def programs_are_killed(storm: Storm) -> None:
    """Whatever is killed with SIGKILL, at whatever moment, loses nothing and doubles nothing."""
    storm.settle()
    storm.stand_ending_flags(groups=10, each=ENDING // 10, over_s=3.0)
    storm.blow(Weather(KILLED, pause_s=(0.1, 0.3)))
    storm.settle()
    assert storm.hit.total() >= len(KILLED) // 2
    found = storm.reckon()
    assert found.seen > 0
    assert found.references > 0
    assert found.ended == ENDING


def every_flag_and_reference_is_good(storm: Storm) -> None:
    """Every flag says what its source says, and references lead their holders to the person."""
    for publisher in storm.publishers.values():
        assert accounts.says_the_same(storm.county, publisher) > 0
    for officers in storm.officers.values():
        accounts.references_resolve(storm.county, officers, QUOTED)


def a_loss_would_be_found(storm: Storm) -> None:
    """Each of these falsifications, undone again, is seen by the reckoning."""
    for falsify in FALSIFICATIONS:
        with storm.county.opened_index() as index, index.database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
            assert connection.exec_driver_sql(falsify).rowcount == 1, falsify
            try:
                accounts.reckon_index(
                    storm.county, connection, storm.officers, storm.publishers, storm.callers,
                    storm.ended,
                )  # fmt: skip
            except (AssertionError, LookupError):
                continue
            finally:
                connection.rollback()
        pytest.fail(f"not found: {falsify}")


# One test for each database, since setting up a partnership takes longer than a storm.


def test_on_sqlite_kills_and_a_failing_network_lose_and_double_nothing(tmp_path: Path) -> None:
    """Over the network, requests are cut, slowed, reset or ended half-way through a body."""
    with storming(tmp_path, None) as storm:
        programs_are_killed(storm)
        met = storm.cut(share=0.5, faults=1, most_s=15.0)
        storm.settle()
        assert met.keys() >= set(KINDS), met
        storm.reckon()
        a_loss_would_be_found(storm)
        every_flag_and_reference_is_good(storm)


def test_on_postgresql_kills_and_immediate_stops_lose_and_double_nothing(tmp_path: Path) -> None:
    """Programs that start while the server is stopped wait for it: none ends by itself."""
    with running_server() as server, storming(tmp_path, server) as storm:
        programs_are_killed(storm)
        before = len(storm.callers[0].seen)
        storm.blow(Weather(("postgresql", "postgresql"), pause_s=(0.5, 1.5)))
        storm.settle()
        storm.reckon()
        assert len(storm.callers[0].seen) > before
        every_flag_and_reference_is_good(storm)
