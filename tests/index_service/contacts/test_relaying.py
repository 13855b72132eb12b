"""A contact request goes from its officer to the desk that was named, step by step, and nowhere."""

import secrets

import pytest
from sqlalchemy import Connection, func, select, update

from foundation.database import Database
from index_service.audit.intake import intake
from index_service.contacts import storage
from index_service.contacts.storage import contact_requests, contact_steps
from index_service.settings import LimitSettings
from index_service.worker import retention
from protocol import documents
from protocol.contacts import open_sealed
from protocol.encoding import b64u_decode, b64u_encode
from protocol.entries import read_entry
from protocol.keys import SealingKey
from schemas import operations
from schemas.contacts import ContactRequest, ContactStatement, ContactStep
from schemas.entries import Disclosure, Entry, Refusal
from tests.conftest import FakeClock
from tests.index_service.contacts.conftest import MESSAGE, NAME, Scene, Talk, fetch
from tests.index_service.partnership import DAY_MS
from tests.index_service.publishing import OFFICER, flag, look_up, publish


def entries(scene: Scene) -> list[Entry]:
    with scene.partnership.index.database.read() as connection:
        rows = connection.execute(select(intake.c.entry).order_by(intake.c.id)).scalars().all()
    return [read_entry(row) for row in rows]


def count(scene: Scene) -> tuple[int, int, int]:
    """How many requests, steps and sealed bodies there are."""
    sealed = select(func.count()).where(contact_steps.c.sealed.is_not(None))
    with scene.partnership.index.database.read() as connection:
        return (
            connection.execute(select(func.count()).select_from(contact_requests)).scalar_one(),
            connection.execute(select(func.count()).select_from(contact_steps)).scalar_one(),
            connection.execute(sealed).scalar_one(),
        )


def everything_in(database: Database) -> bytes:
    """Every value of every row of every table, as one string of bytes."""
    found = bytearray()
    with database.read() as connection:
        from index_service.tables import metadata

        for table in metadata.sorted_tables:
            for row in connection.execute(select(table)):
                for value in row:
                    raw = value if isinstance(value, bytes) else str(value).encode()
                    found += bytes(raw) + b"\n"
    return bytes(found)


def test_the_holder_and_nobody_else_gets_what_was_sealed(scene: Scene) -> None:
    talk = scene.talk()
    assert talk.send("asked").status == 200
    assert fetch(scene.health).steps == ()
    assert fetch(scene.police).steps == ()
    [told] = fetch(scene.council).steps
    statement = documents.read(told.statement, ContactStatement, scene.police.key.public)
    opened = open_sealed(statement, b64u_decode(told.sealed), scene.council.sealing)
    assert isinstance(opened, ContactRequest)
    assert (opened.text, opened.name) == (MESSAGE, NAME)
    assert isinstance(read_entry(b64u_decode(told.entry)), Disclosure)


def test_each_step_is_an_entry_that_holds_its_statement_and_names_the_lookup(scene: Scene) -> None:
    talk = scene.talk()
    steps: tuple[ContactStep, ...] = ("asked", "will-phone", "spoken", "crime-answered")
    for step in steps:
        assert talk.send(step).status == 200
    last = entries(scene)[-4:]
    disclosed = [entry for entry in last if isinstance(entry, Disclosure)]
    told = [documents.claimed(entry.statement, ContactStatement) for entry in disclosed]
    assert [statement.step for statement in told] == list(steps)
    assert len({entry.lookup for entry in disclosed}) == 1


def test_neither_words_nor_names_are_in_the_index(scene: Scene) -> None:
    """What an officer writes, and what both are called, is nowhere in the index's database."""
    talk = scene.talk()
    steps: tuple[ContactStep, ...] = ("asked", "refused", "crime-answered")
    for step in steps:
        assert talk.send(step).status == 200
    assert count(scene)[2] == 3
    kept = everything_in(scene.partnership.index.database)
    assert scene.police.name.encode() in kept
    for word in (
        "Zephyrine",
        "harbour",
        "Dibble",
        "Peregrine",
        "Because",
        "Harbourmaster",
        "960123",
    ):
        assert word.encode() not in kept


def test_the_sealed_bytes_are_of_one_length_whatever_was_written(scene: Scene) -> None:
    talk = scene.talk()
    talk.send("asked")
    talk.send("will-phone")
    with scene.partnership.index.database.read() as connection:
        sealed = connection.execute(select(contact_steps.c.sealed)).scalars().all()
    assert {len(one) for one in sealed} == {4144}


def test_what_was_delivered_is_deleted_and_comes_no_more(scene: Scene) -> None:
    talk = scene.talk()
    talk.send("asked")
    assert len(fetch(scene.council).steps) == 1
    assert len(fetch(scene.council).steps) == 1, "until it says that it has kept it"
    fetch(scene.health, (talk.request, 0))
    assert count(scene)[2] == 1, "another agency cannot delete it"
    assert fetch(scene.council, (talk.request, 0)).steps == ()
    assert count(scene) == (1, 1, 0)
    assert fetch(scene.council, (talk.request, 0)).steps == ()


