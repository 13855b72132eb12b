"""Fixtures of the log's tests: an index with an empty log on each database."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Databases, FakeClock
from tests.index_service.audit.logs import Kept
from tests.index_service.audit.originals import Copier, Originals, empty


@pytest.fixture(scope="session")
def originals(
    lasting_url: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Originals:
    """The logs that are made once and copied."""
    return Originals(lasting_url, tmp_path_factory.mktemp)


@pytest.fixture
def copier(originals: Originals, fresh_url: Databases, clock: FakeClock, tmp_path: Path) -> Copier:
    """Copies logs for this test."""
    return Copier(originals, fresh_url, clock, tmp_path)


@pytest.fixture
def kept(copier: Copier) -> Iterator[Kept]:
    """An index with an empty log; every head that is signed is written down in `signed`."""
    with copier.copied(empty) as (made, _):
        yield made
