"""Each check of a batch and of a mark stands alone: all is right but for what is refused."""

import msgspec
import pytest
from sqlalchemy import select

from index_service.audit.intake import intake
from protocol import documents
from protocol.entries import read_entry
from schemas.entries import Alteration, Collection, Erasure
from schemas.flags import FlagBatch, PublicationStatement, Withdrawal
from tests.conftest import FakeClock
from tests.index_service.flags.test_publishing import counts, refused, taken
from tests.index_service.partnership import Agency, Partnership
from tests.index_service.publishing import batch, flag, mark

replace = msgspec.structs.replace


@pytest.fixture
def police(partnership: Partnership) -> Agency:
    """A member with a desk, in an open epoch."""
    agency = partnership.member("police")
    assert agency.open_epoch(1).status == 200
    return agency


def test_a_statement_of_the_future_is_refused(police: Agency, clock: FakeClock) -> None:
    """It could otherwise be kept back and sent when it suits whoever has it."""
    assert refused(police, batch(police, flag(police), signed_at=clock() + 301_000)) == (
        "from-the-future"
    )


def test_a_statement_signed_with_another_key_is_refused(
    partnership: Partnership, police: Agency
) -> None:
    council = partnership.member("council", introducer=police)
    sent = batch(police, flag(police))
    statement = documents.claimed(sent.statement, PublicationStatement)
    forged = replace(sent, statement=documents.sign(statement, council.key))
    assert refused(police, forged) == "bad-document"
    assert counts(partnership) == (0, 0, 0)


@pytest.mark.parametrize("kind", ["collection", "erasure"])
def test_a_batch_holds_flags_or_withdrawals_and_never_both(
    partnership: Partnership, police: Agency, kind: str
) -> None:
    """What the statement does not count would be done and not stand in the log."""
    flags, gone = batch(police, flag(police)), Withdrawal(handle="A" * 22, cause="ended")
    withdrawals = batch(police, gone)
    stated = flags if kind == "collection" else withdrawals
    both = FlagBatch(
        statement=stated.statement, flags=flags.flags, withdrawals=withdrawals.withdrawals
    )
    assert refused(police, both) == "not-as-stated"
    assert counts(partnership) == (0, 0, 0)


def test_a_flag_does_not_point_to_a_desk_that_was_withdrawn(police: Agency) -> None:
    """Nobody answers there any more."""
    assert police.sign_desk(version=2, withdrawn=True).status == 200
    assert refused(police, batch(police, flag(police))) == "no-such-desk"


@pytest.mark.parametrize("field", ["handle", "tokens"])
def test_bytes_have_one_form(police: Agency, field: str) -> None:
    """A last character with bits to spare would be a second text for the same bytes."""
    good = flag(police)
    wrong = replace(good, **{field: getattr(good, field)[:-1] + "_"})
    assert refused(police, batch(police, wrong)) == "schema"


@pytest.mark.parametrize("state", ["complete", "paused"])
def test_a_mark_is_for_a_live_epoch(police: Agency, state: str) -> None:
    """A partner would else be called searched in an epoch that no lookup searches."""
    reply = mark(police, state, epoch=2)
    assert (reply.status, reply.code) == (422, "epoch-not-live")


def test_each_kind_of_batch_has_its_own_kind_of_entry(
    partnership: Partnership, police: Agency
) -> None:
    """Collection, alteration and erasure, as DPA 2018 s.62 tells them apart."""
    first = flag(police)
    taken(police, batch(police, first))
    taken(police, batch(police, replace(first, ends_at=first.ends_at - 1), sequence=2,
                        kind="alteration"))  # fmt: skip
    gone = batch(police, Withdrawal(handle=first.handle, cause="ended"), sequence=3)
    taken(police, gone)
    with partnership.index.database.read() as connection:
        rows = connection.execute(select(intake.c.entry).order_by(intake.c.id)).scalars()
        kept = [read_entry(row) for row in rows]
    published = [entry for entry in kept if isinstance(entry, Collection | Alteration | Erasure)]
    assert [type(entry) for entry in published] == [Collection, Alteration, Erasure]
    erasure = published[-1]
    assert isinstance(erasure, Erasure)
    assert (erasure.agency, erasure.count, erasure.statement) == ("police", 1, gone.statement)
