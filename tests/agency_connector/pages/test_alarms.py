"""Officers see an open alarm on every page and before each answer."""

import json

import pytest
from flask import Flask

from agency_connector.alarms import acknowledge, raise_alarm
from agency_connector.app import create_app
from agency_connector.installation import Installation
from foundation.database import StorageUnavailable
from tests.agency_connector.lookups.county import County
from tests.agency_connector.pages.browser import Browser
from tests.agency_connector.pages.test_commands import CHECK, run
from tests.conftest import FakeClock

SENTENCE = "the log did not honour a receipt: phone the <steward>"


@pytest.fixture(autouse=True)
def _alarm(town: County, monkeypatch: pytest.MonkeyPatch, clock: FakeClock) -> None:
    real = Installation.open.__func__  # type: ignore[attr-defined]  # the function of a classmethod
    monkeypatch.setattr(
        Installation, "open", classmethod(lambda cls, home, **_: real(cls, home, clock=clock))
    )
    with town.police.database.write() as connection:
        raise_alarm(connection, kind="receipt-overdue", subject="x", sentence=SENTENCE, now=1)


def test_every_page_shows_it_until_it_is_acknowledged(
    town: County, app: Flask, officer: Browser
) -> None:
    shown = "phone the &lt;steward&gt;"
    answer = officer.get(officer.check().location).text
    assert "01632 960200" in answer
    others = [officer.get(path).text for path in ("/", "/references", "/checks/none")]
    for page in (answer, *others, app.test_client().get("/sign-in").text):
        assert shown in page
        assert page.index(shown) < page.index("<h1")
    with town.police.database.write() as connection:
        acknowledge(connection, 1, "mary", 2)
    assert shown not in officer.get("/").text


def test_a_printed_answer_comes_after_it(town: County) -> None:
    typed = "Shula Hebden\n8 8 1958\n\n1\nWelfare visit\n"
    told = run(town, "police", "lookup", typed=typed)
    assert told.exit_code == 0, told.output
    assert told.stdout.startswith(f"ALARM 1: {SENTENCE}\n")
    assert "01632 960200" in told.stdout


def test_a_program_that_reads_the_answer_is_not_disturbed(town: County) -> None:
    told = run(town, "police", "lookup", "--json", "-", "--output", "json", typed=json.dumps(CHECK))
    assert json.loads(told.stdout)["involved"]
    assert SENTENCE in told.stderr


def test_the_page_of_a_broken_database_says_so_and_stands(
    town: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = create_app(town.police).test_client()

    def broken(*_: object) -> None:
        raise StorageUnavailable("the disk is full: make room")

    monkeypatch.setattr("agency_connector.alarms.showing.open_alarms", broken)
    page = client.get("/sign-in")
    assert page.status_code == 200
    assert "the alarms cannot be read" in page.text
