"""An officer asks a desk to phone, the desk answers, and both see how it stands."""

import dataclasses

import msgspec
import pytest
from sqlalchemy import select

from agency_connector.contacts import requests as contacts
from agency_connector.contacts import storage
from agency_connector.contacts.exchange import exchange
from agency_connector.contacts.outbox import deliver_one
from agency_connector.installation import Installation
from agency_connector.lookups.errors import CheckRefused
from agency_connector.mailing import storage as mailing
from agency_connector.mailing.settings import MailSettings
from agency_connector.receipts import storage as receipts
from agency_connector.trust import key_change
from index_service.contacts.storage import contact_steps
from protocol.encoding import b64u_decode
from schemas.contacts import ContactStep, CrimeAnswer
from schemas.operations import SEND_CONTACT
from tests.agency_connector.contacts.talking import (
    A_CRIME,
    NAME,
    NO_CRIME,
    PHONE,
    TEXT,
    Talk,
    cut,
)
from tests.agency_connector.lookups.county import County, new_id
from tests.conftest import FakeClock

HOUR = 3_600_000
DAY = 24 * HOUR


@pytest.fixture
def talk(town: County) -> Talk:
    return Talk(town)


def rows(town: County) -> list[bytes | None]:
    """The sealed bytes of every step at the index."""
    with town.partnership.index.database.read() as connection:
        return list(connection.execute(select(contact_steps.c.sealed)).scalars())


def test_the_desk_that_was_named_reads_what_the_officer_wrote(talk: Talk) -> None:
    asked = talk.ask()
    assert (asked.sent, asked.state, asked.waiting, asked.trouble) == (True, "asked", False, None)
    assert asked.partner == "Borchester Council"
    assert exchange(talk.council).received == (talk.id,)
    got = talk.kept(talk.council)
    assert (got.text, got.name, got.phone) == (TEXT, NAME, PHONE)
    assert (got.agency, got.partner, got.desk, got.reference) == (
        "police", "Borsetshire Police", "front", talk.reference,
    )  # fmt: skip
    assert got.team is not None
    assert got.team.phone == "01632 960100"
    assert got.may == {"will-phone", "spoken", "refused", "no-longer-ours"}
    assert [one.id for one in contacts.received(talk.council, desk="front")] == [talk.id]
    assert contacts.received(talk.council, desk="another") == ()


def test_they_talk_until_it_is_closed_and_the_crime_question_is_answered(talk: Talk) -> None:
    talk.ask()
    talk.at_council()
    talk.answer("will-phone", text="After four")
    told = talk.at_police()
    assert told.state == "will-phone"
    assert told.may == {"spoken"}
    assert (told.steps[-1].text, told.steps[-1].name) == ("After four", "Jo Grundy")
    closed = talk.answer("spoken", crime=A_CRIME)
    assert closed.closed_at is not None
    told = talk.at_police()
    assert (told.state, told.crime, told.crime_open) == ("spoken", A_CRIME, False)
    assert contacts.received(talk.council) == ()
    assert len(contacts.received(talk.council, open_only=False)) == 1


def test_a_question_left_open_is_listed_at_both_until_one_answers(talk: Talk) -> None:
    talk.ask()
    talk.at_council()
    talk.say("spoken")
    assert talk.at_council().crime_open
    for side in (talk.police, talk.council):
        assert [one.id for one in contacts.crime_open(side)] == [talk.id]
    by_somebody = CrimeAnswer(disclosed=True, reference=None, recorded_by="Jo Grundy")
    talk.answer("crime-answered", crime=by_somebody)
    assert talk.at_police().crime == by_somebody
    for side in (talk.police, talk.council):
        assert contacts.crime_open(side) == ()


def test_a_refusal_says_why(talk: Talk) -> None:
    talk.ask()
    talk.at_council()
    with pytest.raises(CheckRefused, match="refusal says why"):
        talk.answer("refused", crime=NO_CRIME)
    talk.answer("refused", text="She asked us not to", crime=NO_CRIME)
    told = talk.at_police()
    assert (told.state, told.steps[-1].text) == ("refused", "She asked us not to")


@pytest.mark.parametrize(
    "changed",
    [
        {"text": ""},
        {"text": "   \n"},
        {"text": "x" * 301},
        {"text": "bell \a"},
        {"name": ""},
        {"phone": "ring me"},
    ],
)
def test_what_does_not_fit_is_refused_before_it_is_kept(
    talk: Talk, changed: dict[str, str]
) -> None:
    with pytest.raises(CheckRefused) as refused:
        talk.ask(**changed)
    assert refused.value.code == "contact-text"
    assert contacts.find(talk.police, talk.id) is None


def test_three_hundred_characters_of_any_script_fit(talk: Talk) -> None:
    text = "\U0001f6b2" * 299 + "ß"
    talk.ask(text=text, name="\U0001f46e" * 120)
    assert talk.at_council().text == text


