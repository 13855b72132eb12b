"""Enrolment: one code, one set of keys, and nothing learned by trying."""

from sqlalchemy import select

from index_service.audit.intake import intake
from protocol.entries import read_entry
from protocol.keys import SigningKey
from protocol.receipts import check
from schemas import operations
from schemas.agencies import Directory, Enrolled, Enrolment
from schemas.entries import Administration
from tests.conftest import FakeClock
from tests.index_service.partnership import DAY_MS, Partnership, decoded


def test_a_code_enrols_the_keys_that_signed_the_request(partnership: Partnership) -> None:
    police = partnership.newcomer("police")
    reply = police.enrol()
    assert reply.status == 200
    assert reply.content["agency"] == "police"
    assert set(reply.content) == set(Enrolled.__struct_fields__)
    assert police.call(operations.DIRECTORY).status == 200


def test_the_same_enrolment_again_gets_the_same_answer(partnership: Partnership) -> None:
    police = partnership.newcomer("police")
    code = police.register()
    assert police.enrol(code).body == police.enrol(code).body


def test_a_code_used_with_other_keys_is_refused(partnership: Partnership) -> None:
    police = partnership.newcomer("police")
    code = police.register()
    police.enrol(code)
    thief = partnership.newcomer("police")
    reply = thief.enrol(code)
    assert (reply.status, reply.code) == (409, "code-used")


def test_a_code_of_another_agency_an_unknown_and_an_old_one_are_refused_alike(
    partnership: Partnership, clock: FakeClock
) -> None:
    police, council = partnership.newcomer("police"), partnership.newcomer("council")
    code = police.register()
    council.register()
    other = council.enrol(code)
    unknown = council.call(
        operations.ENROL, Enrolment(agency="council", code="A" * 22, keys=council.keys)
    )
    clock.advance(4 * DAY_MS)
    old = police.enrol(code)
    assert {other.body, unknown.body, old.body} == {other.body}
    assert (other.status, other.code) == (404, "no-such-code")


def test_an_enrolment_signed_with_another_key_than_it_brings_is_refused(
    partnership: Partnership,
) -> None:
    police = partnership.newcomer("police")
    code = police.register()
    brought = police.keys
    police.key = SigningKey.generate()
    request = Enrolment(agency="police", code="A" * 22, keys=brought)
    assert police.call(operations.ENROL, request).status == 401
    assert police.enrol(code).status == 200


def test_enrolment_is_an_entry(partnership: Partnership) -> None:
    police = partnership.newcomer("police")
    police.enrol()
    with partnership.index.database.read() as connection:
        entries = [read_entry(row.entry) for row in connection.execute(select(intake))]
    acts = [entry.act for entry in entries if isinstance(entry, Administration)]
    assert acts == ["agency-registered", "code-issued", "agency-enrolled"]


def test_nobody_is_in_the_directory_until_enrolled(partnership: Partnership) -> None:
    stranger = partnership.newcomer("police")
    reply = stranger.call(operations.DIRECTORY)
    assert (reply.status, reply.code) == (401, "unknown-key")


def test_a_suspended_agency_is_refused(partnership: Partnership) -> None:
    police = partnership.member("police")
    partnership.suspend(police)
    reply = police.call(operations.DIRECTORY)
    assert (reply.status, reply.code) == (403, "suspended")


def test_the_directory_fits_its_schema(partnership: Partnership) -> None:
    police = partnership.member("police")
    partnership.member("council", introducer=police)
    import msgspec

    directory = msgspec.json.decode(police.call(operations.DIRECTORY).body, type=Directory)
    assert [a.agency for a in directory.agencies] == ["council", "police"]
    assert len(directory.introductions) == 2
    assert len(directory.desks) == 2


def test_what_is_acknowledged_has_a_receipt_of_the_log(partnership: Partnership) -> None:
    police = partnership.newcomer("police")
    police.enrol()
    reply = police.introduce(police)
    import msgspec

    from schemas.agencies import Acknowledged

    told = msgspec.convert(reply.content, Acknowledged)
    log = partnership.index.log
    check(told.receipt, decoded(told.entry), log.name, log.key.public)