def test_the_same_step_again_gets_the_first_answer_and_doubles_nothing(scene: Scene) -> None:
    talk = scene.talk()
    message = talk.made("asked")
    first = scene.police.call(operations.SEND_CONTACT, message)
    before = len(entries(scene))
    fetch(scene.council, (talk.request, 0))
    again = scene.police.call(operations.SEND_CONTACT, message)
    assert (first.status, again.body) == (200, first.body)
    assert len(entries(scene)) == before
    assert count(scene) == (1, 1, 0)


def test_the_same_request_brought_twice_at_once_is_taken_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One transaction has not seen the other's row, waits for it, and gives its answer."""
    talk = scene.talk()
    message = talk.made("asked")
    first = scene.police.call(operations.SEND_CONTACT, message)
    real, unseen = storage.find, iter([True])

    def find(connection: Connection, request: bytes) -> storage.RequestRow | None:
        return None if next(unseen, False) else real(connection, request)

    monkeypatch.setattr(storage, "find", find)
    assert scene.police.call(operations.SEND_CONTACT, message).body == first.body
    assert count(scene) == (1, 1, 1)


def test_another_step_in_its_place_is_refused(scene: Scene) -> None:
    talk = scene.talk()
    talk.send("asked")
    other = Talk(talk.asker, talk.holder, talk.reference, talk.request)
    assert other.send("asked").code == "contact-moved-on"


REFERENCES = "no-such-reference"


def test_unknown_expired_and_others_references_are_refused_alike(
    scene: Scene, clock: FakeClock
) -> None:
    """A guess learns nothing: neither that a reference exists, nor whose flag it is about."""
    old = scene.talk()
    clock.advance(31 * DAY_MS)
    talk = scene.talk()
    others = Talk(scene.health, scene.council, talk.reference)
    elsewhere = Talk(scene.police, scene.health, talk.reference)
    replies = [scene.guess().send("asked"), old.send("asked"), others.send("asked")]
    replies.append(elsewhere.send("asked"))
    assert {(reply.status, reply.code) for reply in replies} == {(404, REFERENCES)}
    assert len({reply.body for reply in replies}) == 1


def test_a_hit_at_a_hidden_desk_has_no_reference_to_ask_about(scene: Scene) -> None:
    """No answer names it, and no reference stands for it: a guess is refused as any other."""
    hidden = secrets.token_bytes(16)
    assert scene.health.sign_desk("quiet", visibility="hidden", name="Refuge").status == 200
    publish(scene.health, flag(scene.health, hidden, desk="quiet"))
    assert look_up(scene.police, hidden).content["shown"]["hits"] == []
    missed = scene.guess().send("asked")
    guess = scene.guess()
    guess.holder = scene.health
    assert guess.send("asked").body == missed.body


def test_guesses_are_counted_with_those_of_quoted_references(scene: Scene) -> None:
    scene.limit(LimitSettings(failed_references_per_hour=3))
    talk = scene.talk()
    for _ in range(3):
        assert scene.guess().send("asked").code == REFERENCES
    assert talk.send("asked").code == "too-many-guesses"


def test_only_the_officer_who_checked_the_name_may_ask(scene: Scene) -> None:
    other = b64u_encode(b"officer-number-2")
    assert scene.talk().send("asked", officer=other).code == "not-the-officer"


def test_a_refusal_is_an_entry_with_the_statement_and_without_words(scene: Scene) -> None:
    scene.talk().send("asked", officer=b64u_encode(b"officer-number-2"))
    last = entries(scene)[-1]
    assert isinstance(last, Refusal)
    assert (last.code, last.agency) == ("not-the-officer", "police")
    assert last.statement is not None


def test_one_request_about_a_reference_is_open_at_a_time(scene: Scene) -> None:
    talk = scene.talk()
    talk.send("asked")
    second = Talk(talk.asker, talk.holder, talk.reference)
    assert second.send("asked").code == "asked-already"
    talk.send("no-longer-ours")
    assert second.send("asked").status == 200


@pytest.mark.parametrize(
    ("limits", "whose"),
    [
        (LimitSettings(contacts_officer_per_hour=2), "officer"),
        (LimitSettings(contacts_officer_per_day=2), "officer"),
        (LimitSettings(contacts_agency_per_hour=2), "agency"),
        (LimitSettings(contacts_agency_per_day=2), "agency"),
    ],
)
def test_officers_and_agencies_ask_so_often_and_are_told_why_not(
    scene: Scene, limits: LimitSettings, whose: str
) -> None:
    scene.limit(limits)
    for _ in range(2):
        assert scene.talk().send("asked").status == 200
    refused = scene.talk().send("asked")
    assert (refused.status, refused.code) == (429, "too-many-contacts")
    assert f"This {whose} has asked 2 times" in refused.content["detail"]
    assert refused.content["retry_after"] == 3600
    other = b64u_encode(b"officer-number-2")
    talk = Talk(scene.police, scene.council, scene.reference(other))
    assert (talk.send("asked", officer=other).status == 200) is (whose == "officer")


