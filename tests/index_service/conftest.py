"""Fixtures of the index's tests: a partnership on each of the two databases."""

import pytest

from foundation.database import Database
from tests.conftest import FakeClock
from tests.index_service.partnership import Partnership


@pytest.fixture
def partnership(database: Database, clock: FakeClock) -> Partnership:
    """A partnership of nobody yet: SQLite once, PostgreSQL once."""
    return Partnership.on(database, clock)
