"""My checks, what came of them, prints, and what a session remembers: at the edges."""

import dataclasses

import msgspec
import pytest
from flask import Flask

from agency_connector.app import create_app
from agency_connector.journal.journal import Journal
from agency_connector.justifying.justifications import Justifications
from agency_connector.settings import ChecksSettings
from protocol.encoding import b64u_decode
from tests.agency_connector.lookups.county import DESK, County, new_id
from tests.agency_connector.pages.browser import Browser, forms
from tests.conftest import FakeClock

MINUTE_MS = 60_000
DAY_MS = 86_400_000
WORDS = "Her neighbour rang about shouting tonight and we go there now"


@pytest.fixture
def strict(town: County) -> Browser:
    """An officer whose every check is asked for a fuller justification."""
    settings = msgspec.structs.replace(
        town.police.settings, checks=ChecksSettings(justify_one_in=1)
    )
    installation = dataclasses.replace(town.police, settings=settings)
    browser = Browser(create_app(installation), installation)
    browser.sign_in("pc-archer")
    return browser


def test_after_28_days_no_name_is_shown(officer: Browser, clock: FakeClock) -> None:
    location = officer.check().location
    for days, shown in ((27, True), (2, False)):
        clock.advance(days * DAY_MS)
        officer.sign_in("pc-archer")
        for path in ("/my-checks", location, f"{location}/record"):
            text = officer.get(path).text
            assert ("Shula Hebden" in text) is shown, path
            assert ("1958" in text) is shown, path
            assert "1 partner is involved" in text
    assert officer.get(f"{location}/again").status_code == 404


def test_only_ones_own_checks_are_listed(officer: Browser, app: Flask, town: County) -> None:
    officer.check()
    other = Browser(app, town.police)
    other.sign_in("pc-perks")
    assert "Hebden" in officer.get("/my-checks").text
    assert "Hebden" not in other.get("/my-checks").text


def test_another_officers_check_is_neither_judged_nor_printed_nor_copied(
    officer: Browser, app: Flask, town: County
) -> None:
    location = officer.check().location
    other = Browser(app, town.police)
    other.sign_in("pc-perks")
    csrf = forms(other.get())["/checks"]["csrf"]
    for method, path in (
        ("POST", "/outcome"), ("POST", "/prints"), ("GET", "/record"), ("GET", "/again"),
        ("GET", f"/prints/{new_id()}"),
    ):  # fmt: skip
        answer = other.client.open(
            location + path, method=method, data={"csrf": csrf, "outcome": "spoke-useful"}
        )
        assert answer.status_code == 404, path
        assert "Hebden" not in answer.text
    found = Journal.of(town.police).find(b64u_decode(location.rpartition("/")[2]))
    assert found is not None
    assert found.came_of_it == ()


def test_all_that_was_said_of_a_check_is_kept_and_the_last_counts(
    officer: Browser, town: County, clock: FakeClock
) -> None:
    location = officer.check().location
    for outcome in ("not-reached", "spoke-useful", "spoke-useful"):
        clock.advance(MINUTE_MS)
        page = officer.get(location)
        officer.send(page, f"{location}/outcome", outcome=outcome)
    found = Journal.of(town.police).find(b64u_decode(location.rpartition("/")[2]))
    assert found is not None
    assert [told.outcome for told in found.came_of_it] == ["not-reached", "spoke-useful"]
    wrong = officer.send(officer.get(location), f"{location}/outcome", outcome="nonsense")
    assert wrong.status_code == 422


def test_a_print_that_nobody_recorded_is_not_there(officer: Browser) -> None:
    location = officer.check().location
    assert officer.get(f"{location}/prints/{new_id()}").status_code == 404
    printed = officer.send(officer.get(location), f"{location}/prints")
    assert printed.status_code == 303
    page = officer.get(printed.location).text
    assert page.count("OFFICIAL-SENSITIVE") == 2
    assert "Printed by pc-archer" in page
    other = officer.check(full_name="Nelson Gabriel").location
    act = printed.location.rpartition("/")[2]
    assert officer.get(f"{other}/prints/{act}").status_code == 404


def test_purpose_and_case_reference_stay_for_half_an_hour_in_the_session(
    officer: Browser, clock: FakeClock, app: Flask, town: County
) -> None:
    officer.check(case_reference="CASE/77")
    for wait, stays in ((10, True), (10, True), (11, False)):
        clock.advance(wait * MINUTE_MS)
        text = officer.get().text
        assert ("CASE/77" in text) is stays, wait
        assert (" checked" in text) is stays
        assert "Hebden" not in text
        assert "Welfare" not in text
    officer.check(case_reference="CASE/78")
    other = Browser(app, town.police)
    other.sign_in("pc-archer")
    assert "CASE/78" not in other.get().text


