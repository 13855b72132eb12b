"""Fixtures of the index's tests: a partnership on each of the two databases."""

from collections.abc import Callable

import pytest

from foundation.database import Database
from index_service.database import LOCATION
from tests.conftest import FakeClock
from tests.index_service.partnership import Partnership


@pytest.fixture
def database_url(migrated_url: Callable[[str], str]) -> str:
    """The URL of an empty database of an index: SQLite once, PostgreSQL once."""
    return migrated_url(LOCATION)


@pytest.fixture
def partnership(database: Database, clock: FakeClock) -> Partnership:
    """A partnership of nobody yet: SQLite once, PostgreSQL once."""
    return Partnership.on(database, clock)
