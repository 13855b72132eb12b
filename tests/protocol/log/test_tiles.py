"""Tiles: one path each, the examples of C2SP tlog-tiles, and exactly those a size needs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.log.errors import BadTile
from protocol.log.tiles import Bundle, Tile, bundle_in, bundles_of, read_path, tile_in, tiles_of
from tests.protocol.log.trees import VECTORS


@pytest.mark.parametrize(
    ("named", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 1_234_067), "tile/0/x001/x234/067"),
        (Tile(3, 999, 1), "tile/3/999.p/1"),
        (Tile(63, 1000, 255), "tile/63/x001/000.p/255"),
        (Bundle(1_234_067), "tile/entries/x001/x234/067"),
        (Bundle(0, 8), "tile/entries/000.p/8"),
    ],
)
def test_a_tile_has_one_path(named: Tile | Bundle, path: str) -> None:
    assert named.path == path
    assert read_path(path) == named


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile",
        "tile/0",
        "tile/0/0",
        "tile/0/0000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/x/000",
        "tile/data/000",
        "tile/0/1234/067",
        "tile/0/001/234",
        "tile/0/x001",
        "tile/0/x000/001",
        "tile/0/X001/001",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/999",
        "tile/0/000.p/1/",
        "tile/0/000/",
        "tile/0/000\n",
        "/tile/0/000",
        "tile/0/../000",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
        "tile/0/x001/x001/x001/x001/x001/x001/x001/001",
        "tile/0/\u0660\u0660\u0660",
        "tile/entries/000.p/256",
        "tile/entries/x000/000",
    ],
)
def test_any_other_path_is_refused(path: str) -> None:
    with pytest.raises(BadTile):
        read_path(path)


@given(level=st.integers(0, 63), index=st.integers(0, 2**55 - 1), width=st.integers(1, 256))
def test_paths_and_tiles_are_one_to_one(level: int, index: int, width: int) -> None:
    assert read_path(Tile(level, index, width).path) == Tile(level, index, width)
    assert read_path(Bundle(index, width).path) == Bundle(index, width)


@pytest.mark.parametrize(
    ("level", "index", "width"),
    [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 2**55, 1), (0, 0, 0), (0, 0, 257)],
)
def test_a_tile_that_no_log_has_cannot_be_named(level: int, index: int, width: int) -> None:
    with pytest.raises(BadTile):
        Tile(level, index, width)


def test_the_tiles_of_70000_entries_are_those_of_the_specification() -> None:
    """273 full and one of 112 at level 0; one full and one of 17 at level 1; one of 1 above."""
    tiles = list(tiles_of(70_000))
    assert len(tiles) == 277
    assert sum(tile.level == 0 and tile.width == 256 for tile in tiles) == 273
    assert [tile for tile in tiles if tile.level or tile.width < 256] == [
        Tile(0, 273, 112),
        Tile(1, 0),
        Tile(1, 1, 17),
        Tile(2, 0, 1),
    ]


def test_256_entries_are_a_full_tile_and_one_of_width_1_above_it() -> None:
    assert list(tiles_of(256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles_of(255)) == [Tile(0, 0, 255)]
    assert list(tiles_of(0)) == []
    assert list(bundles_of(257)) == [Bundle(0), Bundle(1, 1)]


def test_a_partial_tile_is_as_wide_as_the_size_says() -> None:
    """floor(s / 256^l) mod 256, and no tile is empty."""
    for size in (1, 255, 256, 257, 65_535, 65_536, 65_537, 16_777_216, 16_777_217):
        expected = [
            Tile(level, size // 256 ** (level + 1), size // 256**level % 256)
            for level in range(4)
            if size // 256**level % 256
        ]
        assert [tile for tile in tiles_of(size) if tile.width < 256] == expected


@given(since=st.integers(0, 70_000), grown=st.integers(0, 1_000))
def test_what_growth_adds_and_what_was_there_make_the_whole(since: int, grown: int) -> None:
    size = since + grown
    before, added = set(tiles_of(since)), list(tiles_of(size, since))
    assert len(added) == len(set(added))
    assert not before & set(added)
    assert set(tiles_of(size)) <= before | set(added)
    assert set(added) <= set(tiles_of(size))
    held = [
        number
        for bundle in bundles_of(size, since)
        for number in range(bundle.first, bundle.first + bundle.width)
    ]
    assert held == list(range(since - since % 256 if grown else size, size))


def test_a_size_has_no_tile_beyond_its_end() -> None:
    assert tile_in(256, 0, 0) == Tile(0, 0)
    assert tile_in(257, 0, 1) == Tile(0, 1, 1)
    assert bundle_in(300, 1) == Bundle(1, 44)
    for size, level, index in ((256, 0, 1), (255, 1, 0), (0, 0, 0), (5, 0, -1)):
        with pytest.raises(BadTile):
            tile_in(size, level, index)
    with pytest.raises(BadTile):
        bundle_in(256, 1)


def test_a_real_log_has_the_tiles_that_its_size_needs() -> None:
    """FiloSottile/sunlight's mirror of 300 hashes."""
    (folder,) = (VECTORS / "sunlight_tree" / "witness" / "mirror").glob("000*")
    files = {str(file.relative_to(folder)) for file in folder.glob("tile/**/*") if file.is_file()}
    assert files == {tile.path for tile in tiles_of(300)}
