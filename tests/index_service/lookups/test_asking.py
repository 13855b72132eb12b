"""No answer without a record; and an answer that is honest about what was not searched."""

import secrets
from typing import Any

import msgspec
import pytest
from sqlalchemy import event, func, select

from index_service.audit.intake import intake
from index_service.lookups import storage
from index_service.lookups.storage import lookups, references, side_records
from index_service.settings import LimitSettings
from protocol import canonical
from protocol.commitments import SHOWN, commit_to
from protocol.encoding import b64u_encode
from protocol.entries import read_entry
from protocol.receipts import check
from schemas import operations
from schemas.entries import Consultation, Refusal
from schemas.lookups import LookupAnswer, PartnerState, WithheldResult
from tests.conftest import FakeClock
from tests.index_service.lookups.conftest import Scene
from tests.index_service.partnership import DAY_MS, Partnership, decoded
from tests.index_service.publishing import flag, look_up, lookup, mark, publish, random_tokens

HOUR_MS = 3_600_000


def answered(reply: Any) -> LookupAnswer:
    """Return the answer of a lookup that must be answered."""
    assert reply.status == 200, reply.content
    return msgspec.convert(reply.content, LookupAnswer)


def entries(partnership: Partnership, kind: type[Any]) -> list[Any]:
    """Return the entries of a kind."""
    with partnership.index.database.read() as connection:
        rows = connection.execute(select(intake.c.entry).order_by(intake.c.id))
        return [e for row in rows if isinstance(e := read_entry(row.entry), kind)]


def state_of(answer: LookupAnswer, agency: str) -> PartnerState:
    """Return what the answer says of one partner."""
    return next(state for state in answer.shown.partners if state.agency == agency)


def test_a_hit_names_desk_position_and_reference(scene: Scene) -> None:
    request = lookup(scene.police, scene.token)
    answer = answered(scene.police.call(operations.LOOK_UP, request))
    (hit,) = answer.shown.hits
    assert (hit.agency, hit.desk, hit.desk_version) == ("council", "front", 1)
    (position,) = hit.matched.positions
    tokens = decoded(request.sets[0].tokens)
    assert tokens[position * 16 : position * 16 + 16] == scene.token
    assert len(answer.desks) == 1


def test_the_answer_opens_the_commitment_in_a_receipted_entry(scene: Scene) -> None:
    request = lookup(scene.police, scene.token)
    answer = answered(scene.police.call(operations.LOOK_UP, request))
    log = scene.partnership.index.log
    check(answer.receipt, decoded(answer.entry), log.name, log.key.public)
    entry = read_entry(decoded(answer.entry))
    assert isinstance(entry, Consultation)
    assert entry.statement == request.statement
    opened = commit_to(SHOWN, decoded(answer.shown_salt), answer.shown)
    assert entry.shown == b64u_encode(opened)


def test_the_entry_is_in_the_database_before_the_answer_leaves(scene: Scene) -> None:
    answer = answered(look_up(scene.police, scene.token))
    with scene.partnership.index.database.read() as connection:
        stored = connection.execute(select(intake.c.entry)).scalars().all()
    assert decoded(answer.entry) in stored


def test_if_the_entry_cannot_be_recorded_there_is_no_answer(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError

    monkeypatch.setattr("index_service.lookups.asking.record", fails)
    monkeypatch.setitem(scene.police.client.application.config, "PROPAGATE_EXCEPTIONS", False)
    reply = look_up(scene.police, scene.token)
    assert reply.status == 500
    assert b"front" not in reply.body
    with scene.partnership.index.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(lookups)).scalar() == 0


def test_the_same_lookup_again_gets_the_first_answer_and_no_second_entry(scene: Scene) -> None:
    request = lookup(scene.police, scene.token)
    first = scene.police.call(operations.LOOK_UP, request)
    publish(scene.council, flag(scene.council, scene.token), sequence=2)
    assert scene.police.call(operations.LOOK_UP, request).body == first.body
    assert len(entries(scene.partnership, Consultation)) == 1


def test_the_same_lookup_again_does_not_count_against_a_limit(scene: Scene) -> None:
    scene.limit(LimitSettings(officer_per_hour=2))
    request = lookup(scene.police)
    for _ in range(4):
        answered(scene.police.call(operations.LOOK_UP, request))
    answered(look_up(scene.police))
    assert look_up(scene.police).code == "officer-over-hour"


def test_what_an_agency_asks_in_anothers_name_leaves_nothing_in_that_name(scene: Scene) -> None:
    """It is asked for before it is known to be false; one that nobody has, too."""
    scene.limit(LimitSettings(officer_per_hour=1))
    number = b64u_encode(secrets.token_bytes(16))
    for claimed in ("council", "nobody"):
        reply = look_up(scene.police, lookup=number, agency=claimed)
        assert (reply.status, reply.code) == (422, "not-as-stated")
    answered(look_up(scene.council, lookup=number))


def test_a_lookup_id_is_not_taken_for_another_lookup(scene: Scene) -> None:
    number = b64u_encode(secrets.token_bytes(16))
    answered(look_up(scene.police, scene.token, lookup=number))
    reply = look_up(scene.police, scene.token, lookup=number)
    assert (reply.status, reply.code) == (409, "lookup-differs")


