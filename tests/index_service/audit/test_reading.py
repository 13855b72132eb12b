"""Reading the record: who may read what, that it is recorded first, and that nothing is missed."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select

from foundation.database import Database
from index_service.app import create_app
from index_service.audit import reading, reading_segments
from index_service.audit.intake import intake
from index_service.audit.reading_segments import audit_postings, audit_segments, build_segments
from index_service.audit.sequencing import sequence
from index_service.settings import LimitSettings
from index_service.worker import retention
from protocol import documents
from protocol.encoding import b64u_decode, b64u_encode
from protocol.entries import read_entry
from schemas import operations
from schemas.audit import AuditStatement
from schemas.entries import AuditReading, Consultation, Refusal
from schemas.lookups import LookupStatement
from tests.conftest import FakeClock
from tests.index_service.audit.logs import Kept
from tests.index_service.audit.originals import Copier
from tests.index_service.audit.readers import (
    READER,
    SECOND,
    check_proofs,
    entries,
    everything,
    held,
    person,
    work,
)
from tests.index_service.partnership import DAY_MS, Agency, Partnership
from tests.index_service.publishing import flag, look_up, publish

OTHER = b64u_encode(b"officer-number-2")


@dataclass
class Scene:
    """The police have looked up somebody whom the council has flagged; an auditor may read."""

    partnership: Partnership
    police: Agency
    council: Agency
    auditor: Agency
    token: bytes
    handle: bytes

    def number(self) -> None:
        """Let the worker number the entries and sign."""
        work(self.partnership.index, sequence)

    def entries(self) -> list[Any]:
        """Every entry taken in so far."""
        with self.partnership.index.database.read() as connection:
            rows = connection.execute(select(intake.c.entry).order_by(intake.c.id)).scalars()
            return [read_entry(bytes(row)) for row in rows]

    def lookups_in(self, answer: dict[str, Any], rows: str = "entries") -> list[LookupStatement]:
        """The statements of the lookups of an answer, its proofs checked."""
        check_proofs(self.partnership.index, answer, rows)
        read = [read_entry(b64u_decode(row["entry"])) for row in answer[rows]]
        lookups = [entry for entry in read if isinstance(entry, Consultation)]
        assert len(lookups) == len(read)
        return [documents.claimed(entry.statement, LookupStatement) for entry in lookups]


def set_scene(kept: Kept) -> tuple[Partnership, Agency, Agency, Agency, bytes, bytes]:
    """Make what a `Scene` has, in its order."""
    partnership = Partnership(kept.index, create_app(kept.index).test_client())
    police = partnership.member("police")
    council = partnership.member("council", police)
    auditor = partnership.member("auditor", police, role="auditor")
    police.open_epoch()
    partnership.agree(police, council)
    token, handle = secrets.token_bytes(16), secrets.token_bytes(16)
    publish(council, flag(council, token, handle=handle))
    assert look_up(police, token).status == 200
    assert look_up(police, officer=OTHER).status == 200
    kept.sequence()
    return partnership, police, council, auditor, token, handle


@pytest.fixture
def scene(copier: Copier) -> Iterator[Scene]:
    """The police have looked up somebody whom the council has flagged."""
    with copier.copied(set_scene) as (_, made):
        yield Scene(*made)


@pytest.fixture
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of four entries, so that a test has several."""
    monkeypatch.setattr(reading_segments, "SPAN", 4)


def test_an_auditor_finds_every_lookup_that_could_have_found_a_person(scene: Scene) -> None:
    answer = scene.auditor.call(operations.AUDIT_PERSON, person(scene.auditor, scene.token))
    assert answer.status == 200, answer.content
    (told,) = scene.lookups_in(answer.content, "lookups")
    assert (told.agency, told.purpose) == ("police", "safeguarding")
    (row,) = answer.content["lookups"]
    assert scene.token in b64u_decode(row["sets"][0]["tokens"])
    assert [hit["agency"] for hit in row["shown"]["hits"]] == ["council"]
    nobody = scene.auditor.call(operations.AUDIT_PERSON, person(scene.auditor))
    assert nobody.content["lookups"] == []


