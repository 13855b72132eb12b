"""The supervisor's pages: nothing of a person before an opening; acts need a fresh sign-in."""

import dataclasses
import html
import re

import msgspec
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from agency_connector.app import create_app
from agency_connector.contacts import requests
from agency_connector.contacts.contact import NewContact, NewStep
from agency_connector.installation import Installation
from agency_connector.journal.journal import Journal
from agency_connector.justifying import checks
from agency_connector.justifying.checks import JustificationFirst
from agency_connector.justifying.justifications import Justifications
from agency_connector.settings import ChecksSettings
from agency_connector.sign_in.roles import Role
from agency_connector.supervising import storage
from schemas.checks import CheckRequest, TypedParticulars
from tests.agency_connector.lookups.county import County, new_id
from tests.agency_connector.pages.browser import forms
from tests.agency_connector.sign_in.people import Somebody, somebody

DAY_MS = 86_400_000


@pytest.fixture
def installation(town: County) -> Installation:
    """The police, whose people have accounts, and one of whom checked a name thrice yesterday."""
    for _ in range(3):
        town.check()
    town.clock.advance(DAY_MS)
    home = town.folder / "police"
    settings = home / "connector.toml"
    settings.write_text(settings.read_text() + "\n[sign_in]\naccounts = true\n")
    town.police.close()
    town.connectors["police"] = Installation.open(home, clock=town.clock)
    return town.police


@pytest.fixture
def app(installation: Installation) -> Flask:
    return create_app(installation)


@pytest.fixture
def sergeant(app: Flask, installation: Installation) -> Somebody:
    """A supervisor who has just signed in."""
    made = somebody(app, installation, "sgt-grundy", Role.SUPERVISOR)
    assert made.sign_in().location == "/supervision"
    return made


def words(page: TestResponse) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def open_first(who: Somebody) -> TestResponse:
    page = who.client.get("/supervision")
    path = next(path for path in forms(page) if path.endswith("/open"))
    return who.client.post(path, data=forms(page)[path])


def openings(installation: Installation) -> int:
    with installation.database.read() as connection:
        return storage.count(connection, "opened", 0, 2**60)


def test_the_list_names_officers_and_nobody_who_was_checked(sergeant: Somebody) -> None:
    page = sergeant.client.get("/supervision")
    said = words(page)
    assert "pc-archer" in said
    assert "one person 3 times without a case reference" in said
    assert "Wednesday" in said or "Thursday" in said
    for word in ("Shula", "Hebden", "Welfare visit"):
        assert word not in page.text


def test_opening_is_recorded_and_leads_to_a_page_without_the_person_in_address_or_title(
    sergeant: Somebody, installation: Installation
) -> None:
    assert openings(installation) == 0
    sent = open_first(sergeant)
    assert openings(installation) == 1
    assert re.fullmatch(r"/supervision/openings/[\w-]{22}", sent.location)
    page = sergeant.client.get(sent.location)
    assert "Shula Hebden" in words(page)
    assert "Welfare visit planned for tonight" in words(page)
    assert "Borchester Council" in words(page)
    assert "Shula" not in "".join(re.findall(r"<title>(.*?)</title>", page.text))


def test_a_verdict_needs_a_choice_and_words_and_then_stands_in_the_list(
    sergeant: Somebody,
) -> None:
    opened = open_first(sergeant).location
    path = f"{opened}/verdict"
    form = forms(sergeant.client.get(opened))[path]
    for typed, why in (({}, "Choose what you say"), ({"verdict": "ask"}, "Say in words")):
        answer = sergeant.client.post(path, data={**form, **typed})
        assert answer.status_code == 422
        assert why in words(answer)
    told = {**form, "verdict": "ask", "words": "Which case is this?"}
    assert sergeant.client.post(path, data=told).location == "/supervision"
    page = sergeant.client.get("/supervision")
    assert "Ask the officer" in words(page)
    assert "Which case is this?" not in page.text
    assert "Which case is this?" in words(sergeant.client.get(open_first(sergeant).location))


