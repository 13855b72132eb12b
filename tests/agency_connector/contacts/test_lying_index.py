"""An index that lies about contact requests, with all of its keys in hand: each lie is noticed.

What cannot be noticed at once is a step that it never brings: the other side sees no answer, and
the request becomes overdue.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from agency_connector.alarms import open_alarms
from agency_connector.contacts import requests as contacts
from agency_connector.contacts.exchange import Exchanged, exchange
from agency_connector.installation import Installation
from index_service.audit.intake import intake
from protocol import documents
from protocol.contacts import signed_step, step_digest
from protocol.encoding import b64u_encode
from protocol.entries import entry_bytes, read_entry
from protocol.keys import SealingKey, SigningKey
from schemas.agencies import Directory
from schemas.contacts import (
    NOT_A_CRIME_REPORT,
    ContactDelivery,
    ContactInbox,
    ContactRequest,
    ContactSend,
    ContactStatement,
)
from schemas.operations import DIRECTORY, FETCH_CONTACTS, SEND_CONTACT
from tests.agency_connector.contacts.talking import TEXT, Talk
from tests.agency_connector.lookups.county import County, new_id
from tests.agency_connector.lookups.test_lying_index import Liar

replace = msgspec.structs.replace


@pytest.fixture
def talk(town: County) -> Talk:
    return Talk(town)


def doubts(installation: Installation) -> list[str]:
    """What the open alarms about contact requests say."""
    with installation.database.read() as connection:
        return [a.sentence for a in open_alarms(connection) if a.kind == "contact-doubt"]


def recorded(talk: Talk, sent: ContactSend, **changed: Any) -> ContactDelivery:
    """Return a step as an index brings it that records whatever it likes."""
    with talk.town.partnership.index.database.read() as connection:
        last = connection.execute(select(intake.c.entry).order_by(intake.c.id.desc())).scalars()
        entries = (read_entry(entry) for entry in last)
        honest = next(entry for entry in entries if type(entry).__name__ == "Disclosure")
    content = entry_bytes(replace(honest, statement=sent.statement, **changed))
    return ContactDelivery(
        statement=sent.statement,
        sealed=sent.sealed,
        entry=b64u_encode(content),
        receipt=Liar(talk.town).receipt(content),
    )


def forged(talk: Talk, of: ContactDelivery, **changed: Any) -> ContactDelivery:
    """Return the step with its statement changed and signed with a key of the index's own."""
    statement = replace(documents.claimed(of.statement, ContactStatement), **changed)
    signed = documents.sign(statement, SigningKey.generate())
    return recorded(talk, ContactSend(statement=signed, sealed=of.sealed))


def in_the_polices_name(talk: Talk, key: SigningKey, **changed: Any) -> ContactSend:
    """Return a request that the police did not make, as far as `key` can make one."""
    told: dict[str, Any] = {
        "partnership": talk.police.anchors().partnership, "agency": "police", "request": new_id(),
        "number": 0, "previous": None, "step": "asked", "reference": talk.reference,
        "recipient": "council", "recipient_sealing": talk.council.keys.sealing,
        "officer": b64u_encode(bytes(16)), "signed_at": talk.town.clock(), "key": key,
    }  # fmt: skip
    contents = ContactRequest(
        notice=NOT_A_CRIME_REPORT, desk="front", text="Ring this number", name="X", phone=None
    )
    return signed_step(contents, **{**told, **changed})


def bringing(talk: Talk, lie: Callable[[ContactDelivery], ContactDelivery]) -> Exchanged:
    """Let the council fetch while the index lies about each step that it brings."""

    def lied(inbox: ContactInbox) -> ContactInbox:
        return ContactInbox(steps=tuple(lie(step) for step in inbox.steps))

    talk.town.lying.lies[FETCH_CONTACTS.path] = lied
    done = exchange(talk.council)
    del talk.town.lying.lies[FETCH_CONTACTS.path]
    return done


