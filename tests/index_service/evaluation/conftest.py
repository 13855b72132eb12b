"""Fixtures of the evaluator's tests."""

from collections.abc import Callable

import pytest

from foundation.database import Database
from index_service.evaluation.storage import LOCATION
from tests.conftest import FakeClock
from tests.index_service.evaluation.evaluators import Asker, new_evaluator


@pytest.fixture
def database_url(migrated_url: Callable[[str], str]) -> str:
    """The URL of an empty database of an evaluator: SQLite once, PostgreSQL once."""
    return migrated_url(LOCATION)


@pytest.fixture
def asker(database: Database, clock: FakeClock) -> Asker:
    """An agency that asks an evaluator: SQLite once, PostgreSQL once."""
    return Asker(new_evaluator(database, clock))
