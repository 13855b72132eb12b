"""Fixtures of the evaluator's tests."""

import pytest

from foundation.database import Database
from tests.conftest import FakeClock
from tests.index_service.evaluation.evaluators import Asker, new_evaluator


@pytest.fixture
def asker(database: Database, clock: FakeClock) -> Asker:
    """An agency that asks an evaluator: SQLite once, PostgreSQL once."""
    return Asker(new_evaluator(database, clock))
