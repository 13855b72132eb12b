"""The officers' pages, as a browser without JavaScript uses them."""

import re
from typing import Any

import pytest
import requests
from flask import Flask

from agency_connector.app import create_app
from agency_connector.pages import local_users
from tests.agency_connector.lookups.county import County, new_id
from tests.agency_connector.pages.browser import Browser, forms
from tests.conftest import FakeClock

HOUR_MS = 3_600_000


def unplug(*_: Any) -> None:
    raise requests.ConnectionError


def title(text: str) -> str:
    found = re.search(r"<title>(.*?)</title>", text)
    assert found
    return found[1]


def test_whoever_has_no_session_is_led_to_sign_in(app: Flask) -> None:
    client = app.test_client()
    for path in ("/", "/references", f"/checks/{new_id()}", f"/references/{new_id()}"):
        answer = client.get(path)
        assert answer.status_code == 303, path
        assert answer.location in ("/sign-in", f"/sign-in?then={path}"), path
    for path in ("/checks", "/references", f"/checks/{new_id()}/wider", "/sign-out"):
        assert client.post(path).location == "/sign-in", path


def test_a_wrong_token_does_not_sign_in(app: Flask) -> None:
    client = app.test_client()
    answer = client.post("/sign-in", data={"token": "ifi-local-" + "A" * 43})
    assert answer.status_code == 403
    assert "not one of this connector" in answer.text
    assert "Set-Cookie" not in answer.headers


def test_the_cookie_is_kept_from_scripts_and_other_sites(town: County, app: Flask) -> None:
    token = local_users.new_token(town.police, "pc-archer")
    answer = app.test_client().post("/sign-in", data={"token": token})
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("session-police=")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert token not in cookie


def test_a_check_leads_to_its_answer_under_a_random_id(officer: Browser) -> None:
    sent = officer.check()
    assert sent.status_code == 303
    assert re.fullmatch(r"/checks/[A-Za-z0-9_-]{22}", sent.location)
    page = officer.get(sent.location)
    assert title(page.text) == "1 partner is involved \u2013 Check a name"
    assert 'href="tel:01632960200">01632 960200</a>' in page.text
    assert "Almost certainly the same person" in page.text
    assert "It is not evidence of wrongdoing." in page.text
    assert "Being listed means a team is involved" in page.text
    assert officer.get(sent.location).text.replace("nonce", "").count("01632 960200") == 1


def test_no_name_stands_in_an_address_or_a_title(officer: Browser) -> None:
    sent = officer.check()
    page = officer.get(sent.location)
    failed = officer.check(year="2999")
    addresses = " ".join(re.findall(r'(?:href|action|src)="([^"]*)"', page.text + failed.text))
    for word in ("Shula", "Hebden", "1958"):
        assert word not in sent.location + addresses + title(page.text) + title(failed.text)


def test_a_form_sent_twice_is_one_check(town: County, officer: Browser) -> None:
    form = officer.get()
    typed = {
        "full_name": "Shula Hebden", "day": "8", "month": "8", "year": "1958",
        "purpose": "safeguarding", "reason": "Welfare visit",
    }  # fmt: skip
    first = officer.send(form, "/checks", **typed)
    second = officer.send(form, "/checks", **typed)
    assert first.location == second.location
    assert len(town.consultations()) == 1


def test_a_form_that_was_changed_after_going_back_is_a_new_check(
    town: County, officer: Browser
) -> None:
    form = officer.get()
    typed = {
        "full_name": "Shula Hebden", "day": "8", "month": "8", "year": "1958",
        "purpose": "safeguarding", "reason": "Welfare visit",
    }  # fmt: skip
    first = officer.send(form, "/checks", **typed)
    second = officer.send(form, "/checks", **{**typed, "full_name": "Nelson Gabriel"})
    assert second.status_code == 303
    assert first.location != second.location
    assert "Nelson Gabriel" in officer.get(second.location).text
    assert len(town.consultations()) == 2


