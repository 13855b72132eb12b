"""Sessions and forms sent too late: how they end, and to whom a form comes back."""

import pytest
from flask import Flask

from agency_connector.sign_in import trail
from agency_connector.sign_in.kept_forms import KEPT_MS, MOST, KeptForms
from agency_connector.sign_in.roles import Role
from tests.agency_connector.pages.browser import forms
from tests.agency_connector.sign_in.conftest import Connector
from tests.agency_connector.sign_in.people import Somebody, somebody
from tests.conftest import FakeClock

MINUTE_MS = 60_000
FORM = {"full_name": "Shula Hebden", "reason": "Welfare visit", "year": "1958"}


@pytest.fixture
def officer(connector: Connector, by_accounts: Flask) -> Somebody:
    """An officer who has signed in."""
    who = somebody(by_accounts, connector.installation)
    assert who.sign_in().status_code == 303
    return who


def sent_late(who: Somebody, clock: FakeClock, path: str = "/checks") -> str:
    """Send a form after the session has ended; return where the sign-in leads on."""
    csrf = who.csrf()
    clock.advance(15 * MINUTE_MS)
    answer = who.client.post(path, data={**FORM, "csrf": csrf})
    assert answer.status_code == 303
    page = who.client.get(answer.location)
    assert "You were signed out" in page.text
    assert "Hebden" not in page.text
    return forms(page)["/sign-in"]["then"]


def test_a_session_ends_after_15_minutes_without_use(officer: Somebody, clock: FakeClock) -> None:
    for _ in range(3):
        clock.advance(15 * MINUTE_MS - 1)
        assert officer.client.get("/session").status_code == 200
    clock.advance(15 * MINUTE_MS)
    assert "because=lapsed" in officer.client.get("/session").location


def test_a_session_ends_after_12_hours_however_it_is_used(
    officer: Somebody, clock: FakeClock
) -> None:
    for _ in range(12 * 6 - 1):
        clock.advance(10 * MINUTE_MS)
        assert officer.client.get("/session").status_code == 200
    clock.advance(10 * MINUTE_MS)
    assert officer.client.get("/session").status_code == 303


def test_the_end_is_announced_before_and_clears_what_is_shown(officer: Somebody) -> None:
    """By a style alone after 13 minutes; a page without a form to fill in leaves at the end."""
    page = officer.client.get("/session")
    assert "You will be signed out in 2 minutes" in page.text
    assert "linear 780s forwards" in page.text
    assert page.headers["Refresh"] == "905; url=/session-over"
    assert "Refresh" not in officer.client.get("/").headers
    assert "<script" not in page.text


def test_where_a_page_stood_is_said_what_became_of_it(officer: Somebody, clock: FakeClock) -> None:
    assert "You are still signed in" in officer.client.get("/session-over").text
    clock.advance(16 * MINUTE_MS)
    assert "You have been signed out" in officer.client.get("/session-over").text


def test_the_id_of_a_session_is_another_after_each_sign_in(
    officer: Somebody, clock: FakeClock
) -> None:
    before = officer.client.get_cookie("session-police")
    clock.advance(MINUTE_MS)
    assert officer.sign_in().status_code == 303
    after = officer.client.get_cookie("session-police")
    assert before is not None
    assert after is not None
    assert before.value != after.value
    old = officer.app.test_client()
    old.set_cookie("session-police", before.value)
    assert old.get("/session").status_code == 303


def test_a_session_id_that_a_browser_brings_is_never_taken_up(
    connector: Connector, by_accounts: Flask
) -> None:
    who = somebody(by_accounts, connector.installation)
    who.client.set_cookie("session-police", "chosen-by-somebody-else")
    who.sign_in()
    cookie = who.client.get_cookie("session-police")
    assert cookie is not None
    assert cookie.value != "chosen-by-somebody-else"


def test_signing_out_ends_the_session_and_keeps_no_form(
    connector: Connector, officer: Somebody
) -> None:
    csrf = officer.csrf()
    assert officer.client.post("/sign-out", data={"csrf": csrf}).location == "/sign-in"
    late = officer.client.post("/checks", data={**FORM, "csrf": csrf})
    assert late.location == "/sign-in"
    assert trail.events(connector.installation)[-1].kind == "signed-out"


