"""A closed log is followed by another that says what was lost, and keeps all that is left."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update

from foundation.operator import OperatorError
from index_service.audit import succeeding
from index_service.audit.intake import Log, intake
from index_service.audit.storage import log_successions
from index_service.audit.verifying import verify_log
from index_service.installation import log_of
from protocol import canonical, documents
from protocol.keys import SigningKey
from protocol.log.proofs import tree_head
from protocol.log.tile_tree import TileHashes
from protocol.merkle import leaf_hash, tree_root
from protocol.verification import Fault
from protocol.verifier_keys import read
from schemas.entries import Administration
from schemas.envelopes import Envelope
from schemas.successions import LogSuccession
from tests.index_service.audit.logs import Kept
from tests.index_service.partnership import PARTNERSHIP


def lose(kept: Kept, lost: int = 3) -> None:
    """Restore a backup that lacks `lost` signed entries; two others come, and the log is closed."""
    kept.take_in(300)
    kept.sequence()
    backup = kept.back_up()
    kept.take_in(lost)
    kept.sequence()
    kept.restore(backup)
    kept.take_in(2)
    kept.sequence()
    assert kept.state.closed is not None


def succeed(kept: Kept) -> tuple[Kept, LogSuccession]:
    index = kept.index
    successor = log_of(index.settings, SigningKey.generate(), index.log.generation + 1)
    with index.database.write() as connection:
        told = succeeding.succeed(connection, index, successor, "The disk broke")
    return Kept(following(kept, successor)), told


def following(kept: Kept, successor: Log) -> Any:
    file = kept.file.with_name(f"log.head-{successor.generation}")
    return replace(kept.index, log=successor, head_file=file)


def verified(kept: Kept) -> Any:
    with kept.index.database.read() as connection:
        return verify_log(connection, read(kept.index.log.verifier_key), PARTNERSHIP)


def test_a_successor_says_what_was_lost_and_keeps_the_rest_in_its_order(kept: Kept) -> None:
    lose(kept)
    lost = kept.filed
    with kept.index.database.read() as connection:
        rows = select(intake.c.entry).where(intake.c.position.is_not(None))
        before = list(connection.execute(rows.order_by(intake.c.position)).scalars())
    after, told = succeed(kept)
    assert lost is not None
    assert (told.head_size, told.kept, told.why) == (303, 300, "The disk broke")
    after.sequence()
    assert after.published().size == 1 + 300 + 2
    with after.index.database.read() as connection:
        rows = select(intake.c.entry).where(intake.c.position.is_not(None))
        now = [bytes(e) for e in connection.execute(rows.order_by(intake.c.position)).scalars()]
    assert now[1:301] == [bytes(entry) for entry in before]
    assert tree_root([leaf_hash(entry) for entry in now]) == after.published().root
    opened = canonical.decode(now[0], Administration)
    assert opened.document is not None
    public = kept.index.log.key.public
    assert documents.read(opened.document, LogSuccession, public) == told
    assert verified(after).entries == 303


def test_the_old_log_signs_nothing_more(kept: Kept) -> None:
    """Neither a program that still runs with the old key, nor one whose database is put back."""
    lose(kept)
    signed = list(kept.signed)
    after, _ = succeed(kept)
    with pytest.raises(OperatorError, match="start it again"):
        kept.sequence()
    after.sequence()
    with pytest.raises(OperatorError, match="start it again"):
        kept.sequence()
    assert [head.size for head in kept.signed if head not in signed] == [301, 303]
    assert kept.filed is not None
    assert kept.filed.size == 303, "the old head file stays"


def test_a_successor_may_have_one_itself(kept: Kept) -> None:
    lose(kept)
    second, _ = succeed(kept)
    second.sequence()
    backup = second.back_up()
    second.take_in(4)
    second.sequence()
    second.restore(backup)
    second.sequence()
    assert second.state.closed is not None
    third, told = succeed(second)
    assert (told.head_size, told.kept) == (307, 303)
    third.sequence()
    assert verified(third).entries == 304
    with third.index.database.read() as connection:
        kept_documents = connection.execute(select(log_successions)).all()
        hashes = TileHashes(succeeding.DatabaseTiles(connection), 304)
        assert tree_head(hashes, 304) == third.published()
    assert [row.generation for row in kept_documents] == [1, 2]
    for row in kept_documents:
        canonical.decode(bytes(row.envelope), Envelope)


def test_a_log_that_can_go_on_has_no_successor(kept: Kept) -> None:
    kept.take_in(3)
    kept.sequence()
    with pytest.raises(OperatorError, match="not closed"):
        succeed(kept)


@pytest.mark.parametrize("number", [1, 200, 300])
def test_an_entry_that_was_taken_over_is_the_one_of_the_old_log(kept: Kept, number: int) -> None:
    """Also if everything after it was made to fit: the old log's own root is compared."""
    lose(kept)
    with kept.index.database.write() as connection:
        row = connection.execute(select(intake).where(intake.c.position == number - 1)).one()
        entry = bytes(row.entry).replace(b"A purpose", b"B purpose")
        changed = update(intake).where(intake.c.id == row.id)
    after, _ = succeed(kept)
    with after.index.database.write() as connection:
        connection.execute(changed.values(entry=entry, leaf=leaf_hash(entry)))
        succeeding._grow_anew(connection, 2)
    after.sequence()
    with pytest.raises(Fault, match="entry 0: the entries that it took over are others"):
        verified(after)