def test_looking_wider_is_one_button(officer: Browser, town: County) -> None:
    page = officer.get(officer.check().location)
    [action] = [action for action in forms(page) if action.endswith("/wider")]
    wide = officer.send(page, action)
    assert wide.status_code == 303
    text = officer.get(wide.location).text
    assert "Your first check found Borchester Council: phone them." in text
    assert "Wider: people who may be the same" in text
    assert len(town.consultations()) == 2


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"full_name": ""}, "Enter the full name"),
        ({"reason": " "}, "Enter the reason in your own words"),
        ({"purpose": ""}, "Choose the purpose"),
        ({"day": "31", "month": "2"}, "there is no such day"),
        ({"year": "2999"}, "lies in the future"),
        ({"month": ""}, "Date of birth"),
        ({"postcode": "nowhere"}, "Postcode"),
        ({"full_name": "x" * 301}, "Shorten this to 300 characters or fewer"),
        ({"reason": "x" * 1001}, "Shorten the reason"),
        ({"identifier": "943 476 5919"}, "Choose which number this is"),
        ({"identifier": "943 476 5910", "identifier_kind": "nhs"}, "breaks its own rules"),
        ({"purpose": "curiosity"}, "purpose is not on the partnership"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(
    officer: Browser, town: County, typed: dict[str, str], words: str
) -> None:
    answer = officer.check(**typed)
    assert answer.status_code == 422
    assert title(answer.text) == "Error: Check a name"
    assert words in answer.text.replace("&#39;", "'")
    assert forms(answer)["/checks"]["month"] == typed.get("month", "8")
    assert town.lookups_sent() == []


def test_what_was_typed_is_escaped(officer: Browser) -> None:
    name = "<script>alert(1)</script> \"'Hebden"
    answer = officer.check(full_name=name, purpose="")
    assert "<script" not in answer.text
    assert forms(answer)["/checks"]["full_name"] == name


def test_an_index_that_is_down_is_one_clear_line_and_nothing_else(
    officer: Browser, town: County
) -> None:
    town.index.before = unplug
    answer = officer.check()
    assert answer.status_code == 503
    assert "cannot be reached" in answer.text
    assert forms(answer)["/checks"]["full_name"] == "Shula Hebden"
    town.index.before = lambda _: None
    assert officer.send(answer, "/checks", purpose="safeguarding",
                        reason="Welfare visit").status_code == 303  # fmt: skip


@pytest.mark.parametrize("service", ["index", "evaluation"])
def test_what_could_not_be_searched_is_said_with_the_directory_as_last_seen(
    officer: Browser, town: County, service: str
) -> None:
    """Whoever has to know now learns whom to phone, and is not told that nobody is involved."""
    getattr(town, service).before = unplug
    answer = officer.check()
    assert answer.status_code == 503
    for words in ("Not searched", "this says nothing about the person", "Borchester Council",
                  'href="tel:01632960200"', "Felpersham Health", "today at 12:00"):  # fmt: skip
        assert words in answer.text, words
    assert "Borsetshire Police</b>" not in answer.text
    assert "None recorded" not in answer.text


def test_another_officers_answer_is_not_there(officer: Browser, town: County, app: Flask) -> None:
    location = officer.check().location
    other = Browser(app, town.police)
    other.sign_in("pc-perks")
    answer = other.get(location)
    assert answer.status_code == 404
    assert "Hebden" not in answer.text
    assert other.get("/checks/nonsense").status_code == 404


def test_a_form_of_another_site_or_session_is_refused(
    officer: Browser, town: County, app: Flask
) -> None:
    form = forms(officer.get())["/checks"]
    told = {**form, "full_name": "Shula Hebden", "year": "1958", "reason": "None at all"}
    other = Browser(app, town.police)
    other.sign_in("pc-perks")
    foreign = forms(other.get())["/checks"]["csrf"]
    for csrf in ("", "wrong", foreign, "é"):
        answer = officer.client.post("/checks", data={**told, "csrf": csrf})
        assert answer.status_code == 403
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:8301"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        assert officer.client.post("/checks", data=told, headers=headers).status_code == 403
        assert officer.client.post("/sign-in", data={}, headers=headers).status_code == 403
    assert town.lookups_sent() == []


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8300", "10.0.0.1", ""],
)
def test_a_name_that_was_rebound_to_this_machine_is_refused(officer: Browser, host: str) -> None:
    """A page of another site that has its own name point at 127.0.0.1 gets nothing."""
    for path in ("/", "/sign-in"):
        answer = officer.get(path, headers={"Host": host})
        assert answer.status_code == 421
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("host", ["127.0.0.1:8300", "localhost:8300", "[::1]:8300", "LOCALHOST"])
def test_this_machines_own_names_are_taken(app: Flask, host: str) -> None:
    assert app.test_client().get("/sign-in", headers={"Host": host}).status_code == 200