def test_no_hit_still_says_who_was_searched(scene: Scene) -> None:
    answer = answered(look_up(scene.police))
    assert answer.shown.hits == ()
    assert state_of(answer, "council").searched == "searched"


def test_a_flag_that_has_ended_is_not_found(scene: Scene, clock: FakeClock) -> None:
    clock.advance(31 * DAY_MS)
    assert answered(look_up(scene.police, scene.token)).shown.hits == ()


def test_an_agencys_own_flag_is_not_shown_to_it(scene: Scene) -> None:
    assert answered(look_up(scene.council, scene.token)).shown.hits == ()


def test_ten_of_one_agency_are_shown_and_eleven_are_too_wide(scene: Scene) -> None:
    more = [flag(scene.council, scene.token) for _ in range(9)]
    publish(scene.council, *more, sequence=2)
    assert len(answered(look_up(scene.police, scene.token)).shown.hits) == 10
    publish(scene.council, flag(scene.council, scene.token), sequence=3)
    reply = look_up(scene.police, scene.token)
    assert (reply.status, reply.code) == (422, "too-wide")
    assert entries(scene.partnership, Refusal)[-1].code == "too-wide"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"purpose": "curiosity"}, "unknown-purpose"),
        ({"agreements": ("none",)}, "no-agreement"),
        ({"call_back": "nowhere"}, "no-such-desk"),
        ({"agency": "council"}, "not-as-stated"),
        ({"partnership": "felpersham"}, "not-as-stated"),
        ({"other_tokens": True}, "not-as-stated"),
        ({"epochs": (2,)}, "epoch-not-live"),
        ({"epochs": (1, 1)}, "epoch-not-live"),
        ({"size": 33}, "token-count"),
        ({"breadth": "wide"}, "nothing-to-widen"),
        ({"follows": "A" * 22}, "not-as-stated"),
        ({"signed_at": 1}, "stale-statement"),
    ],
)
def test_what_may_not_be_asked_is_refused_and_the_refusal_recorded(
    scene: Scene, changed: dict[str, Any], code: str
) -> None:
    reply = look_up(scene.police, scene.token, **changed)
    assert reply.status in {403, 422}
    assert reply.code == code
    refusal = entries(scene.partnership, Refusal)[-1]
    assert (refusal.agency, refusal.operation, refusal.code) == ("police", "look-up", code)
    assert refusal.statement is not None
    assert entries(scene.partnership, Consultation) == []


def test_tokens_out_of_order_are_refused(scene: Scene) -> None:
    request = lookup(scene.police)
    tokens = random_tokens(32)[::-1]
    swapped = msgspec.structs.replace(request.sets[0], tokens=b64u_encode(b"".join(tokens)))
    reply = scene.police.call(operations.LOOK_UP, msgspec.structs.replace(request, sets=(swapped,)))
    assert reply.code == "tokens-not-ascending"


def test_a_wide_lookup_follows_the_same_officers_narrow_one(scene: Scene, clock: FakeClock) -> None:
    narrow = b64u_encode(secrets.token_bytes(16))
    answered(look_up(scene.police, lookup=narrow))
    wide: dict[str, Any] = {"breadth": "wide", "follows": narrow}
    assert answered(look_up(scene.police, scene.token, **wide)).shown.hits
    other = look_up(scene.police, **wide, officer="B" * 21 + "A")
    assert other.code == "nothing-to-widen"
    clock.advance(31 * 60_000)
    assert look_up(scene.police, **wide).code == "nothing-to-widen"


@pytest.mark.parametrize(
    ("limit", "code"),
    [
        ({"officer_per_hour": 2}, "officer-over-hour"),
        ({"officer_per_day": 2}, "officer-over-day"),
        ({"agency_per_hour": 2}, "agency-over-hour"),
        ({"agency_per_day": 2}, "agency-over-day"),
    ],
)
def test_over_a_limit_is_refused_with_when_to_try_again(
    scene: Scene, clock: FakeClock, limit: dict[str, int], code: str
) -> None:
    scene.limit(LimitSettings(**limit))
    for _ in range(2):
        answered(look_up(scene.police))
    reply = look_up(scene.police)
    assert (reply.status, reply.code) == (429, code)
    assert 0 < reply.content["retry_after"] <= 3601
    clock.advance(25 * HOUR_MS)
    mark(scene.council)
    answered(look_up(scene.police))


def test_a_partner_without_an_agreement_is_not_searched(scene: Scene) -> None:
    health = scene.partnership.member("health", introducer=scene.police)
    publish(health, flag(health, scene.token))
    answer = answered(look_up(scene.police, scene.token))
    assert [hit.agency for hit in answer.shown.hits] == ["council"]
    told = state_of(answer, "health")
    assert (told.searched, told.because) == ("not_searched", "no_agreement")


