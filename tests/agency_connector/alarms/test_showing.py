"""An alarm is seen by whoever uses the connector, until it is acknowledged."""

import pytest

from agency_connector.alarms import raise_alarm
from agency_connector.installation import Installation
from tests.agency_connector.conftest import Town

SENTENCE = "the log did not honour a receipt: phone the steward"


@pytest.fixture
def alarmed(town: Town) -> Installation:
    installation = town.founded("police")
    with installation.database.write() as connection:
        raise_alarm(connection, kind="receipt-overdue", subject="x", sentence=SENTENCE, now=1)
    return installation


@pytest.mark.parametrize("words", ["alarms", "status", "doctor"])
def test_a_command_shows_it_and_exits_1(town: Town, alarmed: Installation, words: str) -> None:
    shown = town.run(alarmed.home, words)
    assert SENTENCE in shown.output
    assert shown.exit_code == 1


def test_it_is_shown_until_a_person_acknowledges_it(town: Town, alarmed: Installation) -> None:
    done = town.run(alarmed.home, "alarms", "--acknowledge", "1")
    assert done.exit_code == 0, done.output
    after = town.run(alarmed.home, "alarms")
    assert (after.exit_code, after.output) == (0, "There is no alarm.\n")
    assert SENTENCE not in town.run(alarmed.home, "doctor").output
    assert "acknowledged by" in town.run(alarmed.home, "alarms", "--all").output


def test_an_alarm_that_is_not_open_cannot_be_acknowledged(
    town: Town, alarmed: Installation
) -> None:
    refused = town.run(alarmed.home, "alarms", "--acknowledge", "2")
    assert refused.exit_code == 1
    assert "there is no open alarm 2" in refused.output
