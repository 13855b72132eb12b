"""Fixtures of checking a name."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agency_connector.trust import directory
from tests.agency_connector.lookups.county import County, Template, county
from tests.conftest import FakeClock


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """Police who ask, a council that has flagged Shula Hebden, and a health trust that has none."""
    folder = tmp_path_factory.mktemp("county")
    with county(folder, FakeClock(), "council", "health") as made:
        made.publish("council", "C-17", "Shula Hebden", "08/08/1958")
        made.mark("health")
        for connector in made.connectors.values():
            directory.refresh(connector)
        return Template(
            folder, made.partnership.index, made.evaluator, tuple(made.connectors), made.sequences
        )


@pytest.fixture
def town(template: Template, tmp_path: Path, clock: FakeClock) -> Iterator[County]:
    """A county of the test's own."""
    with template.copied(tmp_path, clock) as made:
        yield made