def test_a_desk_answers_only_to_its_purposes_and_agencies(scene: Scene) -> None:
    scene.council.sign_desk(version=2, purposes=("welfare",))
    answer = answered(look_up(scene.police, scene.token))
    assert answer.shown.hits == ()
    assert state_of(answer, "council").because == "no_desk_answers"
    scene.council.sign_desk(version=3, agencies=("health",))
    assert answered(look_up(scene.police, scene.token)).shown.hits == ()
    scene.council.sign_desk("back")
    told = state_of(answered(look_up(scene.police, scene.token)), "council")
    assert (told.searched, told.because) == ("partly", "some_desks_do_not_answer")


def test_a_partner_that_published_nothing_or_elsewhere_is_not_searched(scene: Scene) -> None:
    health = scene.partnership.member("health", introducer=scene.police)
    scene.partnership.agree(scene.police, scene.council, health)
    answer = answered(look_up(scene.police, scene.token))
    assert state_of(answer, "health").because == "nothing_published"
    scene.police.open_epoch(2)
    publish(health, flag(health, scene.token), epoch=2)
    answer = answered(look_up(scene.police, scene.token))
    told = state_of(answer, "health")
    assert (told.searched, told.because) == ("not_searched", "other_epoch")
    both = answered(look_up(scene.police, scene.token, epochs=(1, 2)))
    assert {hit.agency for hit in both.shown.hits} == {"council", "health"}
    assert state_of(both, "health").searched == "searched"


def test_a_stale_or_paused_partner_is_said_to_be(scene: Scene, clock: FakeClock) -> None:
    clock.advance(49 * HOUR_MS)
    told = state_of(answered(look_up(scene.police)), "council")
    assert (told.searched, told.because) == ("stale", "out_of_date")
    mark(scene.council, "paused")
    told = state_of(answered(look_up(scene.police)), "council")
    assert (told.searched, told.because) == ("paused", "source_paused")


def test_a_suspended_partner_is_neither_found_nor_searched(scene: Scene) -> None:
    scene.partnership.suspend(scene.council)
    answer = answered(look_up(scene.police, scene.token))
    assert answer.shown.hits == ()
    assert state_of(answer, "council").because == "suspended"


class Footprint:
    """What one lookup leaves: statements executed, rows in each table, lengths that can be seen."""

    def __init__(self, scene: Scene, *tokens: bytes) -> None:
        statements: list[str] = []
        engine = scene.partnership.index.database.engine

        def executed(_c: object, _u: object, statement: str, *_: object) -> None:
            statements.append(statement)

        event.listen(engine, "before_cursor_execute", executed)
        before = self._rows(scene)
        reply = look_up(scene.police, *tokens)
        event.remove(engine, "before_cursor_execute", executed)
        after = self._rows(scene)
        self.answer = answered(reply)
        self.statements = statements
        self.rows = [b - a for a, b in zip(before, after, strict=True)]
        self.answer_length = len(reply.body)
        self.entry_length = len(self.answer.entry)
        with scene.partnership.index.database.read() as connection:
            query = select(side_records.c.withheld).order_by(side_records.c.intake.desc())
            self.withheld = connection.execute(query).scalars().first() or b""

    @staticmethod
    def _rows(scene: Scene) -> list[int]:
        with scene.partnership.index.database.read() as connection:
            return [
                connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (intake, lookups, side_records, references)
            ]


def test_a_hit_at_a_hidden_desk_leaves_the_same_footprint_as_none(scene: Scene) -> None:
    scene.council.sign_desk("quiet", visibility="hidden", name="Quiet line")
    hidden = secrets.token_bytes(16)
    publish(scene.council, flag(scene.council, hidden, desk="quiet"), sequence=2)
    look_up(scene.police)
    hit, miss = Footprint(scene, hidden), Footprint(scene)
    assert hit.answer.shown.hits == () == miss.answer.shown.hits
    assert hit.answer.shown.never_show == ("council",) == miss.answer.shown.never_show
    assert hit.answer.shown.partners == miss.answer.shown.partners
    assert hit.statements == miss.statements
    assert hit.rows == miss.rows
    assert hit.answer_length == miss.answer_length
    assert hit.entry_length == miss.entry_length
    assert len(hit.withheld) == len(miss.withheld) == storage.WITHHELD_STEP
    kept = canonical.decode(storage.unpad_withheld(hit.withheld), WithheldResult)
    assert [(h.agency, h.desk) for h in kept.hits] == [("council", "quiet")]


def test_what_the_caller_did_not_sign_is_left_out_of_the_refusals_entry(scene: Scene) -> None:
    request = lookup(scene.police)
    huge = msgspec.structs.replace(request.statement, payload="AAAA" * 30_000)
    reply = scene.police.call(operations.LOOK_UP, msgspec.structs.replace(request, statement=huge))
    assert reply.code == "bad-document"
    assert entries(scene.partnership, Refusal)[-1].statement is None


def test_refused_lookups_count_and_those_over_the_limit_do_not(
    scene: Scene, clock: FakeClock
) -> None:
    scene.limit(LimitSettings(officer_per_hour=3))
    for _ in range(3):
        assert look_up(scene.police, purpose="curiosity").code == "unknown-purpose"
    for _ in range(5):
        assert look_up(scene.police).code == "officer-over-hour"
    clock.advance(HOUR_MS)
    answered(look_up(scene.police))
