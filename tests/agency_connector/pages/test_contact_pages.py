"""Ask them to phone me: from the answer to the desk and back, without a script."""

import html
import re
from collections.abc import Callable

import pytest
import requests as requests_library
from flask import Flask
from werkzeug.test import TestResponse

from agency_connector.app import create_app
from agency_connector.contacts import requests
from agency_connector.contacts.exchange import exchange
from tests.agency_connector.lookups.county import County, new_id
from tests.agency_connector.pages.browser import Browser, forms

HOUR_MS = 3_600_000
WORDS = "About the tenancy of Zanzibar <b>House</b>\nBefore six, please"


def words(page: TestResponse) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


@pytest.fixture
def desk(town: County) -> Browser:
    """A browser in which jo of the council's front desk has signed in."""
    made = Browser(create_app(town.connectors["council"]), town.connectors["council"])
    assert made.sign_in("jo").status_code == 303
    return made


@pytest.fixture
def poll(town: County) -> Callable[[], None]:
    """Have both agencies fetch what waits for them."""

    def both() -> None:
        for agency in ("council", "police"):
            exchange(town.connectors[agency])

    return both


def cut(town: County) -> None:
    """Let nothing reach the index."""
    town.index.before = lambda _: (_ for _ in ()).throw(requests_library.ConnectionError)


def ask(officer: Browser, **typed: str) -> TestResponse:
    """Check a name, and ask the team that is found to phone."""
    answer = officer.get(officer.check().location)
    path = re.findall(r'href="(/checks/[\w-]+/requests/1)"', answer.text)[0]
    return officer.send(officer.get(path), path, **{"words": WORDS, **typed})


def open_first(desk: Browser) -> TestResponse:
    """Open the first request of the desk's list."""
    page = desk.get("/requests")
    path = next(path for path in forms(page) if path.endswith("/open"))
    sent = desk.send(page, path)
    return desk.get(sent.location)


def take(who: Browser, page: TestResponse, **typed: str) -> TestResponse:
    """Send the form of a step, with these fields; return the page that follows."""
    action = next(path for path in forms(page) if path.endswith("/steps"))
    sent = who.client.post(action, data={**forms(page)[action], **typed})
    return who.get(sent.location) if sent.status_code == 303 else sent


def test_a_request_goes_to_the_desk_and_its_answer_comes_back(
    officer: Browser, desk: Browser, poll: Callable[[], None]
) -> None:
    sent = ask(officer, phone="01632 960111")
    assert sent.status_code == 303
    own = officer.get(sent.location)
    assert "You asked Borchester Council to phone you" in words(own)
    assert WORDS.partition("\n")[0] in words(own)
    assert "Asked" in words(officer.get("/my-checks"))
    poll()
    listed = desk.get("/requests")
    assert "Borsetshire Police , to Front desk" in words(listed)
    for hidden in ("Zanzibar", "C-17", "01632 960111"):
        assert hidden not in listed.text
    page = open_first(desk)
    told = words(page)
    for said in ("This is not a crime report.", "About the tenancy of Zanzibar <b>House</b>",
                 "C-17", "01632 960100", "01632 960111", "ask for pc-archer",
                 "This number is signed by Borsetshire Police"):  # fmt: skip
        assert said in told, said
    assert "We will phone" in words(take(desk, page, step="will-phone"))
    poll()
    assert "They will phone" in words(officer.get("/my-checks"))
    done = take(desk, open_first(desk), step="spoken", crime="yes", crime_reference="CR/1")
    assert "A crime was disclosed: reference CR/1." in words(done)
    poll()
    assert "A crime was disclosed: reference CR/1." in words(officer.get(sent.location))
    assert "Nothing waits." in words(desk.get("/requests"))


def test_what_does_not_fit_is_told_and_nothing_is_sent(officer: Browser, town: County) -> None:
    for typed, said in (
        ({"words": " \u200b"}, "Say what you would like to talk about"),
        ({"words": "x" * 301}, "it is 1 too long"),
        ({"phone": "the office"}, "Write the number with digits and spaces"),
    ):
        page = ask(officer, **typed)
        assert page.status_code == 422
        assert said in words(page)
        assert "<title>Error: " in page.text
    assert requests.sent_by(town.police, "pc-archer") == ()
    assert 'maxlength="300"' in page.text
    assert "This is not a crime report." in words(page)


