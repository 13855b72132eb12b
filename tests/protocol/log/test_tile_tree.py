"""A tree over its tiles grows to the same tiles whatever the batches, and only from its head."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.log.errors import BadTile
from protocol.log.proofs import EMPTY, Head, check_inclusion, inclusion_proof, tree_head
from protocol.log.tile_tree import TileHashes, grow
from protocol.log.tiles import Tile, tiles_of
from tests.protocol.log.trees import GrownLog, KeptTiles, leaf, leaves, mth


@given(batches=st.lists(st.integers(0, 700), min_size=1, max_size=4))
def test_a_log_is_the_same_in_whatever_batches_it_grew(batches: list[int]) -> None:
    size = sum(batches)
    log = GrownLog()
    published: set[Tile] = set()
    for batch in batches:
        log.append(leaves(batch, first=log.head.size))
        published.update(tiles_of(log.head.size))
    assert log.head == Head(size, mth(leaves(size)))
    assert set(log.tiles.held) == published
    at_once = GrownLog(leaves(size))
    assert all(log.tiles.held[tile] == content for tile, content in at_once.tiles.held.items())


def test_a_tile_above_the_lowest_holds_the_roots_of_full_tiles() -> None:
    log = GrownLog(leaves(700))
    assert log.tiles.held[Tile(1, 0, 2)] == mth(leaves(256)) + mth(leaves(256, first=256))
    assert Tile(2, 0, 1) not in log.tiles.held


def test_a_tree_of_three_levels_proves_its_entries() -> None:
    """70,000 entries: the specification's example, with tiles at levels 0, 1 and 2."""
    count = 70_000
    numbers = [number.to_bytes(32, "big") for number in range(count)]
    log = GrownLog(numbers[:65_530], numbers[65_530:])
    assert log.head == Head(count, mth(numbers))
    assert set(tiles_of(count)) <= set(log.tiles.held)
    for index in (0, 255, 256, 65_535, 65_536, count - 1):
        log.tiles.reads = 0
        proof = inclusion_proof(log.hashes(), index, count)
        check_inclusion(numbers[index], index, log.head, proof)
        assert log.tiles.reads <= 6, "each tile is read once for a proof"


def test_nothing_is_appended_to_tiles_that_do_not_make_the_head() -> None:
    """A log whose tiles and head differ, after a restored backup perhaps, must not sign."""
    log = GrownLog(leaves(300))
    with pytest.raises(BadTile, match="do not give the root"):
        grow(log.tiles, Head(300, leaf(0)), leaves(1))
    with pytest.raises(BadTile):
        grow(log.tiles, Head(301, log.head.root), leaves(1))
    with pytest.raises(BadTile):
        grow(KeptTiles(), log.head, leaves(1))
    with pytest.raises(BadTile):
        grow(log.tiles, Head(0, leaf(0)), leaves(1))
    content = bytearray(log.tiles.held[Tile(0, 1, 44)])
    content[43 * 32] ^= 1
    log.tiles.held[Tile(0, 1, 44)] = bytes(content)
    with pytest.raises(BadTile):
        grow(log.tiles, log.head, leaves(1))


@pytest.mark.parametrize("cut", [0, 1, 31, 32, 8191])
def test_a_truncated_tile_is_refused(cut: int) -> None:
    log = GrownLog(leaves(300))
    log.tiles.held[Tile(0, 0)] = log.tiles.held[Tile(0, 0)][:cut]
    with pytest.raises(BadTile, match="8192 bytes"):
        inclusion_proof(log.hashes(), 3, 300)


def test_a_tile_that_is_too_long_is_refused() -> None:
    log = GrownLog(leaves(5))
    log.tiles.held[Tile(0, 0, 5)] += bytes(32)
    with pytest.raises(BadTile, match="160 bytes"):
        tree_head(log.hashes(), 5)


def test_only_leaf_hashes_are_appended() -> None:
    with pytest.raises(BadTile, match="32 bytes"):
        grow(KeptTiles(), EMPTY, [b"an entry"])


def test_nothing_appended_changes_nothing() -> None:
    log = GrownLog(leaves(300))
    grown = grow(log.tiles, log.head, [])
    assert (grown.head, dict(grown.tiles)) == (log.head, {})


def test_a_subtree_that_is_not_complete_has_no_hash() -> None:
    with pytest.raises(BadTile):
        TileHashes(GrownLog(leaves(300)).tiles, 300).complete(6, 4)
