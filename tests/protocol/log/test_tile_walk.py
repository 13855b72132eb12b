"""A walk over all leaves makes the very tiles and heads that a growing log has."""

import pytest

from protocol.log.errors import BadTile
from protocol.log.tile_walk import TileWalk, range_before
from protocol.log.tiles import Tile, tiles_of
from protocol.merkle import tree_root
from tests.protocol.log.trees import GrownLog, leaves


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 70_000])
def test_a_walk_gives_every_tile_once_and_the_head(size: int) -> None:
    given: dict[Tile, bytes] = {}
    walk = TileWalk(lambda tile, hashes: given.update({tile: hashes}))
    for leaf in leaves(size):
        walk.append(leaf)
    before = len(given)
    head = walk.finish()
    grown = GrownLog(leaves(size))
    assert head == grown.head
    assert walk.head() == head
    assert walk.size == size
    assert set(given) == set(tiles_of(size))
    assert all(given[tile] == grown.tiles.held[tile] for tile in given)
    assert all(tile.width == 256 for tile in list(given)[:before])


def test_the_head_is_right_at_every_size_on_the_way() -> None:
    walk = TileWalk(lambda _tile, _hashes: None)
    for size, leaf in enumerate(leaves(600), start=1):
        walk.append(leaf)
        if size % 37 == 0 or size in {255, 256, 257}:
            assert walk.head().root == tree_root(leaves(size))


@pytest.mark.parametrize("size", [0, 1, 3, 256, 300, 511, 700])
def test_a_range_goes_on_from_the_tiles_before_it(size: int) -> None:
    grown = GrownLog(leaves(700))
    tree = range_before(grown.hashes(), size)
    tree.extend(leaves(700 - size, first=size))
    assert tree.head() == grown.head


def test_a_range_beyond_the_tiles_is_refused() -> None:
    with pytest.raises(BadTile):
        range_before(GrownLog(leaves(3)).hashes(), 5)
