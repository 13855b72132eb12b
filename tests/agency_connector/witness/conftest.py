"""Three agencies that witness a log, of which an index can show each another history."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import Result

from agency_connector.installation import Installation
from agency_connector.trust import directory
from agency_connector.witness import witnessing
from foundation.clock import now_ms
from tests.agency_connector.conftest import Town
from tests.agency_connector.fake_services import listening
from tests.agency_connector.towns import OriginalTowns
from tests.agency_connector.witness.views import View
from tests.conftest import Databases, FakeClock
from tests.protocol.log.trees import GrownLog, leaf, leaves


@dataclass
class Three:
    """Police, council and health, and two histories of one log that part after ten entries."""

    town: Town
    police: Installation
    council: Installation
    health: Installation
    honest: View
    other: View

    def command(self, agency: Installation, *words: str, typed: str = "") -> Result:
        """Run a command of the agency's with what a person types; it has the machine's clock."""
        self.town.clock.advance(now_ms() - self.town.clock())
        settings = agency.home / "connector.toml"
        text = settings.read_text().replace(self.town.index.url, self.honest.url)
        settings.write_text(text)
        return self.town.run(agency.home, *words, typed=typed)


def witnessed(town: Town) -> None:
    """Let three agencies declare a key, witness ten entries, and know the keys of the others."""
    police = town.founded("police")
    council = town.joined("council", police)
    health = town.joined("health", council)
    honest = View(town.index, GrownLog(leaves(10)))
    with listening(honest) as honest.url:
        for agency in (police, council, health):
            witnessing.witness(honest.shown_to(agency))
        for agency in (police, council, health):
            directory.refresh(honest.shown_to(agency))


@pytest.fixture(scope="session")
def original_towns(
    lasting_url: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> OriginalTowns:
    """The towns that are made once and copied."""
    return OriginalTowns(lasting_url, tmp_path_factory.mktemp)


@pytest.fixture
def three(
    original_towns: OriginalTowns, fresh_url: Databases, clock: FakeClock, tmp_path: Path
) -> Iterator[Three]:
    """Everybody has declared a key and knows those of the others."""
    with original_towns.copied(witnessed, fresh_url, clock, tmp_path) as town:
        honest = View(town.index, GrownLog(leaves(10)))
        other = View(town.index, GrownLog(leaves(10)))
        with listening(honest) as honest.url, listening(other) as other.url:
            agencies = (town.opened[agency] for agency in ("police", "council", "health"))
            shown = [honest.shown_to(agency) for agency in agencies]
            honest.log.append(leaves(10, first=10))
            other.log.append([leaf(1_000), *leaves(9, first=11)])
            yield Three(town, *shown, honest, other)