def test_acts_need_a_fresh_sign_in_and_reading_does_not(
    sergeant: Somebody, installation: Installation, town: County
) -> None:
    opened = open_first(sergeant).location
    for _ in range(3):
        town.clock.advance(5 * 60_000)
        assert sergeant.client.get("/supervision").status_code == 200
    again = open_first(sergeant)
    assert again.location.startswith("/sign-in")
    assert "because=again" in again.location
    assert openings(installation) == 1
    assert sergeant.client.get(opened).status_code == 200
    late = sergeant.client.post(f"{opened}/verdict", data={"csrf": sergeant.csrf()})
    assert late.location.startswith("/sign-in")


def test_another_supervisor_cannot_see_what_one_has_opened(
    sergeant: Somebody, app: Flask, installation: Installation
) -> None:
    opened = open_first(sergeant).location
    other = somebody(app, installation, "sgt-horrobin", Role.SUPERVISOR)
    other.sign_in()
    assert other.client.get(opened).status_code == 404
    assert other.client.get("/supervision/openings/x").status_code == 404


def test_a_supervisor_does_not_open_their_own_check(app: Flask, installation: Installation) -> None:
    archer = somebody(app, installation, "pc-archer", Role.SUPERVISOR)
    archer.sign_in()
    answer = open_first(archer)
    assert answer.status_code == 404
    assert "your own" in words(answer)
    assert openings(installation) == 0


def test_overdue_requests_and_open_crime_questions_are_listed_without_their_words(
    sergeant: Somebody, installation: Installation, town: County
) -> None:
    assert "None is overdue, and no question is open." in words(sergeant.client.get("/supervision"))
    late, closed = (town.check().involved[0].reference for _ in range(2))
    checks = Journal.of(installation).of_officer("pc-archer", 0, town.clock() + 1, 2)
    made = {
        check.kept.findings.found[0].reference: check.id for check in checks if check.kept
    }  # fmt: skip
    for reference in (late, closed):
        new = NewContact(new_id(), made[reference], reference, "Zanzibar", "Pc Archer", None)
        contact = requests.ask(installation, "pc-archer", new)
    requests.step(installation, "pc-archer", contact.id, NewStep("spoken", "Pc Archer"))
    town.clock.advance(DAY_MS + 1)
    assert sergeant.sign_in().location == "/supervision"
    page = sergeant.client.get("/supervision")
    assert "pc-archer Asked Borchester Council yesterday at 12:00: no answer yet." in words(page)
    assert "nobody has said whether a crime was disclosed" in words(page)
    assert "pc-archer Asked Borchester Council yesterday at 12:00: spoken." in words(page)
    assert "Zanzibar" not in page.text
    month = words(sergeant.client.get("/supervision/months"))
    assert "Requests to phone that we sent Asked 1 Spoken 1" in month
    assert "Checks after which they spoke 1" in month
    assert "for: Front desk" in month


def test_the_month_counts_checks_and_what_came_of_them(sergeant: Somebody) -> None:
    page = sergeant.client.get("/supervision/months")
    said = words(page)
    assert "January 2026" in said
    assert "Made 3" in said
    assert "Share that found nobody 0%" in said
    assert "Nothing said 3" in said
    assert sergeant.client.get("/supervision/months/2025-12").status_code == 200
    for wrong in ("2026-02", "2020-01", "x"):
        assert sergeant.client.get(f"/supervision/months/{wrong}").status_code == 404


def test_a_justification_in_each_state_stands_in_the_list(
    sergeant: Somebody, installation: Installation
) -> None:
    """Also of a check that was asked for more words and then answered at once."""
    settings = msgspec.structs.replace(
        installation.settings, checks=ChecksSettings(justify_one_in=1)
    )
    drawing = dataclasses.replace(installation, settings=settings)
    kept = Justifications(drawing)
    for act in (kept.abandon, lambda told: checks.answer_at_once(drawing, told)):
        wanted = CheckRequest(
            check=new_id(), particulars=TypedParticulars(full_name="Nelson Gabriel", born="1933"),
            purpose="safeguarding", reason="Welfare visit",
        )  # fmt: skip
        with pytest.raises(JustificationFirst) as first:
            checks.check(drawing, "pc-archer", wanted)
        told = kept.find("pc-archer", first.value.justification)
        assert told is not None
        act(told)
    said = words(sergeant.client.get("/supervision"))
    for state in ("check not made", "answered at once instead", "not given yet"):
        assert state in said, state
