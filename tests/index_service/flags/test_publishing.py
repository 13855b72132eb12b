"""Batches: whole or not at all, once however often they come, and nothing beside a flag."""

import secrets
import threading
from dataclasses import replace

import msgspec
import pytest
from sqlalchemy import func, select

from index_service.app import create_app
from index_service.audit.intake import intake
from index_service.flags.storage import flag_tokens, flags
from protocol.encoding import b64u_encode
from protocol.entries import read_entry
from protocol.receipts import check
from schemas import operations
from schemas.entries import Alteration, Collection, Erasure
from schemas.flags import BatchTaken, Flag, FlagBatch, Withdrawal
from tests.conftest import FakeClock
from tests.index_service.partnership import DAY_MS, Agency, Partnership, decoded
from tests.index_service.publishing import batch, flag, mark, random_tokens


@pytest.fixture
def police(partnership: Partnership) -> Agency:
    """A member with a desk, in an open epoch."""
    agency = partnership.member("police")
    assert agency.open_epoch(1).status == 200
    return agency


def counts(partnership: Partnership) -> tuple[int, int, int]:
    """Return how many flags, tokens and publication entries the index holds."""
    with partnership.index.database.read() as connection:
        entries = [read_entry(row.entry) for row in connection.execute(select(intake.c.entry))]
        return (
            connection.execute(select(func.count()).select_from(flags)).scalar_one(),
            connection.execute(select(func.count()).select_from(flag_tokens)).scalar_one(),
            sum(isinstance(entry, Collection | Alteration | Erasure) for entry in entries),
        )


def taken(agency: Agency, sent: FlagBatch) -> BatchTaken:
    """Send a batch that must be taken."""
    reply = agency.call(operations.PUBLISH, sent)
    assert reply.status == 200, reply.content
    return msgspec.convert(reply.content, BatchTaken)


def refused(agency: Agency, sent: FlagBatch) -> str:
    """Send a batch that must be refused; return the problem's code."""
    reply = agency.call(operations.PUBLISH, sent)
    assert reply.status in {409, 422}, reply.content
    return reply.code


def test_a_batch_is_counted_recorded_and_receipted(
    partnership: Partnership, police: Agency
) -> None:
    told = taken(police, batch(police, flag(police), flag(police)))
    assert (told.added, told.changed, told.unchanged) == (2, 0, 0)
    assert counts(partnership) == (2, 32, 1)
    log = partnership.index.log
    check(told.receipt, decoded(told.entry), log.name, log.key.public)


def test_the_same_batch_again_changes_nothing_and_gets_the_same_bytes(
    partnership: Partnership, police: Agency
) -> None:
    sent = batch(police, flag(police))
    first = police.call(operations.PUBLISH, sent)
    taken(police, batch(police, flag(police), sequence=2))
    assert police.call(operations.PUBLISH, sent).body == first.body
    assert counts(partnership) == (2, 32, 2)


def test_the_same_batch_at_the_same_time_is_taken_once(
    partnership: Partnership, police: Agency
) -> None:
    sent = batch(police, *(flag(police) for _ in range(50)))
    app = create_app(partnership.index)
    bodies: list[bytes] = []

    def send() -> None:
        bodies.append(replace(police, client=app.test_client()).call(operations.PUBLISH, sent).body)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(bodies) == 4
    assert len(set(bodies)) == 1
    assert counts(partnership) == (50, 800, 1)


def test_a_batch_id_is_not_taken_for_other_content(police: Agency) -> None:
    number = b64u_encode(secrets.token_bytes(16))
    taken(police, batch(police, flag(police), batch=number))
    other = batch(police, flag(police), sequence=2, batch=number)
    assert refused(police, other) == "batch-differs"


def test_an_older_batch_cannot_undo_a_later_one(police: Agency) -> None:
    older = batch(police, flag(police), sequence=1)
    taken(police, batch(police, flag(police), sequence=2))
    reply = police.call(operations.PUBLISH, older)
    assert (reply.code, reply.content["sequence"]) == ("old-sequence", 2)


def test_a_flag_is_changed_in_place(partnership: Partnership, police: Agency) -> None:
    first = flag(police)
    taken(police, batch(police, first))
    fresh = msgspec.structs.replace(first, tokens=b64u_encode(b"".join(random_tokens(16))))
    told = taken(police, batch(police, fresh, sequence=2, kind="alteration"))
    assert (told.added, told.changed) == (0, 1)
    told = taken(police, batch(police, fresh, sequence=3, kind="alteration"))
    assert (told.changed, told.unchanged) == (0, 1)
    assert counts(partnership) == (1, 16, 3)


def test_a_withdrawal_takes_the_flag_and_every_token_of_it(
    partnership: Partnership, police: Agency
) -> None:
    first, second = flag(police), flag(police)
    taken(police, batch(police, first, second))
    gone = Withdrawal(handle=first.handle, cause="ended")
    unknown = Withdrawal(handle=b64u_encode(secrets.token_bytes(16)), cause="wrong")
    told = taken(police, batch(police, gone, unknown, sequence=2))
    assert (told.withdrawn, told.unknown) == (1, 1)
    assert counts(partnership) == (1, 16, 2)