@pytest.mark.usefixtures("small_segments")
def test_segments_and_what_has_none_yet_find_the_same(scene: Scene) -> None:
    """Before the job, after it, and with a part of the log behind it."""

    def found() -> list[int]:
        asked = person(scene.auditor, scene.token)
        answer = scene.auditor.call(operations.AUDIT_PERSON, asked).content
        return check_proofs(scene.partnership.index, answer, "lookups")

    before = found()
    assert len(before) == 1
    work(scene.partnership.index, build_segments)
    assert found() == before
    for _ in range(6):
        assert look_up(scene.police, scene.token).status == 200
    scene.number()
    assert len(found()) == 7
    work(scene.partnership.index, build_segments)
    assert len(found()) == 7
    with scene.partnership.index.database.read() as connection:
        segments = connection.execute(select(func.count()).select_from(audit_segments)).scalar_one()
        head = connection.execute(select(func.count(intake.c.position))).scalar_one()
    assert segments >= 3
    assert segments <= head // 4


@pytest.mark.usefixtures("small_segments")
def test_postings_go_with_the_side_records_and_the_answer_says_how_many_went(
    scene: Scene, clock: FakeClock
) -> None:
    index = scene.partnership.index
    work(index, build_segments)
    clock.advance(2 * 366 * DAY_MS)
    with index.database.write() as connection:
        retention.erase_side_records(connection, index, clock())
    work(index, build_segments)
    with index.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(audit_postings)).scalar() == 0
    scene.number()
    asked = person(scene.auditor, scene.token)
    answer = scene.auditor.call(operations.AUDIT_PERSON, asked).content
    assert (answer["lookups"], answer["erased"]) == ([], 2)
    listed = scene.auditor.call(operations.AUDIT_ENTRIES, entries(scene.auditor, asker="police"))
    assert len(scene.lookups_in(listed.content)) == 2


@pytest.mark.usefixtures("small_segments")
@pytest.mark.parametrize("built", [False, True])
def test_a_list_is_filtered_by_agency_purpose_pseudonym_lookup_and_time(
    scene: Scene, clock: FakeClock, built: bool
) -> None:
    if built:
        work(scene.partnership.index, build_segments)
    now = clock()

    def listed(**told: Any) -> list[str]:
        answer = scene.auditor.call(operations.AUDIT_ENTRIES, entries(scene.auditor, **told))
        assert answer.status == 200, answer.content
        return [one.officer for one in scene.lookups_in(answer.content)]

    everyone = listed(asker="police")
    assert len(everyone) == 2
    assert listed(asker="council") == []
    assert listed(purpose="safeguarding") == everyone
    assert listed(purpose="fraud") == []
    assert listed(officer=OTHER) == [OTHER]
    assert listed(officer=OTHER, asker="council") == []
    assert listed(asker="police", since=now, until=now + 1) == everyone
    assert listed(asker="police", since=now + 1) == []
    assert listed(asker="police", until=now) == []
    reply = scene.auditor.call(operations.AUDIT_ENTRIES, entries(scene.auditor, officer=OTHER))
    (told,) = scene.lookups_in(reply.content)
    assert listed(lookup=told.lookup) == [OTHER]