def test_only_the_officer_whose_check_it_was_can_ask_and_step(talk: Talk) -> None:
    with pytest.raises(CheckRefused) as refused:
        contacts.ask(talk.police, "somebody-else", talk.new())
    assert refused.value.code == "no-such-check"
    talk.ask()
    other = Talk(talk.town, user="somebody-else")
    other.id = talk.id
    with pytest.raises(CheckRefused) as refused:
        other.say("spoken")
    assert refused.value.code == "no-such-contact"
    assert contacts.sent_by(talk.police, "somebody-else") == ()
    assert [one.id for one in contacts.sent_by(talk.police, talk.user)] == [talk.id]


def test_a_reference_of_another_check_is_not_asked_about(talk: Talk) -> None:
    other = Talk(talk.town)
    with pytest.raises(CheckRefused) as refused:
        talk.ask(reference=other.reference)
    assert refused.value.code == "no-such-check"


def test_the_same_form_twice_is_one_request(talk: Talk) -> None:
    first = talk.ask()
    assert talk.ask().steps == first.steps
    assert len(rows(talk.town)) == 1
    with pytest.raises(CheckRefused) as refused:
        talk.ask(text="In other words")
    assert refused.value.code == "contact-differs"
    second = Talk(talk.town, check=talk.check, reference=talk.reference)
    with pytest.raises(CheckRefused) as refused:
        second.ask()
    assert refused.value.code == "asked-already"


def test_the_same_step_twice_is_one_step(talk: Talk) -> None:
    talk.ask()
    talk.at_council()
    first = talk.answer("will-phone")
    assert talk.answer("will-phone").steps == first.steps
    assert len(rows(talk.town)) == 2


def test_a_step_that_may_not_be_taken_is_refused(talk: Talk) -> None:
    talk.ask()
    with pytest.raises(CheckRefused) as refused:
        talk.say("will-phone")
    assert refused.value.code == "contact-moved-on"


def test_what_the_index_cannot_be_told_now_is_sent_later_once(talk: Talk) -> None:
    """A connection that is cut before the request arrives loses nothing."""
    talk.town.index.before = cut
    asked = talk.ask()
    assert (asked.waiting, asked.may) == (True, frozenset())
    talk.town.index.before = lambda _: None
    assert exchange(talk.police).sent == 1
    assert not talk.kept(talk.police).waiting
    assert exchange(talk.police).sent == 0
    assert talk.at_council().text == TEXT


def test_an_answer_that_is_cut_off_doubles_nothing(talk: Talk, clock: FakeClock) -> None:
    """The index has it, the connector does not know: the same bytes get the first answer."""
    talk.town.index.after = cut
    assert talk.ask().waiting
    talk.town.index.after = lambda _: None
    clock.advance(3 * HOUR)
    assert exchange(talk.police).sent == 1
    sent = [body for path, body in talk.town.index.bodies if path == SEND_CONTACT.path]
    assert len(sent) > 1
    assert len(set(sent)) == 1
    assert len(rows(talk.town)) == 1
    assert exchange(talk.council).received == (talk.id,)


def test_what_waited_for_more_than_a_day_is_signed_anew(talk: Talk, clock: FakeClock) -> None:
    talk.town.index.before = cut
    talk.ask()
    talk.town.index.before = lambda _: None
    clock.advance(2 * DAY)
    exchange(talk.police)
    assert talk.at_council().text == TEXT


def test_both_closing_at_once_leaves_one_closing(talk: Talk) -> None:
    talk.ask()
    talk.at_council()
    talk.town.index.before = cut
    assert talk.say("spoken").waiting
    talk.town.index.before = lambda _: None
    talk.answer("refused", text="Too late")
    told = talk.at_police()
    assert (told.state, told.waiting) == ("refused", False)
    assert told.trouble is not None
    assert "closed the request meanwhile" in told.trouble


def test_a_step_that_still_may_be_taken_follows_the_one_that_came_between(talk: Talk) -> None:
    talk.ask()
    talk.at_council()
    talk.town.index.before = cut
    talk.say("spoken")
    talk.town.index.before = lambda _: None
    talk.answer("will-phone")
    assert talk.at_police().state == "spoken"
    assert [one.step for one in talk.at_council().steps] == ["asked", "will-phone", "spoken"]


def test_a_refusal_of_the_index_is_said_in_a_sentence_and_not_tried_again(
    talk: Talk, clock: FakeClock
) -> None:
    clock.advance(31 * DAY)
    asked = talk.ask()
    assert asked.trouble is not None
    assert "too old" in asked.trouble
    assert (asked.waiting, asked.may) == (False, frozenset())
    assert exchange(talk.police).sent == 0
    assert contacts.overdue(talk.police) == ()


