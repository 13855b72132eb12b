"""Fixtures of publishing: the town on SQLite once, on PostgreSQL once."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.agency_connector.publishing.borsetshire import Borsetshire, borsetshire
from tests.conftest import FakeClock


@pytest.fixture
def town(
    tmp_path: Path, migrated_url: Callable[[str], str], clock: FakeClock
) -> Iterator[Borsetshire]:
    """A real index and evaluator, and the council's connector, which has published nothing yet."""
    with borsetshire(tmp_path, migrated_url, clock) as made:
        yield made