def test_a_list_goes_on_where_a_page_ended(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LOOKUP_PAGE", 1)
    monkeypatch.setattr(reading, "PERSON_PAGE", 1)
    first = scene.auditor.call(operations.AUDIT_ENTRIES, entries(scene.auditor, asker="police"))
    second = scene.auditor.call(
        operations.AUDIT_ENTRIES,
        entries(scene.auditor, asker="police", first=first.content["next"]),
    )
    numbers = [row["number"] for page in (first, second) for row in page.content["entries"]]
    assert len(numbers) == len(set(numbers)) == 2
    assert second.content["next"] is None
    assert look_up(scene.police, scene.token).status == 200
    scene.number()
    page = scene.auditor.call(operations.AUDIT_PERSON, person(scene.auditor, scene.token))
    rest = scene.auditor.call(
        operations.AUDIT_PERSON,
        person(scene.auditor, scene.token, first=page.content["next"]),
    )
    assert len(page.content["lookups"]) == len(rest.content["lookups"]) == 1
    assert rest.content["next"] is None


def test_only_an_auditor_reads_what_others_did(scene: Scene) -> None:
    for member in (scene.police, scene.council):
        for operation, request in (
            (operations.AUDIT_PERSON, person(member, scene.token)),
            (operations.AUDIT_ENTRIES, entries(member, asker="police")),
            (operations.AUDIT_ENTRIES, everything(member, READER, SECOND)),
        ):
            refused = member.call(operation, request)
            assert (refused.status, refused.code) == (403, "not-an-auditor")
            assert isinstance(scene.entries()[-1], Refusal)
    scene.partnership.suspend(scene.auditor)
    refused = scene.auditor.call(operations.AUDIT_PERSON, person(scene.auditor, scene.token))
    assert refused.status == 403


def test_an_agency_reads_its_own_side_and_no_other(scene: Scene) -> None:
    own = scene.police.call(operations.AUDIT_OWN, entries(scene.police, "own", asker="police"))
    assert len(scene.lookups_in(own.content)) == 2
    none = scene.council.call(operations.AUDIT_OWN, entries(scene.council, "own", asker="council"))
    assert none.content["entries"] == []
    for asker in ("police", None):
        refused = scene.council.call(
            operations.AUDIT_OWN, entries(scene.council, "own", asker=asker)
        )
        assert (refused.status, refused.code) == (422, "not-as-stated")
    asked = scene.auditor.call(operations.AUDIT_OWN, entries(scene.auditor, "own", asker="auditor"))
    assert asked.code == "not-a-member"


def test_every_reading_is_an_entry_that_was_committed_before_its_answer(scene: Scene) -> None:
    for operation, request, by in (
        (operations.AUDIT_PERSON, person(scene.auditor, scene.token), scene.auditor),
        (operations.AUDIT_ENTRIES, entries(scene.auditor, asker="police"), scene.auditor),
        (operations.AUDIT_OWN, entries(scene.police, "own", asker="police"), scene.police),
        (operations.AUDIT_HELD, held(scene.council, scene.handle), scene.council),
    ):
        answer = by.call(operation, request)
        assert answer.status == 200, answer.content
        last = scene.entries()[-1]
        assert isinstance(last, AuditReading)
        assert read_entry(b64u_decode(answer.content["entry"])) == last
        assert last.statement == request.statement


def test_a_reading_that_cannot_be_recorded_is_not_answered(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(reading, "record", broken)
    answer = scene.auditor.call(operations.AUDIT_PERSON, person(scene.auditor, scene.token))
    assert answer.status == 500
    assert "lookups" not in answer.content


def test_a_person_is_asked_about_on_a_ground_only(scene: Scene) -> None:
    refused = scene.auditor.call(
        operations.AUDIT_PERSON, person(scene.auditor, scene.token, ground=None)
    )
    assert (refused.status, refused.code) == (403, "no-ground")
    last = scene.entries()[-1]
    assert isinstance(last, Refusal)
    assert last.statement is not None


def test_a_complete_scan_takes_two_people_and_gives_every_entry(scene: Scene) -> None:
    for officers in ((), (READER,), (READER, READER), (SECOND, OTHER)):
        refused = scene.auditor.call(operations.AUDIT_ENTRIES, everything(scene.auditor, *officers))
        assert (refused.status, refused.code) == (403, "two-people-needed"), officers
    for told in ({}, {"since": 0}, {"until": 2**50}):
        refused = scene.auditor.call(operations.AUDIT_ENTRIES, entries(scene.auditor, **told))
        assert refused.code == "two-people-needed", told
    without = everything(scene.auditor, READER, SECOND, ground=None)
    assert scene.auditor.call(operations.AUDIT_ENTRIES, without).code == "no-ground"
    scene.number()
    answer = scene.auditor.call(operations.AUDIT_ENTRIES, everything(scene.auditor, READER, SECOND))
    numbers = check_proofs(scene.partnership.index, answer.content, "entries")
    assert numbers == list(range(len(scene.entries()) - 1))


def test_a_complete_scan_is_confirmed_within_the_hour(scene: Scene, clock: FakeClock) -> None:
    asked = everything(scene.auditor, READER, SECOND)
    told = documents.claimed(asked.statement, AuditStatement)
    clock.advance(3_600_001)
    late = msgspec.structs.replace(told, signed_at=clock())
    refused = scene.auditor.call(
        operations.AUDIT_ENTRIES,
        type(asked)(statement=documents.sign(late, scene.auditor.key)),
    )
    assert refused.code == "two-people-needed"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"agency": "police"}, "not-as-stated"),
        ({"partnership": "elsewhere"}, "not-as-stated"),
        ({"signed_at": 0}, "stale-statement"),
        ({"of": "lookups"}, "not-as-stated"),
        ({"tokens": ()}, "not-as-stated"),
    ],
)
def test_the_statement_is_the_readers_own_new_and_of_this(
    scene: Scene, changed: dict[str, Any], code: str
) -> None:
    refused = scene.auditor.call(
        operations.AUDIT_PERSON, person(scene.auditor, scene.token, **changed)
    )
    assert (refused.status, refused.code) == (422, code)


