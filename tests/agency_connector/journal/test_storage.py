"""The journal's tables, on both databases."""

import pytest

from agency_connector.database import LOCATION
from agency_connector.journal import storage
from foundation.database import Database, migrate

OFFICER = b"o" * storage.OFFICER_BYTES


@pytest.fixture
def journal(database: Database) -> Database:
    migrate(database, LOCATION)
    return database


def test_the_first_to_claim_a_year_is_told_so_and_nobody_after(journal: Database) -> None:
    """Whoever is told so makes the officers' pseudonym key: without one no name can be checked."""
    with journal.write() as connection:
        assert storage.claim_year(connection, 2026, 1)
    with journal.write() as connection:
        assert not storage.claim_year(connection, 2026, 2)
        assert storage.claim_year(connection, 2027, 2)


def test_a_check_is_begun_once(journal: Database) -> None:
    check = bytes(range(storage.ID_BYTES))
    with journal.write() as connection:
        assert storage.begin(connection, check, OFFICER, 1, b"first")
    with journal.write() as connection:
        assert not storage.begin(connection, check, OFFICER, 2, b"second")
        found = storage.find(connection, check)
    assert found == storage.CheckRow(check, b"first", None, None, None)


def test_an_officers_own_checks_are_found_newest_first_within_the_time(journal: Database) -> None:
    with journal.write() as connection:
        for number in range(5):
            check = bytes([number]) * storage.ID_BYTES
            owner = OFFICER if number != 3 else b"p" * storage.OFFICER_BYTES
            storage.begin(connection, check, owner, number, b"asked")
        found = storage.of_officer(connection, OFFICER, 1, 5, 2)
        rest = storage.of_officer(connection, OFFICER, 0, 2, 9)
    assert [row.check[0] for row in found] == [4, 2]
    assert [row.check[0] for row in rest] == [1, 0]
