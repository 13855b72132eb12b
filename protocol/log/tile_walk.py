"""Leaves in, tiles and heads out: the tree of a log that is read from its start to its end."""

from collections.abc import Callable

from protocol.log.compact_range import CompactRange
from protocol.log.proofs import HashReader, Head
from protocol.log.tiles import WIDTH, Tile
from protocol.merkle import tree_root

Filled = Callable[[Tile, bytes], None]


class TileWalk:
    """Takes every leaf hash of a log in order, and gives each tile as it becomes full.

    A level-0 tile is given when its last leaf is added, right after it the tiles of higher levels
    that are full by it; `finish` gives the partial ones, lowest level first. Holds fewer than 256
    hashes per level. Two hashes are made per leaf, of which one is the caller's.
    """

    __slots__ = ("_filled", "_full", "_levels", "_size")

    def __init__(self, filled: Filled) -> None:
        """Start with an empty log; `filled` is called with each tile and its bytes."""
        self._filled = filled
        self._levels: list[list[bytes]] = [[]]
        self._full = [0]
        self._size = 0

    @property
    def size(self) -> int:
        """How many leaves have been added."""
        return self._size

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash, 32 bytes."""
        self._size += 1
        held = self._levels[0]
        held.append(leaf)
        if len(held) == WIDTH:
            self._fold()

    def head(self) -> Head:
        """Return the head over what was added so far; costs as many hashes as are held."""
        tops: list[bytes] = []
        for held in reversed(self._levels):
            part = CompactRange()
            part.extend(held)
            tops.extend(part.roots)
        return CompactRange(self._size, tops).head()

    def finish(self) -> Head:
        """Give the partial tiles, and return the head over everything."""
        for level, held in enumerate(self._levels):
            if held:
                self._filled(Tile(level, self._full[level], len(held)), b"".join(held))
        return self.head()

    def _fold(self) -> None:
        level = 0
        while len(self._levels[level]) == WIDTH:
            held = self._levels[level]
            self._filled(Tile(level, self._full[level]), b"".join(held))
            self._full[level] += 1
            self._levels[level] = []
            level += 1
            if level == len(self._levels):
                self._levels.append([])
                self._full.append(0)
            self._levels[level].append(tree_root(held))


def range_before(hashes: HashReader, size: int) -> CompactRange:
    """Return the compact range of the first `size` leaves, its roots read from `hashes`."""
    roots, first = [], 0
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            roots.append(hashes.complete(level, first >> level))
            first += 1 << level
    return CompactRange(size, roots)