def test_others_cannot_step_a_request_and_do_not_learn_that_there_is_one(scene: Scene) -> None:
    talk = scene.talk()
    talk.send("asked")
    unknown = Talk(scene.police, scene.council, talk.reference, taken=list(talk.taken))
    refused = talk.send("will-phone", by=scene.health)
    assert (refused.status, refused.code) == (404, "no-such-contact")
    assert unknown.send("will-phone").body == refused.body


def test_the_asker_cannot_answer_for_the_holder(scene: Scene) -> None:
    talk = scene.talk()
    talk.send("asked")
    steps: tuple[ContactStep, ...] = ("will-phone", "refused", "no-longer-ours", "crime-answered")
    for step in steps:
        assert talk.send(step, by=scene.police).code == "contact-moved-on"


def test_a_closed_request_takes_no_step_but_the_answer_to_the_crime_question(scene: Scene) -> None:
    talk = scene.talk()
    talk.send("asked")
    assert talk.send("spoken", by=scene.police).status == 200
    assert talk.send("will-phone").code == "contact-moved-on"
    assert talk.send("crime-answered").status == 200
    assert talk.send("crime-answered", by=scene.police).status == 200


def test_a_step_after_another_than_the_last_is_refused(scene: Scene) -> None:
    talk = scene.talk()
    talk.send("asked")
    assert talk.send("spoken", previous=b64u_encode(bytes(32))).code == "contact-moved-on"
    assert talk.send("spoken", number=2).code == "contact-moved-on"
    assert talk.send("spoken", reference="2222222222").code == "not-as-stated"
    assert talk.send("spoken", recipient="health").code == "not-as-stated"


def test_a_step_that_is_sealed_to_another_key_is_refused(scene: Scene) -> None:
    other = b64u_encode(SealingKey.generate().public)
    assert scene.talk().send("asked", recipient_sealing=other).code == "other-sealing-key"


def test_a_partner_that_is_suspended_is_not_asked(scene: Scene) -> None:
    talk = scene.talk()
    scene.partnership.suspend(scene.council)
    assert talk.send("asked").code == "recipient-suspended"


def test_sealed_bytes_that_were_not_signed_are_refused(scene: Scene) -> None:
    from msgspec.structs import replace

    one, two = scene.talk().made("asked"), scene.talk().made("asked")
    swapped = scene.police.call(operations.SEND_CONTACT, replace(one, sealed=two.sealed))
    assert swapped.code == "not-as-stated"


def test_a_step_may_come_a_day_late_and_no_later(scene: Scene, clock: FakeClock) -> None:
    """A connector that was cut off sends the very bytes that it signed before."""
    late, later = scene.talk(), scene.talk()
    signed_at = clock()
    clock.advance(DAY_MS)
    assert late.send("asked", signed_at=signed_at).status == 200
    clock.advance(1)
    assert later.send("asked", signed_at=signed_at).code == "stale-statement"
    assert later.send("asked", signed_at=clock() + 300_001).code == "stale-statement"


def swept(scene: Scene) -> int:
    index = scene.partnership.index
    with index.database.write() as connection:
        return retention.forget_contacts(connection, index, index.clock()).rows


def test_what_nobody_fetched_goes_after_its_term_and_the_request_after_its_last_step(
    scene: Scene, clock: FakeClock
) -> None:
    talk = scene.talk()
    talk.send("asked")
    clock.advance(10 * DAY_MS)
    talk.send("refused")
    clock.advance(18 * DAY_MS)
    assert swept(scene) == 0
    clock.advance(1)
    assert swept(scene) == 1
    assert count(scene) == (1, 2, 1)
    clock.advance(10 * DAY_MS)
    assert swept(scene) == 2
    assert count(scene) == (0, 0, 0)
    assert talk.send("crime-answered").code == "no-such-contact"


def test_the_inbox_gives_the_oldest_first_and_the_rest_next(scene: Scene) -> None:
    talks = [scene.talk() for _ in range(3)]
    for talk in talks:
        talk.send("asked")
    told = [documents.claimed(s.statement, ContactStatement) for s in fetch(scene.council).steps]
    assert [one.request for one in told] == [talk.request for talk in talks]
    assert told[0].officer == OFFICER


def test_a_row_that_was_moved_to_another_recipient_is_of_no_use(scene: Scene) -> None:
    """An index that hands the sealed bytes to a third agency hands it nothing to read."""
    talk = scene.talk()
    talk.send("asked")
    with scene.partnership.index.database.write() as connection:
        connection.execute(update(contact_steps).values(recipient="health"))
    [told] = fetch(scene.health).steps
    statement = documents.claimed(told.statement, ContactStatement)
    with pytest.raises(ValueError, match="does not open"):
        open_sealed(statement, b64u_decode(told.sealed), scene.health.sealing)
