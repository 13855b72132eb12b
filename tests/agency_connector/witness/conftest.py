"""Three agencies that witness a log, of which an index can show each another history."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from click.testing import Result

from agency_connector.installation import Installation
from agency_connector.trust import directory
from agency_connector.witness import witnessing
from foundation.clock import now_ms
from tests.agency_connector.conftest import Town
from tests.agency_connector.fake_services import listening
from tests.agency_connector.witness.views import View
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


@pytest.fixture
def three(town: Town) -> Iterator[Three]:
    """Everybody has declared a key and knows those of the others."""
    police = town.founded("police")
    council = town.joined("council", police)
    health = town.joined("health", council)
    honest = View(town.index, GrownLog(leaves(10)))
    other = View(town.index, GrownLog(leaves(10)))
    with ExitStack() as stack:
        honest.url = stack.enter_context(listening(honest))
        other.url = stack.enter_context(listening(other))
        shown = [honest.shown_to(agency) for agency in (police, council, health)]
        for agency in shown:
            witnessing.witness(agency)
        for agency in shown:
            directory.refresh(agency)
        honest.log.append(leaves(10, first=10))
        other.log.append([leaf(1_000), *leaves(9, first=11)])
        yield Three(town, *shown, honest, other)
