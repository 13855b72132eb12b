"""Connectors of several agencies, on a fake index and evaluator that can be made to lie."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import stamina
from click.testing import CliRunner, Result

from agency_connector.cli import main
from agency_connector.database import LOCATION
from agency_connector.installation import Installation
from agency_connector.trust.comparing import fingerprint_of
from tests.agency_connector.bare import BareConnector, with_keys
from tests.agency_connector.fake_services import PARTNERSHIP, FakeEvaluator, FakeIndex, listening
from tests.agency_connector.sign_in.people import cheap_hasher, hashing
from tests.conftest import FakeClock


@dataclass
class Town:
    """The services, and the connectors by agency."""

    index: FakeIndex
    evaluator: FakeEvaluator
    folder: Path
    migrated_url: Callable[[str], str]
    clock: FakeClock
    opened: dict[str, Installation] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)

    def init(self, agency: str) -> Path:
        """Make a connector, registered and not enrolled."""
        home = self.folder / agency
        made = self.run(
            home, "init", "--agency", agency, "--name", agency.title(), "--index", self.index.url,
            "--evaluator", self.evaluator.url, "--seal", "unsealed",
            "--database", self.migrated_url(LOCATION),
        )  # fmt: skip
        assert made.exit_code == 0, made.output
        self.codes[agency] = self.index.register(agency, agency.title())
        return home

    def run(self, home: Path, *words: str, typed: str = "") -> Result:
        """Run a command with what a person types."""
        return CliRunner().invoke(main, ["--home", str(home), *words], input=typed)

    def enrolled(self, agency: str) -> Installation:
        """Return the connector of `agency`, enrolled."""
        from agency_connector.trust.enrolment import enrol

        self.opened[agency] = Installation.open(self.init(agency), clock=self.clock)
        enrol(self.opened[agency], lambda _: self.codes[agency])
        return self.opened[agency]

    def founded(self, agency: str) -> Installation:
        """Return the connector of `agency`, which has founded the partnership."""
        from agency_connector.trust.epochs import found

        installation = self.enrolled(agency)
        found(installation, self.typing(self.index.digits(), self.evaluator.digits()),
              self.clock() + 10**10)  # fmt: skip
        return installation

    def joined(self, agency: str, by: Installation) -> Installation:
        """Return the connector of `agency`, to which `by` has handed over."""
        from agency_connector.trust import handover

        installation = self.enrolled(agency)
        handover.send(by, agency, None, self.typing(self.digits(installation)))
        handover.receive(installation, None, self.typing(self.digits(by)))
        return installation

    def digits(self, installation: Installation) -> str:
        """What the person at this agency reads out."""
        return fingerprint_of(installation.keys)

    @staticmethod
    def typing(*lines: str) -> Callable[[str], str]:
        """Return a person who types these lines and then nothing more."""
        waiting = iter(lines)

        def ask(question: str) -> str:
            line = next(waiting, None)
            assert line is not None, f"asked one question too many: {question}"
            return line

        return ask

    def close(self) -> None:
        for installation in self.opened.values():
            installation.close()


@pytest.fixture(autouse=True)
def _retries_do_not_wait() -> Iterator[None]:
    with stamina.set_testing(True, attempts=10, cap=True):
        yield


@pytest.fixture(scope="session", autouse=True)
def _passwords_cost_little() -> Iterator[None]:
    """What the product's own hashing costs is tested in sign_in/test_accounts.py."""
    with hashing(cheap_hasher()):
        yield


@pytest.fixture
def town(tmp_path: Path, migrated_url: Callable[[str], str], clock: FakeClock) -> Iterator[Town]:
    """A fake index and evaluator without any agency yet; on SQLite once, on PostgreSQL once."""
    index = FakeIndex(f"index/{PARTNERSHIP}", clock)
    evaluator = FakeEvaluator(f"evaluator/{PARTNERSHIP}", clock)
    with ExitStack() as stack:
        index.url = stack.enter_context(listening(index))
        evaluator.url = stack.enter_context(listening(evaluator))
        town = Town(index, evaluator, tmp_path / "agencies", migrated_url, clock)
        yield town
        town.close()


@pytest.fixture
def bare(
    tmp_path: Path, migrated_url: Callable[[str], str], clock: FakeClock
) -> Iterator[BareConnector]:
    """A connector that nobody has enrolled: on SQLite once, on PostgreSQL once."""
    (tmp_path / "state").mkdir()
    with_keys(tmp_path)
    made = BareConnector(tmp_path, migrated_url(LOCATION), clock)
    yield made
    made.close()