def test_a_form_sent_too_late_comes_back_after_the_sign_in(
    officer: Somebody, clock: FakeClock
) -> None:
    then = sent_late(officer, clock)
    answer = officer.sign_in(then=then)
    assert answer.location == then
    page = officer.client.get(then)
    back = forms(page)["/checks"]
    assert (back["full_name"], back["year"]) == ("Shula Hebden", "1958")
    assert ">Welfare visit</textarea>" in page.text
    assert "nothing was checked" in page.text
    assert "Hebden" not in then


def test_it_comes_back_to_nobody_else(
    connector: Connector, by_accounts: Flask, officer: Somebody, clock: FakeClock
) -> None:
    then = sent_late(officer, clock)
    other = somebody(by_accounts, connector.installation, "pc-perks")
    other.client = officer.client  # at the same machine
    assert other.sign_in(then=then).location == then
    page = other.client.get(then)
    assert page.status_code == 404
    assert "Hebden" not in page.text


def test_it_is_kept_for_ten_minutes(officer: Somebody, clock: FakeClock) -> None:
    then = sent_late(officer, clock)
    clock.advance(KEPT_MS)
    officer.sign_in(then=then)
    assert officer.client.get(then).status_code == 404


def test_a_form_that_was_not_the_sessions_own_is_not_kept(
    officer: Somebody, clock: FakeClock
) -> None:
    officer.csrf()
    clock.advance(15 * MINUTE_MS)
    for csrf in ("", "wrong"):
        answer = officer.client.post("/checks", data={**FORM, "csrf": csrf})
        assert "kept-forms" not in answer.location


def test_any_other_form_is_shown_to_be_sent_again(
    connector: Connector, by_accounts: Flask, clock: FakeClock
) -> None:
    who = somebody(by_accounts, connector.installation, "jo", Role.DESK)
    who.sign_in()
    csrf = who.csrf()
    clock.advance(15 * MINUTE_MS)
    late = who.client.post("/references", data={"reference": "<b>ABC", "csrf": csrf})
    then = forms(who.client.get(late.location))["/sign-in"]["then"]
    who.sign_in(then=then)
    page = who.client.get(then)
    assert "<b>ABC" not in page.text
    sent = forms(page)["/references"]
    assert sent["reference"] == "<b>ABC"
    assert sent["csrf"] != csrf
    assert who.client.post("/references", data=sent).status_code == 422


def test_kept_forms_are_sealed_one_for_each_officer_and_bounded(clock: FakeClock) -> None:
    kept = KeptForms(clock)
    first = kept.keep("jo", "/checks", FORM.items())
    assert b"Hebden" not in b"".join(each.sealed for each in kept._held.values())
    second = kept.keep("jo", "/checks", FORM.items())
    assert kept.find(first, "jo") is None
    assert kept.find(second, "ed") is None
    found = kept.find(second, "jo")
    assert found is not None
    assert found.values == FORM
    assert "Hebden" not in repr(found)
    for number in range(MOST + 5):
        kept.keep(f"user-{number}", "/checks", FORM.items())
    assert len(kept._held) == MOST
    assert KeptForms(clock).find(second, "jo") is None


def test_what_proves_who_somebody_is_is_never_kept(clock: FakeClock) -> None:
    """A complete scan that was sent too late has the second person's password and code in it."""
    kept = KeptForms(clock)
    typed = {"csrf": "c", "ground": "Review", "user_name": "bob", "password": "p", "code": "123456"}
    found = kept.find(kept.keep("jo", "/audits/everything", typed.items()), "jo")
    assert found is not None
    assert found.values == {"ground": "Review", "user_name": "bob"}


def test_a_refused_page_is_recorded(connector: Connector, officer: Somebody) -> None:
    assert officer.client.get("/references").status_code == 403
    event = trail.events(connector.installation)[-1]
    assert (event.kind, event.user) == ("refused", "pc-archer")
    assert event.because == "not-your-role GET /references"
