"""The journal's tables, on both databases."""

import pytest

from agency_connector.database import LOCATION
from agency_connector.journal import storage
from foundation.database import Database, migrate


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
        assert storage.begin(connection, check, 1, b"first")
    with journal.write() as connection:
        assert not storage.begin(connection, check, 2, b"second")
        found = storage.find(connection, check)
    assert found == storage.CheckRow(asked=b"first", prepared=None, kept=None)
