"""One partnership for all tests of a module; what a test changes it puts back."""

from collections.abc import Iterator

import pytest
import stamina

from tests.end_to_end.eastmere import BARTHOLOMEW, ZEPHYRINE, Town, eastmere


@pytest.fixture(autouse=True)
def _retries_do_not_wait() -> Iterator[None]:
    with stamina.set_testing(True, attempts=10, cap=True):
        yield


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """The police ask; council and health have published, each two people of its own."""
    with eastmere(tmp_path_factory.mktemp("eastmere")) as made:
        made.cases("council", ZEPHYRINE, ("Ottoline", "Harbourne", "1990-02-11"))
        made.cases("health", BARTHOLOMEW, ("Peregrine", "Thistlewood", "1965-05-30"))
        for agency in ("council", "health"):
            report = made.sync(agency)
            assert (report.troubles, report.marked) == ([], True)
        yield made


@pytest.fixture(autouse=True)
def _honest_again(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test index and evaluator are up and tell the truth."""
    yield
    if "town" in request.fixturenames:
        town: Town = request.getfixturevalue("town")
        town.index.lies.clear()
        town.evaluator.lies.clear()
        for url in town.adapters:
            town.down(url, False)