def test_tokens_are_those_that_the_statement_commits_to(scene: Scene) -> None:
    asked, other = person(scene.auditor, scene.token), person(scene.auditor, scene.token)
    mixed = msgspec.structs.replace(asked, sets=other.sets)
    assert scene.auditor.call(operations.AUDIT_PERSON, mixed).code == "not-as-stated"


def test_an_auditor_reads_so_much_in_an_hour_and_no_more(scene: Scene, clock: FakeClock) -> None:
    index = scene.partnership.index
    limits = LimitSettings(audit_persons_per_hour=2, audit_pages_per_hour=1)
    limited = replace(index, settings=msgspec.structs.replace(index.settings, limits=limits))
    auditor = replace(scene.auditor, client=create_app(limited).test_client())
    codes = [
        auditor.call(operations.AUDIT_PERSON, person(auditor, scene.token)).status for _ in range(3)
    ]
    assert codes == [200, 200, 429]
    assert isinstance(scene.entries()[-1], Refusal)
    page = [auditor.call(operations.AUDIT_ENTRIES, entries(auditor, asker="police"))
            for _ in range(2)]  # fmt: skip
    assert [one.status for one in page] == [200, 429]
    assert page[1].code == "audit-over-hour"
    assert int(page[1].headers["Retry-After"]) <= 3601
    clock.advance(3_600_000)
    assert auditor.call(operations.AUDIT_PERSON, person(auditor, scene.token)).status == 200


def test_what_has_no_number_yet_is_counted_and_not_shown(scene: Scene) -> None:
    scene.number()
    assert look_up(scene.police, scene.token).status == 200
    asked = person(scene.auditor, scene.token)
    answer = scene.auditor.call(operations.AUDIT_PERSON, asked).content
    assert len(answer["lookups"]) == 1
    assert answer["waiting"] == 1
    assert answer["waiting_since"] == scene.police.index.clock()


def test_before_the_log_is_signed_there_is_nothing_to_read(
    database: Database, clock: FakeClock
) -> None:
    partnership = Partnership.on(database, clock)
    auditor = partnership.member("auditor", role="auditor")
    assert auditor.call(operations.AUDIT_PERSON, person(auditor)).code == "no-checkpoint"


def test_a_holder_sees_who_looked_its_subject_up_and_nothing_of_why(scene: Scene) -> None:
    asked = held(scene.council, scene.handle)
    answer = scene.council.call(operations.AUDIT_HELD, asked)
    assert answer.status == 200, answer.content
    check_proofs(scene.partnership.index, answer.content, "notices")
    (notice,) = answer.content["notices"]
    assert (notice["asker"], notice["matched"]) == ("police", 1)
    assert notice["call_back"] is not None
    assert b"safeguarding" not in msgspec.json.encode(notice)


def test_a_holder_sees_neither_wide_nor_old_lookups(scene: Scene, clock: FakeClock) -> None:
    (first,) = [
        one for one in scene.lookups_in(
            scene.police.call(
                operations.AUDIT_OWN, entries(scene.police, "own", asker="police")
            ).content
        ) if one.officer != OTHER
    ]  # fmt: skip
    wide = look_up(scene.police, scene.token, breadth="wide", follows=first.lookup)
    assert wide.status == 200, wide.content
    scene.number()
    asked = scene.council.call(operations.AUDIT_HELD, held(scene.council, scene.handle))
    assert len(asked.content["notices"]) == 1
    clock.advance(90 * DAY_MS + 1)
    later = scene.council.call(operations.AUDIT_HELD, held(scene.council, scene.handle))
    assert later.content["notices"] == []


def test_only_the_holder_of_a_visible_flag_is_answered(scene: Scene) -> None:
    for agency, handle in ((scene.police, scene.handle), (scene.council, b"\x01" * 16)):
        refused = agency.call(operations.AUDIT_HELD, held(agency, handle))
        assert (refused.status, refused.code) == (404, "no-such-flag")
    assert scene.council.sign_desk(version=2, visibility="hidden").status == 200
    hidden = scene.council.call(operations.AUDIT_HELD, held(scene.council, scene.handle))
    assert hidden.code == "no-such-flag"
    asked = held(scene.council, scene.handle)
    other = msgspec.structs.replace(asked, salt=held(scene.council, scene.handle).salt)
    assert scene.council.call(operations.AUDIT_HELD, other).code == "not-as-stated"