def test_the_same_form_twice_is_one_request_and_an_open_one_is_not_asked_again(
    officer: Browser, town: County
) -> None:
    answer = officer.get(officer.check().location)
    path = re.findall(r'href="(/checks/[\w-]+/requests/1)"', answer.text)[0]
    form = officer.get(path)
    first, second = (officer.send(form, path, words=WORDS) for _ in range(2))
    assert first.location == second.location
    assert len(requests.sent_by(town.police, "pc-archer")) == 1
    again = officer.send(officer.get(path), path, words=WORDS)
    assert again.status_code == 409
    assert "the request is open" in words(again)


def test_a_request_is_its_officers_and_a_received_one_no_officers(
    officer: Browser, desk: Browser, app: Flask, town: County, poll: Callable[[], None]
) -> None:
    own = ask(officer).location
    other = Browser(app, town.police)
    other.sign_in("pc-grundy")
    check = own.rpartition("/")[2]
    for path in (own, f"/my-requests/{new_id()}", "/my-requests/x", f"/requests/{check}"):
        assert other.get(path).status_code == 404, path
    poll()
    (told,) = requests.received(town.connectors["council"])
    assert desk.get(f"/requests/{told.id}").status_code == 200
    assert desk.get(f"/my-requests/{told.id}").status_code == 404
    assert desk.get(f"/requests/{told.id}/{new_id()}").status_code == 404


def test_a_hit_that_is_not_in_the_answer_is_nowhere(officer: Browser) -> None:
    answer = officer.check().location
    for number in ("0", "2", "-1", "x", "٣", "100"):
        assert officer.get(f"{answer}/requests/{number}").status_code == 404, number


def test_a_request_can_be_answered_when_the_record_cannot_be_shown(
    officer: Browser, desk: Browser, town: County, poll: Callable[[], None]
) -> None:
    ask(officer)
    poll()
    (told,) = requests.received(town.connectors["council"])
    town.clock.advance(25 * HOUR_MS)
    desk.sign_in("jo")
    page = desk.get("/requests")
    cut(town)
    opened = desk.send(page, f"/requests/{told.id}/open")
    assert opened.status_code == 200
    assert "Your record cannot be shown" in words(opened)
    assert "Overdue" in words(page)
    refused = take(desk, opened, step="refused", crime="no")
    assert refused.status_code == 422
    assert "Say why you refuse" in words(refused)
    told_why = take(desk, refused, step="refused", crime="no", words="Another team has it")
    assert "Your answer is on its way." in words(told_why)


def test_who_may_be_somebody_else_is_kept_back_until_they_confirm(
    officer: Browser, desk: Browser, town: County, poll: Callable[[], None]
) -> None:
    wide = town.wider(town.check(born="1958").check)
    assert wide.involved
    path = f"/checks/{wide.check}/requests/1"
    officer.send(officer.get(path), path, words=WORDS)
    poll()
    page = open_first(desk)
    assert "C-17" not in page.text
    action = next(path for path in forms(page) if path.endswith("/confirmed"))
    confirmed = desk.get(desk.send(page, action).location)
    assert "C-17" in confirmed.text


def test_an_officer_closes_what_was_spoken_of_and_answers_the_open_question(
    officer: Browser, poll: Callable[[], None]
) -> None:
    own = officer.get(ask(officer).location)
    assert take(officer, own, step="spoken").status_code == 422
    open_one = take(officer, own, step="spoken", crime="unknown")
    assert "Crime question open" in words(open_one)
    poll()
    done = take(officer, open_one, crime="no")
    assert "No crime was disclosed." in words(done)
    assert "Crime question open" not in words(done)


def test_without_the_index_it_is_on_its_way(officer: Browser, town: County) -> None:
    answer = officer.get(officer.check().location)
    path = re.findall(r'href="(/checks/[\w-]+/requests/1)"', answer.text)[0]
    form = officer.get(path)
    cut(town)
    own = officer.get(officer.send(form, path, words=WORDS).location)
    assert "It is on its way." in words(own)
