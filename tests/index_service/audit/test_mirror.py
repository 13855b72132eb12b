"""The mirror: what a restored database lacks is taken back from it, or nothing is signed."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from foundation.operator import OperatorError
from index_service.audit import mirror as mirroring
from index_service.audit import sequencing
from index_service.audit.mirror import Mirror
from protocol.log.bundles import unpack
from protocol.log.checkpoints import open_checkpoint
from protocol.log.proofs import tree_head
from protocol.log.tile_tree import TileHashes
from protocol.log.tiles import bundles_of
from protocol.verifier_keys import KeyType, VerifierKey
from tests.index_service.audit.logs import Kept
from tests.protocol.log.trees import FolderTiles


@pytest.fixture
def mirrored(kept: Kept, tmp_path: Path) -> Kept:
    """A log with a mirror, still empty."""
    (tmp_path / "mirror").mkdir()
    mirror = Mirror(tmp_path / "mirror" / kept.index.log.name, kept.index.log.name)
    return replace(kept, index=replace(kept.index, mirror=mirror))


def folder_of(log: Kept) -> Mirror:
    assert log.index.mirror is not None
    return log.index.mirror


def check_mirror(log: Kept) -> None:
    """Check that the mirror is the whole log, from its files alone."""
    folder = folder_of(log).folder
    key = VerifierKey(log.index.log.name, KeyType.ED25519, log.index.log.key.public)
    head = open_checkpoint((folder / "checkpoint").read_bytes(), [key]).checkpoint.head
    assert head == log.published() == folder_of(log).written()
    assert tree_head(TileHashes(FolderTiles(folder), head.size), head.size) == head
    entries = [e for b in bundles_of(head.size) for e in unpack(b, (folder / b.path).read_bytes())]
    assert list(folder_of(log).entries(0, head.size)) == entries
    partial = {path.name for path in folder.glob("tile/entries/*.p/*")}
    assert partial == ({str(head.size % 256)} if head.size % 256 else set())


def test_whatever_is_published_is_in_the_mirror(mirrored: Kept) -> None:
    for count in (3, 250, 3, 300):
        mirrored.take_in(count)
        mirrored.sequence()
        check_mirror(mirrored)
    mirrored.check(556)


def test_a_mirror_that_is_set_up_later_is_filled(
    mirrored: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirroring, "PORTION", 256)
    late = folder_of(mirrored)
    mirrored.index = replace(mirrored.index, mirror=None)
    mirrored.take_in(700)
    mirrored.sequence()
    mirrored.index = replace(mirrored.index, mirror=late)
    mirrored.sequence()
    assert late.written() == mirrored.published()
    mirrored.take_in(1)
    mirrored.sequence()
    check_mirror(mirrored)


@pytest.mark.parametrize("head_file", ["kept", "restored", "lost"])
@pytest.mark.parametrize("lost", [3, 260])
def test_an_older_backup_is_brought_forward_from_the_mirror(
    mirrored: Kept, monkeypatch: pytest.MonkeyPatch, head_file: str, lost: int
) -> None:
    """To exactly what was signed, whatever became of the head file; new entries come behind.

    Also over several batches, and from within one bundle into the third.
    """
    monkeypatch.setattr(sequencing, "BATCH", 100)
    mirrored.take_in(255)
    mirrored.sequence()
    backup, file = mirrored.back_up(), mirrored.file.read_bytes()
    mirrored.take_in(lost)
    mirrored.sequence()
    signed, head = list(mirrored.signed), mirrored.published()
    mirrored.restore(backup)
    mirrored.take_in(2)
    if head_file == "restored":
        mirrored.file.write_bytes(file)
    if head_file == "lost":
        mirrored.file.unlink()
        with pytest.raises(OperatorError, match="log-head --accept"):
            mirrored.sequence()
        with mirrored.index.database.write() as connection:
            assert sequencing.accept_head(connection, mirrored.index) == head
    mirrored.sequence()
    assert head in mirrored.signed[len(signed) :], "the very same head is signed again"
    recoveries = -(-lost // 100)
    mirrored.check(255 + lost + 2 + recoveries + (head_file == "lost"))
    check_mirror(mirrored)


def test_entries_that_were_not_lost_are_not_made_twice(mirrored: Kept) -> None:
    """Of two lost numbers, one entry is still in the intake, with what belongs to it."""
    mirrored.take_in(4)
    mirrored.sequence()
    backup = mirrored.back_up()
    mirrored.take_in(1)
    row = mirrored.back_up()["intake"][-1]
    mirrored.take_in(1)
    mirrored.sequence()
    mirrored.restore({**backup, "intake": [*backup["intake"], row]})
    mirrored.sequence()
    mirrored.check(7)


@pytest.mark.parametrize("damage", ["bundle", "missing"])
def test_a_damaged_mirror_closes_the_log_and_puts_nothing_in_it(
    mirrored: Kept, damage: str
) -> None:
    mirrored.take_in(4)
    mirrored.sequence()
    backup = mirrored.back_up()
    mirrored.take_in(4)
    mirrored.sequence()
    mirrored.restore(backup)
    [bundle] = folder_of(mirrored).folder.glob("tile/entries/000.p/*")
    if damage == "missing":
        bundle.unlink()
    else:
        content = bytearray(bundle.read_bytes())
        content[-5] ^= 1
        bundle.write_bytes(content)
    signed = list(mirrored.signed)
    mirrored.sequence()
    assert mirrored.state.closed is not None
    assert mirrored.state.head.size == 4
    assert mirrored.signed == signed


def test_a_mirror_that_is_not_there_stops_the_signing(mirrored: Kept) -> None:
    """A missing disk is not an empty folder: it is not made anew."""
    mirrored.take_in(4)
    mirrored.sequence()
    folder = folder_of(mirrored).folder
    shutil.move(folder.parent, folder.parent.with_name("gone"))
    mirrored.take_in(1)
    signed = list(mirrored.signed)
    with pytest.raises(OperatorError, match="mirror cannot be reached"):
        mirrored.sequence()
    assert mirrored.signed == signed
    shutil.move(folder.parent.with_name("gone"), folder.parent)
    mirrored.sequence()
    mirrored.check(5)


def test_a_lost_database_gets_its_log_back_from_the_mirror(mirrored: Kept) -> None:
    mirrored.take_in(4)
    mirrored.sequence()
    mirrored.restore({table: [] for table in mirrored.back_up()})
    mirrored.take_in(9)
    mirrored.sequence()
    mirrored.check(4 + 9 + 1)
    check_mirror(mirrored)


def test_a_mirror_of_another_past_closes_the_log(mirrored: Kept) -> None:
    """A database and its head file were made anew, and grew; then the mirror came back."""
    mirrored.take_in(4)
    mirrored.sequence()
    mirrored.restore({table: [] for table in mirrored.back_up()})
    mirrored.file.unlink()
    without = replace(mirrored, index=replace(mirrored.index, mirror=None))
    without.take_in(9)
    without.sequence()
    signed = list(mirrored.signed)
    mirrored.take_in(1)
    mirrored.sequence()
    assert mirrored.signed == signed
    assert mirrored.state.closed is not None