LIES: dict[str, tuple[str, Callable[[Talk, ContactDelivery], ContactDelivery]]] = {
    "another signature": ("not signed with the key", forged),
    "a sender that nobody knows": (
        "nobody we know vouches",
        lambda talk, step: forged(talk, step, agency="stranger"),
    ),
    "an altered reference": (
        "not signed with the key",
        lambda talk, step: forged(talk, step, reference="2222222222"),
    ),
    "other sealed bytes": (
        "not those that were signed",
        lambda talk, step: replace(step, sealed=b64u_encode(bytes(4144))),
    ),
    "no receipt": (
        "no receipt of the log",
        lambda talk, step: replace(step, receipt=Liar(talk.town).receipt(b"another entry")),
    ),
    "a record of another statement": (
        "another statement",
        lambda talk, step: replace(
            recorded(talk, in_the_polices_name(talk, SigningKey.generate())),
            statement=step.statement,
            sealed=step.sealed,
        ),
    ),
    "a record of another time": (
        "another time",
        lambda talk, step: recorded(
            talk,
            ContactSend(statement=step.statement, sealed=step.sealed),
            at=talk.town.clock() - 600_000,
        ),
    ),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_about_a_step_is_raised_once_and_the_step_is_not_used(talk: Talk, name: str) -> None:
    what, lie = LIES[name]
    talk.ask()
    assert bringing(talk, lambda step: lie(talk, step)).doubts == 1
    assert contacts.received(talk.council) == ()
    assert any(what in sentence for sentence in doubts(talk.council))
    before = len(doubts(talk.council))
    if name == "other sealed bytes":
        bringing(talk, lambda step: lie(talk, step))
        assert len(doubts(talk.council)) == before, "the same doubt is raised once"
    exchange(talk.council)
    assert talk.kept(talk.council).text == TEXT, "the honest step still comes: it was not deleted"


def test_a_request_that_nobody_signed_is_not_shown_however_it_is_sealed(talk: Talk) -> None:
    """The index knows the council's sealing key, so it can seal; it cannot sign for the police."""
    talk.ask()
    forgery = in_the_polices_name(talk, talk.town.partnership.index.signing_key)
    bringing(talk, lambda _: recorded(talk, forgery))
    assert contacts.received(talk.council) == ()


def test_a_key_that_only_the_index_lists_is_never_sealed_to(talk: Talk) -> None:
    """The index swaps the council's sealing key: what is sent still opens for the council alone."""
    own = SealingKey.generate()

    def swapped(directory: Directory) -> Directory:
        agencies = tuple(
            replace(one, keys=replace(one.keys, sealing=b64u_encode(own.public)))
            if one.agency == "council" and one.keys is not None
            else one
            for one in directory.agencies
        )
        return replace(directory, agencies=agencies)

    talk.town.lying.lies[DIRECTORY.path] = swapped
    talk.town.clock.advance(120_000)
    talk.ask()
    [body] = [body for path, body in talk.town.index.bodies if path == SEND_CONTACT.path]
    sent = msgspec.json.decode(body, type=ContactSend)
    statement = documents.claimed(sent.statement, ContactStatement)
    assert statement.to_key == talk.council.sealing_key.key_id
    assert statement.to_key != own.key_id
    del talk.town.lying.lies[DIRECTORY.path]
    assert talk.at_council().text == TEXT


def test_a_step_that_is_brought_again_changes_nothing(talk: Talk) -> None:
    talk.ask()
    kept: list[ContactDelivery] = []
    bringing(talk, lambda step: kept.append(step) or step)  # type: ignore[func-returns-value]  # keeps each
    talk.answer("will-phone")
    before = talk.kept(talk.council)
    talk.town.lying.lies[FETCH_CONTACTS.path] = lambda _: ContactInbox(steps=(kept[0],))
    done = exchange(talk.council)
    assert (done.received, done.stepped, done.doubts) == ((), (), 0)
    assert talk.kept(talk.council) == before


def test_steps_in_another_order_are_doubts_and_nothing_is_moved_on(talk: Talk) -> None:
    talk.ask()
    talk.at_council()
    talk.answer("will-phone")
    talk.answer("spoken")
    talk.town.lying.lies[FETCH_CONTACTS.path] = lambda inbox: ContactInbox(
        steps=inbox.steps[1:] if len(inbox.steps) > 1 else inbox.steps
    )
    assert exchange(talk.police).doubts == 1
    assert talk.kept(talk.police).state == "asked"
    assert "another order" in doubts(talk.police)[0]
    del talk.town.lying.lies[FETCH_CONTACTS.path]
    assert talk.at_police().state == "spoken"


def test_a_step_of_a_request_that_never_began_is_a_doubt(talk: Talk) -> None:
    talk.ask()
    late = in_the_polices_name(
        talk, talk.police.signing_key, number=1, previous=b64u_encode(bytes(32))
    )
    bringing(talk, lambda _: recorded(talk, late))
    assert "whose beginning this connector has not seen" in doubts(talk.council)[0]


def test_a_third_agencys_step_in_a_request_of_others_is_a_doubt(talk: Talk) -> None:
    talk.ask()
    talk.at_council()
    [asked] = [body for path, body in talk.town.index.bodies if path == SEND_CONTACT.path]
    first = msgspec.json.decode(asked, type=ContactSend).statement
    health = talk.town.connectors["health"]
    claim = documents.claimed(first, ContactStatement)
    statement = replace(
        claim, agency="health", number=1, previous=step_digest(first), step="spoken"
    )
    sealed = msgspec.json.decode(asked, type=ContactSend).sealed
    own = ContactSend(statement=documents.sign(statement, health.signing_key), sealed=sealed)
    talk.town.lying.lies[FETCH_CONTACTS.path] = lambda _: ContactInbox(steps=(recorded(talk, own),))
    assert exchange(talk.council).doubts == 1
    assert talk.kept(talk.council).state == "asked"
    assert "between other agencies" in doubts(talk.council)[0]


def test_an_index_that_says_it_took_a_step_and_shows_no_record_is_not_believed(talk: Talk) -> None:
    liar = Liar(talk.town)
    talk.town.lying.lies[SEND_CONTACT.path] = lambda told: replace(
        told, receipt=liar.receipt(b"another entry")
    )
    asked = talk.ask()
    assert (asked.waiting, asked.may) == (True, frozenset())
    talk.town.lying.lies[SEND_CONTACT.path] = lambda told: liar.recorded(told, lookup=new_id())
    assert talk.ask().waiting
    del talk.town.lying.lies[SEND_CONTACT.path]
    assert not talk.ask().waiting


def test_what_its_sender_made_unreadable_is_kept_as_that(talk: Talk) -> None:
    """Signed and recorded, and sealed to another key: nobody lied, so somebody has to phone."""
    talk.ask()
    other = b64u_encode(SealingKey.generate().public)
    unreadable = in_the_polices_name(talk, talk.police.signing_key, recipient_sealing=other)
    done = bringing(talk, lambda _: recorded(talk, unreadable))
    assert done.doubts == 0
    [got] = contacts.received(talk.council, desk="front")
    assert (got.text, got.desk) == (None, "")
    assert got.trouble is not None
    assert "cannot be read" in got.trouble
    assert got.partner == "Borsetshire Police"


def test_doubts_hold_no_words_and_no_names(talk: Talk) -> None:
    talk.ask()
    bringing(talk, lambda step: forged(talk, step))
    said = " ".join(doubts(talk.council))
    assert "police" in said
    assert "Quincunx" not in said
