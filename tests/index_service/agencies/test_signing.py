"""Signed documents: only the signer's own, only as stated, and the same again is the same."""

from base64 import b64decode
from re import findall

import pytest
from sqlalchemy import select

from index_service.audit.intake import intake
from protocol import documents, handover
from protocol.encoding import b64u_encode
from protocol.entries import read_entry
from protocol.keys import SealingKey, SigningKey
from schemas import operations
from schemas.agencies import AgencyKeys, KeyChange, Signed
from schemas.entries import Refusal
from tests.conftest import FakeClock
from tests.index_service.partnership import DAY_MS, PARTNERSHIP, Partnership


def test_only_the_first_introduces_itself(partnership: Partnership) -> None:
    partnership.member("police")
    council = partnership.newcomer("council")
    council.enrol()
    reply = council.introduce(council)
    assert (reply.status, reply.code) == (409, "founded-already")


def test_only_who_was_introduced_introduces(partnership: Partnership) -> None:
    partnership.member("police")
    council, health = partnership.newcomer("council"), partnership.newcomer("health")
    council.enrol()
    health.enrol()
    reply = council.introduce(health)
    assert (reply.status, reply.code) == (403, "not-introduced")


def test_an_introduction_of_other_keys_than_those_enrolled_is_refused(
    partnership: Partnership,
) -> None:
    police = partnership.member("police")
    council = partnership.newcomer("council")
    council.enrol()
    swapped = AgencyKeys(
        signing=council.keys.signing, sealing=b64u_encode(SealingKey.generate().public)
    )
    reply = police.introduce(council, keys=swapped)
    assert (reply.status, reply.code) == (422, "other-keys")


def test_an_introduction_in_anothers_name_is_refused(partnership: Partnership) -> None:
    police = partnership.member("police")
    council = partnership.member("council", introducer=police)
    health = partnership.newcomer("health")
    health.enrol()
    reply = council.introduce(health, introducer="police")
    assert (reply.status, reply.code) == (422, "not-as-stated")


def test_the_same_document_again_gets_the_same_entry(partnership: Partnership) -> None:
    police = partnership.newcomer("police")
    police.enrol()
    assert police.introduce(police).body == police.introduce(police).body


def test_a_document_signed_with_another_key_is_refused(partnership: Partnership) -> None:
    police = partnership.member("police")
    forged = documents.sign(police.desk("back"), SigningKey.generate())
    reply = police.call(operations.SIGN_DESK, Signed(document=forged))
    assert (reply.status, reply.code) == (422, "bad-document")


def test_a_desk_of_another_agency_is_refused(partnership: Partnership) -> None:
    police = partnership.member("police")
    reply = police.sign_desk("back", agency="council")
    assert (reply.status, reply.code) == (422, "not-as-stated")


def test_a_desk_is_replaced_only_by_a_higher_version(partnership: Partnership) -> None:
    police = partnership.member("police")
    assert police.sign_desk(phone="01632 960999").code == "not-newer"
    assert police.sign_desk(version=2, phone="01632 960999").status == 200


@pytest.mark.parametrize("name", ["Domestic Abuse Unit", "Drug Treatment Team"])
def test_a_visible_desk_may_not_name_a_category(partnership: Partnership, name: str) -> None:
    police = partnership.member("police")
    reply = police.sign_desk("unit", name=name)
    assert (reply.status, reply.code) == (422, "category-in-name")


def test_a_hidden_desk_is_told_of_but_not_listed(partnership: Partnership) -> None:
    police = partnership.member("police")
    assert police.sign_desk("quiet", visibility="hidden", name="Quiet Line").status == 200
    council = partnership.member("council", introducer=police)
    reply = council.call(operations.DIRECTORY)
    assert b"Quiet" not in reply.body
    hidden = {a["agency"]: a["hidden_desk"] for a in reply.content["agencies"]}
    assert hidden == {"police": True, "council": False}


def test_at_most_two_epochs_are_live(partnership: Partnership, clock: FakeClock) -> None:
    police = partnership.member("police")
    assert police.open_epoch(1, closes_at=clock() + 10 * DAY_MS).status == 200
    assert police.open_epoch(2).status == 200
    assert police.open_epoch(3).code == "two-epochs-live"
    clock.advance(11 * DAY_MS)
    assert police.open_epoch(3).status == 200


def test_an_epoch_is_opened_once_and_only_upwards(partnership: Partnership) -> None:
    police = partnership.member("police")
    assert police.open_epoch(2).status == 200
    assert police.open_epoch(2).code == "epoch-known"
    assert police.open_epoch(1).code == "epoch-known"


def test_an_auditor_opens_no_epoch_and_signs_no_desk(partnership: Partnership) -> None:
    police = partnership.member("police")
    auditor = partnership.member("oversight", introducer=police, role="auditor")
    assert auditor.open_epoch(1).code == "not-a-member"
    assert auditor.sign_desk().code == "not-a-member"


def test_keys_are_changed_with_the_old_key_and_only_then_used(partnership: Partnership) -> None:
    police = partnership.member("police")
    old_id = police.key.key_id
    new_key, new_sealing = SigningKey.generate(), SealingKey.generate()
    change = KeyChange(
        partnership=PARTNERSHIP,
        agency="police",
        old_key=old_id,
        keys=AgencyKeys(
            signing=b64u_encode(new_key.public), sealing=b64u_encode(new_sealing.public)
        ),
        signed_at=partnership.index.clock(),
    )
    assert police.lay(operations.CHANGE_KEYS, change).status == 200
    assert police.call(operations.DIRECTORY).code == "unknown-key"
    police.key = new_key
    assert police.call(operations.DIRECTORY).status == 200


def test_a_package_waits_for_its_recipient_only(partnership: Partnership) -> None:
    from schemas.handover import HandoverContents, KnownMember

    police = partnership.member("police")
    council = partnership.newcomer("council")
    council.enrol()
    health = partnership.newcomer("health")
    health.enrol()
    contents = HandoverContents(
        partnership_key="A" * 43,
        epoch_descriptor=documents.sign(police.desk(), police.key),
        index_key="A" * 43,
        log_key=partnership.index.log.verifier_key,
        witness_policy="",
        members=(KnownMember(agency="police", name="Police", role="member", keys=police.keys),),
    )
    package = handover.pack(
        contents,
        partnership=PARTNERSHIP,
        epoch=1,
        sender="police",
        sender_keys=police.keys,
        recipient="council",
        recipient_keys=council.keys,
        signed_at=partnership.index.clock(),
        key=police.key,
    )
    assert police.call(operations.SEND_HANDOVER, Signed(document=package)).status == 200
    assert len(council.call(operations.RECEIVE_HANDOVERS).content["packages"]) == 1
    assert len(health.call(operations.RECEIVE_HANDOVERS).content["packages"]) == 0
    assert council.call(operations.SEND_HANDOVER, Signed(document=package)).status in {403, 422}


def test_a_refused_desk_does_not_stand_in_the_record(partnership: Partnership) -> None:
    police = partnership.member("police")
    police.sign_desk("quiet", visibility="hidden", name="Quiet line")
    assert police.sign_desk("quiet", visibility="hidden", name="Quiet line").code == "not-newer"
    with partnership.index.database.read() as connection:
        entries = connection.execute(select(intake.c.entry)).scalars().all()
    refusal = read_entry(entries[-1])
    assert isinstance(refusal, Refusal)
    assert refusal.statement is None
    assert not any(b"Quiet" in b64decode(text) for entry in entries
                   for text in findall(rb'"payload":"([^"]*)"', entry))  # fmt: skip