def test_a_request_without_an_answer_becomes_overdue_at_both(talk: Talk, clock: FakeClock) -> None:
    talk.ask()
    talk.at_council()
    clock.advance(24 * HOUR - 1)
    assert contacts.overdue(talk.police) == ()
    clock.advance(1)
    for side in (talk.police, talk.council):
        assert [one.id for one in contacts.overdue(side)] == [talk.id]
    talk.answer("will-phone")
    assert contacts.overdue(talk.council) == ()


def test_what_was_written_is_erased_four_weeks_after_the_last_step(
    talk: Talk, clock: FakeClock
) -> None:
    talk.ask()
    talk.at_council()
    talk.answer("spoken", crime=NO_CRIME)
    clock.advance(28 * DAY)
    assert talk.at_council().text == TEXT
    clock.advance(1)
    gone = talk.at_council()
    assert (gone.text, gone.name, gone.crime, gone.state) == (None, None, None, "spoken")
    assert gone.trouble is None
    assert talk.at_police().text is None


def test_what_was_delivered_is_deleted_at_the_index(talk: Talk) -> None:
    talk.ask()
    talk.at_council()
    assert rows(talk.town) == [None]


def test_words_and_names_are_sealed_on_the_disk_and_absent_at_the_index(talk: Talk) -> None:
    """Canaries: what was written is neither in a connector's file nor in the index's in clear."""
    talk.ask()
    talk.at_council()
    talk.answer("refused", text="Palimpsest", crime=A_CRIME)
    talk.at_police()
    canaries = (b"Quincunx", b"Archibald", b"Grundy", b"Palimpsest", b"CR/2026/778", b"960123")
    for path in talk.town.folder.rglob("*.db*"):
        content = path.read_bytes()
        for canary in canaries:
            assert canary not in content, path.name
    for _, body in talk.town.index.bodies:
        assert not any(canary in body for canary in canaries)


def test_each_step_of_ours_is_a_promise_of_the_log_that_is_followed(talk: Talk) -> None:
    talk.ask()
    with talk.police.database.read() as connection:
        log = talk.police.anchors().log_name
        due = [r for r in receipts.unfound(connection, log) if r.kind == "contact"]
    assert [one.reference for one in due] == [f"{talk.id}-0"]


def reopened(talk: Talk) -> None:
    """Open the council's connector again, as after a change of keys."""
    folder, clock = talk.town.folder / "council", talk.town.clock
    talk.council.close()
    talk.town.connectors["council"] = Installation.open(folder, clock=clock)


def test_a_key_that_was_changed_since_the_directory_was_fetched_is_sealed_to_next(
    talk: Talk,
) -> None:
    """Believed because the council's old key signed the change, not because the index says so."""
    key_change.change(talk.council)
    reopened(talk)
    assert talk.ask().waiting
    assert exchange(talk.police).sent == 1
    assert talk.at_council().text == TEXT


def test_what_was_sealed_to_a_key_replaced_on_the_way_can_be_answered_all_the_same(
    talk: Talk,
) -> None:
    talk.ask()
    key_change.change(talk.council)
    reopened(talk)
    got = talk.at_council()
    assert got.text is None
    assert got.trouble is not None
    assert "cannot be read" in got.trouble
    talk.answer("refused", text="We cannot read this: phone us", crime=NO_CRIME)
    assert talk.at_police().state == "refused"


def test_the_mailbox_of_the_desk_is_told_of_a_new_request_once(talk: Talk) -> None:
    talk.ask()
    mail = MailSettings(server="localhost", sender="connector@council.example", tls="none")
    settings = msgspec.structs.replace(talk.council.settings, mail=mail)
    council = dataclasses.replace(talk.council, settings=settings)
    exchange(council)
    exchange(council)
    with council.database.read() as connection:
        assert [one.count for one in mailing.waiting(connection)] == [1]
    talk.answer("will-phone")
    with council.database.read() as connection:
        assert mailing.waiting(connection) == (), "nobody need be told of what was answered"


def test_a_step_sent_by_two_at_once_is_kept_once(talk: Talk) -> None:
    talk.town.index.before = cut
    talk.ask()
    talk.town.index.before = lambda _: None
    contact = b64u_decode(talk.id)
    client = talk.police.index()
    assert deliver_one(talk.police, client, contact) is True
    assert deliver_one(talk.police, client, contact) is None
    client.close()
    with talk.police.database.read() as connection:
        found = storage.find(connection, contact)
    assert found is not None
    assert found.steps == 1


def test_an_unknown_request_is_none(talk: Talk) -> None:
    assert contacts.find(talk.police, new_id()) is None
    assert contacts.find(talk.police, "no id") is None


STEPS: tuple[ContactStep, ...] = ("spoken", "refused", "no-longer-ours")


@pytest.mark.parametrize("step", STEPS)
def test_each_closing_step_closes(talk: Talk, step: ContactStep) -> None:
    talk.ask()
    talk.at_council()
    talk.answer(step, text="Because", crime=NO_CRIME)
    told = talk.at_police()
    assert (told.state, told.closed_at is not None, told.due_at) == (step, True, None)
    assert told.may == {"crime-answered"}