def test_one_agency_cannot_touch_anothers_flag(partnership: Partnership, police: Agency) -> None:
    council = partnership.member("council", introducer=police)
    first = flag(police)
    taken(police, batch(police, first))
    gone = Withdrawal(handle=first.handle, cause="ended")
    told = taken(council, batch(council, gone))
    assert (told.withdrawn, told.unknown) == (0, 1)
    assert counts(partnership)[0] == 1


def test_a_flag_ends_no_later_than_the_index_allows(
    partnership: Partnership, police: Agency, clock: FakeClock
) -> None:
    told = taken(police, batch(police, flag(police, ends_at=clock() + 10_000 * DAY_MS)))
    assert told.capped == 1
    with partnership.index.database.read() as connection:
        ends_at = connection.execute(select(flags.c.ends_at)).scalar_one()
    assert ends_at == clock() + 730 * DAY_MS


def test_a_flag_has_no_other_field(police: Agency) -> None:
    sent = msgspec.to_builtins(batch(police, flag(police)))
    sent["flags"][0]["category"] = "domestic abuse"
    reply = police.call(operations.PUBLISH, _Raw(sent))  # type: ignore[arg-type]  # not a message
    assert (reply.status, reply.code) == (422, "schema")
    assert set(Flag.__struct_fields__) == {"handle", "tokens", "desk", "ends_at"}


class _Raw(dict[str, object]):
    """A body that no message type allows."""


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"count": 2}, "not-as-stated"),
        ({"root": "A" * 43}, "not-as-stated"),
        ({"agency": "council"}, "not-as-stated"),
        ({"partnership": "felpersham"}, "not-as-stated"),
        ({"kind": "erasure"}, "not-as-stated"),
        ({"epoch": 2}, "epoch-not-live"),
    ],
)
def test_a_statement_that_does_not_fit_the_batch_is_refused(
    partnership: Partnership, police: Agency, changed: dict[str, object], code: str
) -> None:
    assert refused(police, batch(police, flag(police), **changed)) == code  # type: ignore[arg-type]  # fields of a statement
    assert counts(partnership) == (0, 0, 0)


def test_tokens_out_of_order_or_doubled_are_refused(police: Agency) -> None:
    tokens = random_tokens(16)
    for wrong in (tokens[::-1], [tokens[0], *tokens[:-1]]):
        bad = flag(police, tokens=b64u_encode(b"".join(wrong)))
        assert refused(police, batch(police, bad)) == "tokens-not-ascending"


def test_a_handle_twice_in_a_batch_is_refused(police: Agency) -> None:
    first = flag(police)
    assert refused(police, batch(police, first, first)) == "handle-twice"


def test_a_flag_points_to_a_signed_desk_of_its_agency(police: Agency) -> None:
    assert refused(police, batch(police, flag(police, desk="nowhere"))) == "no-such-desk"


def test_an_epoch_is_left_only_without_flags(police: Agency) -> None:
    first = flag(police)
    taken(police, batch(police, first))
    assert mark(police).content["flags"] == 1
    remain = mark(police, "left")
    assert remain.code == "flags-remain"
    assert "there is still 1 flag: withdraw" in remain.content["detail"]
    taken(police, batch(police, Withdrawal(handle=first.handle, cause="ended"), sequence=2))
    assert mark(police, "left").status == 200


def test_a_reading_from_the_future_is_refused(police: Agency) -> None:
    assert mark(police, age=-DAY_MS).code == "from-the-future"


def test_a_closed_epochs_flags_can_be_withdrawn_and_none_added(
    partnership: Partnership, police: Agency, clock: FakeClock
) -> None:
    first = flag(police)
    taken(police, batch(police, first))
    clock.advance(366 * DAY_MS)
    assert refused(police, batch(police, flag(police), sequence=2)) == "epoch-not-live"
    gone = Withdrawal(handle=first.handle, cause="ended")
    assert taken(police, batch(police, gone, sequence=2)).withdrawn == 1
    assert counts(partnership)[0] == 0
    assert mark(police, "left").status == 200


def test_withdrawals_from_an_epoch_that_the_index_has_lost_are_done_with(
    partnership: Partnership, police: Agency
) -> None:
    """After an older backup was restored; refused, they would come with each sync for ever."""
    gone = Withdrawal(handle=flag(police).handle, cause="ended")
    told = taken(police, batch(police, gone, epoch=2))
    assert (told.withdrawn, told.unknown) == (0, 1)
    assert mark(police, "left", epoch=2).status == 200


def test_it_is_told_why_an_epoch_takes_no_flags(police: Agency, clock: FakeClock) -> None:
    unknown = police.call(operations.PUBLISH, batch(police, flag(police), epoch=2))
    assert "No epoch 2 has been opened at this index" in unknown.content["detail"]
    clock.advance(366 * DAY_MS)
    closed = police.call(operations.PUBLISH, batch(police, flag(police)))
    assert "Epoch 1 has closed: publish in a newer one" in closed.content["detail"]
