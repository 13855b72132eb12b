"""Tiles by name: which pieces a log of a size is served in, and their paths (C2SP tlog-tiles)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from protocol.log.errors import BadTile
from protocol.log.lines import MAX_SIZE
from protocol.merkle import HASH_BYTES

WIDTH = 256
TILE_HEIGHT = 8
MAX_LEVEL = 63
_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/){0,6}[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Tile:
    """`width` hashes of one level, from number `index * 256` on: each over 256^level leaves."""

    level: int
    index: int
    width: int = WIDTH

    def __post_init__(self) -> None:
        """Raise BadTile for a tile that no log can have."""
        if not 0 <= self.level <= MAX_LEVEL:
            raise BadTile(f"A tile's level is 0 to {MAX_LEVEL}.")
        _require_place(self.index, self.width)

    @property
    def path(self) -> str:
        """The path below the log's prefix, such as `tile/0/x001/x234/067.p/8`."""
        return f"tile/{self.level}/{_place(self.index, self.width)}"

    @property
    def size(self) -> int:
        """How many bytes the tile has."""
        return self.width * HASH_BYTES


@dataclass(frozen=True, slots=True)
class Bundle:
    """`width` entries, from number `index * 256` on: those whose hashes stand in a level-0 tile."""

    index: int
    width: int = WIDTH

    def __post_init__(self) -> None:
        """Raise BadTile for a bundle that no log can have."""
        _require_place(self.index, self.width)

    @property
    def path(self) -> str:
        """The path below the log's prefix, such as `tile/entries/x001/x234/067.p/8`."""
        return f"tile/entries/{_place(self.index, self.width)}"

    @property
    def first(self) -> int:
        """The number of the first entry in it."""
        return self.index * WIDTH


def read_path(path: str) -> Tile | Bundle:
    """Return what `path`, below the log's prefix, names; BadTile for any other text.

    Every tile has one path: no leading zeroes, and no group of digits before the first needed.
    """
    match = _PATH.fullmatch(path)
    if match is None:
        raise BadTile("This is not the path of a tile or of an entry bundle.")
    index = int(match["index"].replace("/", "").replace("x", ""))
    width = int(match["width"] or WIDTH)
    if match["level"] == "entries":
        named: Tile | Bundle = Bundle(index, width)
    else:
        named = Tile(int(match["level"]), index, width)
    if named.path != path:
        raise BadTile("A tile's path is written in one way: this is another.")
    return named


def tile_in(size: int, level: int, index: int) -> Tile:
    """Return tile `index` of `level`, full or partial, as a log of `size` entries has it.

    Raises BadTile if such a log has no hash there.
    """
    hashes = size >> (TILE_HEIGHT * level)
    if not 0 <= index * WIDTH < hashes:
        raise BadTile(f"A log of {size} entries has no tile {index} at level {level}.")
    return Tile(level, index, min(WIDTH, hashes - index * WIDTH))


def bundle_in(size: int, index: int) -> Bundle:
    """Return entry bundle `index`, full or partial, of a log of `size` entries; BadTile if none."""
    return Bundle(index, tile_in(size, 0, index).width)


def tiles_of(size: int, since: int = 0) -> Iterator[Tile]:
    """Yield the tiles that a log of `size` entries needs and one of `since` entries did not have.

    With `since` 0 that is every tile of the log. Full tiles come before a level's partial one; the
    partial tiles of `since` are not among them. Each tile is given once, level by level.
    """
    level = 0
    while hashes := size >> (TILE_HEIGHT * level):
        before = since >> (TILE_HEIGHT * level)
        if hashes > before:
            for index in range(before // WIDTH, (hashes + WIDTH - 1) // WIDTH):
                yield tile_in(size, level, index)
        level += 1


def bundles_of(size: int, since: int = 0) -> Iterator[Bundle]:
    """Yield the entry bundles that hold entries `since` to `size - 1`, as a log of `size` has."""
    if size > since:
        for index in range(since // WIDTH, (size + WIDTH - 1) // WIDTH):
            yield bundle_in(size, index)


def _require_place(index: int, width: int) -> None:
    if not 0 <= index <= MAX_SIZE // WIDTH:
        raise BadTile("A tile's index is a number that a log of below 2^63 entries reaches.")
    if not 1 <= width <= WIDTH:
        raise BadTile(f"A tile holds 1 to {WIDTH} hashes or entries.")


def _place(index: int, width: int) -> str:
    groups = f"{index % 1000:03}"
    while index := index // 1000:
        groups = f"x{index % 1000:03}/{groups}"
    return groups if width == WIDTH else f"{groups}.p/{width}"
