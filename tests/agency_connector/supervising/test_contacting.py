"""A month of contact: whom they spoke with, how soon, how often the wrong person, who is idle."""

from datetime import date

import pytest

from agency_connector.contacts import requests
from agency_connector.contacts.contact import Contact, NewContact, NewStep
from agency_connector.contacts.exchange import exchange
from agency_connector.journal.journal import Journal
from agency_connector.journal.records import Outcome
from agency_connector.lookups import resolving
from agency_connector.supervising.contacting import Contacting, contacting_of, in_words
from agency_connector.supervising.reviewing import Supervision
from protocol.encoding import b64u_decode
from schemas.checks import CheckAnswer
from tests.agency_connector.lookups.conftest import template, town
from tests.agency_connector.lookups.county import County, new_id
from tests.agency_connector.supervising.conftest import Office

__all__ = ["template", "town"]

JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)
MINUTE_MS = 60_000


def say(town: County, check: CheckAnswer, outcome: Outcome) -> None:
    journal = Journal.of(town.police)
    assert journal.say_what_came(b64u_decode(check.check), "pc-archer", outcome, town.clock())


def ask(town: County, check: CheckAnswer) -> Contact:
    reference = check.involved[0].reference
    new = NewContact(new_id(), check.check, reference, "Please phone", "Pc Archer", None)
    return requests.ask(town.police, "pc-archer", new)


def month(town: County, agency: str = "police") -> Contacting:
    return contacting_of(town.connectors[agency], JANUARY, FEBRUARY)


def test_calls_are_counted_from_taps_and_requests_with_how_soon(town: County) -> None:
    tapped, both, silent = town.check(), town.check(), town.check()
    contact = ask(town, both)
    town.clock.advance(30 * MINUTE_MS)
    requests.step(town.police, "pc-archer", contact.id, NewStep("spoken", "Pc Archer"))
    town.clock.advance(60 * MINUTE_MS)
    say(town, both, "spoke-useful")
    say(town, tapped, "spoke-not-useful")
    say(town, silent, "not-reached")
    told = month(town)
    assert (told.calls, told.half_within, told.most_within) == (2, "90 minutes", "90 minutes")
    assert (told.sent, told.received) == ({"spoken": 1}, {})
    (open_one,) = requests.crime_open(town.police)
    assert open_one.id == contact.id


def test_the_wrong_person_is_counted_by_the_team_of_the_answer(town: County) -> None:
    for outcome in ("spoke-useful", "different-person", "different-person", "not-reached"):
        say(town, town.check(), outcome)
    (rate,) = month(town).wrong_of_partners
    assert (rate.team, rate.said, rate.wrong) == ("Borchester Council, Front desk", 3, 2)
    assert rate.share == "67%"


def test_a_desk_of_ours_is_judged_by_what_it_said_of_quoted_references(town: County) -> None:
    council = town.connectors["council"]
    assert month(town, "council").idle == ("Front desk",)
    for answered in ("same-person", "different-person", "not-ours"):
        quoted = resolving.resolve(council, "jo", town.check().involved[0].reference)
        Journal.of(council).reply(
            b64u_decode(quoted.resolution), "jo", answered, town.clock()
        )  # fmt: skip
    told = month(town, "council")
    (rate,) = told.wrong_of_ours
    assert (rate.team, rate.said, rate.wrong) == ("Front desk", 2, 1)
    assert told.idle == ()


def test_a_desk_that_answers_a_request_is_not_idle(town: County) -> None:
    council = town.connectors["council"]
    contact = ask(town, town.check())
    exchange(council)
    told = month(town, "council")
    assert (told.received, told.idle) == ({"asked": 1}, ("Front desk",))
    requests.step(council, "jo", contact.id, NewStep("will-phone", "Jo"))
    told = month(town, "council")
    assert (told.received, told.idle) == ({"will-phone": 1}, ())


def test_a_check_is_without_contact_until_an_outcome_or_a_request(town: County) -> None:
    silent, tapped, asked = town.check(), town.check(), town.check()
    town.check(full_name="Nelson Gabriel", born="1 2 1933")
    say(town, tapped, "not-reached")
    ask(town, asked)
    found = Supervision(town.police).checks(0, town.clock() + 1)
    assert [one.id for one in found if one.without_contact] == [silent.check]


def test_a_month_without_anything_has_no_figures(office: Office) -> None:
    told = contacting_of(office.installation, JANUARY, FEBRUARY)
    assert (told.calls, told.half_within, told.wrong_of_partners, told.idle) == (0, "", (), ())


@pytest.mark.parametrize(
    ("took", "said"),
    [(None, ""), (0, "1 minute"), (119, "119 minutes"), (120, "2 hours"), (47 * 60, "47 hours"),
     (48 * 60, "2 days")],
)  # fmt: skip
def test_times_are_said_in_the_unit_that_fits(took: int | None, said: str) -> None:
    assert in_words(None if took is None else took * MINUTE_MS) == said