def test_a_session_ends(officer: Browser, town: County, clock: FakeClock) -> None:
    """By signing out, when it is idle, when the token is renewed, and with the process."""
    page = officer.get()
    officer.send(page, "/sign-out")
    assert officer.get().location == "/sign-in"
    officer.sign_in("pc-archer")
    clock.advance(HOUR_MS // 4)
    assert officer.get().location == "/sign-in?because=lapsed"
    officer.sign_in("pc-archer")
    assert officer.get().status_code == 200
    local_users.new_token(town.police, "pc-archer")
    assert officer.get().location == "/sign-in"
    officer.sign_in("pc-archer")
    cookie = officer.client.get_cookie("session-police")
    assert cookie is not None
    anew = create_app(town.police).test_client()
    anew.set_cookie("session-police", cookie.value)
    assert anew.get("/").location == "/sign-in"


def test_a_session_lasts_at_most_half_a_day(officer: Browser, clock: FakeClock) -> None:
    for _ in range(71):
        clock.advance(HOUR_MS // 6)
        assert officer.get("/references").status_code == 200
    clock.advance(HOUR_MS // 6)
    assert officer.get().location == "/sign-in?because=lapsed"


def test_every_page_keeps_to_itself(officer: Browser) -> None:
    """No store, no script, no inline style or handler, nothing from elsewhere, no framing."""
    check = officer.check().location
    pages = [officer.get(path) for path in ("/", check, "/references", "/sign-in", "/nowhere")]
    for page in (*pages, officer.check(year="2999")):
        policy = page.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'nonce-")
        assert "unsafe" not in policy
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["X-Frame-Options"] == "DENY"
        assert not re.search(
            r"<script|\sstyle=|\son[a-z]+=|https?://|src=|@import|url\(", page.text
        )
        nonce = re.search(r"'nonce-([^']+)'", policy)
        assert nonce
        assert page.text.count("<style") == page.text.count(f'<style nonce="{nonce[1]}"')


def test_someone_has_quoted_a_reference(town: County) -> None:
    reference = town.check().involved[0].reference
    council = town.connectors["council"]
    browser = Browser(create_app(council), council)
    browser.sign_in("jo")
    form = browser.get("/references")
    sent = browser.send(form, "/references", reference=reference.lower())
    assert re.fullmatch(r"/references/[A-Za-z0-9_-]{22}", sent.location)
    assert reference not in sent.location
    page = browser.get(sent.location).text
    for words in ("C-17", "Borsetshire Police", "Keeping a person safe", "01632 960100",
                  "Ring back on this number, not on one that the caller gives you."):  # fmt: skip
        assert words in page
    wrong = browser.send(form, "/references", reference="ABC")
    assert wrong.status_code == 422
    assert "ask the caller to read it again" in wrong.text
    other = Browser(browser.app, council)
    other.sign_in("ed")
    assert other.get(sent.location).status_code == 404


def test_a_form_that_is_too_large_is_refused(officer: Browser) -> None:
    answer = officer.check(full_name="x" * 70_000)
    assert answer.status_code == 413
    assert "text/html" in answer.content_type