def test_a_drawn_check_leaves_no_trace_at_the_index_until_it_is_justified(
    strict: Browser, town: County
) -> None:
    waiting = strict.check().location
    assert waiting.startswith("/justifications/")
    assert town.lookups_sent() == []
    assert strict.check(full_name="Nelson Gabriel").location == waiting
    page = strict.get(waiting)
    short = strict.send(page, waiting, words="\u200b  too short \u2060")
    assert short.status_code == 422
    answer = strict.send(page, waiting, words=WORDS)
    assert answer.location.startswith("/checks/")
    assert strict.send(page, waiting, words=WORDS).location == answer.location
    assert len(town.consultations()) == 1


def test_abandoned_is_recorded_and_nothing_is_asked(strict: Browser, town: County) -> None:
    waiting = strict.check().location
    page = strict.get(waiting)
    assert strict.send(page, f"{waiting}/abandon").location == "/"
    told = Justifications(town.police).find("pc-archer", waiting.rpartition("/")[2])
    assert told is not None
    assert told.state == "abandoned"
    assert strict.send(page, waiting, words=WORDS).location == waiting
    assert town.lookups_sent() == []


def test_what_cannot_be_searched_draws_nothing(strict: Browser) -> None:
    """Otherwise a wrong date typed again and again would be a way to roll the draw."""
    assert strict.check(year="2999").status_code == 422
    assert strict.check(purpose="").status_code == 422
    assert "A check of yours waits" not in strict.get().text


def test_a_drawn_check_survives_an_index_that_is_down(strict: Browser, town: County) -> None:
    waiting = strict.check().location

    def unplug(*_: object) -> None:
        raise ConnectionError

    town.index.before = unplug
    failed = strict.send(strict.get(waiting), waiting, words=WORDS)
    assert failed.status_code == 503
    assert WORDS in failed.text
    town.index.before = lambda _: None
    assert strict.send(failed, waiting, words=WORDS).location.startswith("/checks/")


def test_at_once_needs_no_reason_and_is_owed_even_after_a_second_try(
    strict: Browser, town: County, clock: FakeClock
) -> None:
    form = strict.get()
    typed = {
        "full_name": "Shula Hebden", "day": "8", "month": "8", "year": "1958",
        "purpose": "safeguarding", "reason": "", "at_once": "yes",
    }  # fmt: skip
    first = strict.send(form, "/checks", **typed)
    assert first.location.startswith("/checks/")
    assert strict.send(form, "/checks", **typed).location == first.location
    changed = strict.send(form, "/checks", **{**typed, "full_name": "Nelson Gabriel"})
    assert changed.location.startswith("/checks/")
    owed = Justifications(town.police).pending("pc-archer")
    assert {each.about.wanted.check for each in owed} == {
        first.location.rpartition("/")[2], changed.location.rpartition("/")[2],
    }  # fmt: skip
    clock.advance(25 * 60 * MINUTE_MS)
    strict.sign_in("pc-archer")
    assert "Late: justify" in strict.get().text


def test_another_officers_justification_is_not_there(strict: Browser) -> None:
    waiting = strict.check().location
    other = Browser(strict.app, strict.installation)
    other.sign_in("pc-perks")
    csrf = forms(other.get())["/checks"]["csrf"]
    assert other.get(waiting).status_code == 404
    for path in ("", "/abandon", "/at-once"):
        answer = other.client.post(waiting + path, data={"csrf": csrf, "words": WORDS})
        assert answer.status_code == 404, path


def test_a_closed_team_is_followed_by_those_of_the_partner_that_are_open(
    officer: Browser, town: County, clock: FakeClock
) -> None:
    more = [
        DESK.format(id=name, name=words, phone=phone, more=f'hours = ["{hours}"]')
        for name, words, phone, hours in (
            ("duty", "Duty team", "01632 960201", "mon-sun 00:00-23:59"),
            ("night", "Night team", "01632 960202", "mon-sun 22:00-23:59"),
        )
    ]
    town.sign_again("council", 'hours = ["mon-fri 18:00-20:00"]', *more)
    clock.advance(2 * MINUTE_MS)
    text = officer.get(officer.check().location).text
    assert "Closed now" in text
    assert "Open now: Duty team" in text
    assert "01632 960202" not in text
