"""One copy does a job at a time, and a copy that lost it can commit nothing."""

import pytest

from foundation.database import Database, migrate
from index_service.database import LOCATION
from index_service.worker.leases import Lease, LeaseLost, give_back, renew, take

SPAN = 60_000
NOW = 1_768_478_400_000


@pytest.fixture
def held(database: Database) -> Lease:
    migrate(database, LOCATION)
    lease = taken(database, NOW)
    assert lease is not None
    return lease


def taken(database: Database, now: int) -> Lease | None:
    with database.write() as connection:
        return take(connection, "end-flags", now, SPAN)


def test_a_job_that_is_held_is_not_taken(database: Database, held: Lease) -> None:
    assert taken(database, NOW + SPAN - 1) is None


def test_a_job_is_taken_over_when_its_lease_has_expired(database: Database, held: Lease) -> None:
    second = taken(database, NOW + SPAN)
    assert second is not None
    assert second.fence == held.fence + 1


def test_who_lost_a_job_can_neither_go_on_nor_give_it_back(database: Database, held: Lease) -> None:
    taken(database, NOW + SPAN)
    with pytest.raises(LeaseLost), database.write() as connection:
        renew(connection, held, NOW + SPAN, SPAN)
    with pytest.raises(LeaseLost), database.write() as connection:
        give_back(connection, held, NOW)
    assert taken(database, NOW + SPAN + 1) is None


def test_a_renewed_lease_lasts_longer(database: Database, held: Lease) -> None:
    with database.write() as connection:
        renew(connection, held, NOW + SPAN - 1, SPAN)
    assert taken(database, NOW + SPAN) is None


def test_a_finished_job_is_taken_again_when_it_is_due(database: Database, held: Lease) -> None:
    with database.write() as connection:
        give_back(connection, held, NOW + 1000)
    assert taken(database, NOW + 999) is None
    assert taken(database, NOW + 1000) is not None


def test_an_unfinished_job_is_taken_at_once(database: Database, held: Lease) -> None:
    with database.write() as connection:
        give_back(connection, held, None)
    assert taken(database, NOW) is not None
