"""Trees for the tests: tiles kept in memory, leaves by number, and RFC 6962's own recursion."""

from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path

from protocol.log.errors import BadTile
from protocol.log.proofs import EMPTY, Head
from protocol.log.tile_tree import TileHashes, grow
from protocol.log.tiles import Tile
from protocol.merkle import leaf_hash

VECTORS = Path(__file__).parents[1] / "vectors" / "tlog"


class KeptTiles:
    """A TileReader over a dictionary; counts what is read."""

    def __init__(self) -> None:
        self.held: dict[Tile, bytes] = {}
        self.reads = 0

    def read(self, tile: Tile) -> bytes:
        self.reads += 1
        if tile not in self.held:
            raise BadTile(f"{tile.path} is not here.")
        return self.held[tile]


class GrownLog:
    """A log of leaves that grew in batches, as a sequencer makes it."""

    def __init__(self, *batches: Sequence[bytes]) -> None:
        self.tiles = KeptTiles()
        self.head: Head = EMPTY
        for batch in batches:
            self.append(batch)

    def append(self, leaves: Sequence[bytes]) -> None:
        grown = grow(self.tiles, self.head, leaves)
        self.tiles.held.update(grown.tiles)
        self.head = grown.head

    def hashes(self, size: int | None = None) -> TileHashes:
        return TileHashes(self.tiles, self.head.size if size is None else size)


class FolderTiles:
    """A TileReader over a folder that is laid out like the log's paths."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, tile: Tile) -> bytes:
        return (self.folder / tile.path).read_bytes()


@cache
def leaf(number: int) -> bytes:
    return leaf_hash(b"entry %d" % number)


def leaves(count: int, first: int = 0) -> list[bytes]:
    return [leaf(number) for number in range(first, first + count)]


def mth(hashes: Sequence[bytes]) -> bytes:
    """RFC 6962 §2.1, from leaf hashes."""
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = largest_power_below(len(hashes))
    return sha256(b"\x01" + mth(hashes[:k]) + mth(hashes[k:])).digest()


def path(m: int, hashes: Sequence[bytes]) -> list[bytes]:
    """RFC 6962 §2.1.1, PATH(m, D[n])."""
    if len(hashes) == 1:
        return []
    k = largest_power_below(len(hashes))
    if m < k:
        return [*path(m, hashes[:k]), mth(hashes[k:])]
    return [*path(m - k, hashes[k:]), mth(hashes[:k])]


def subproof(m: int, hashes: Sequence[bytes], complete: bool = True) -> list[bytes]:
    """RFC 6962 §2.1.2, SUBPROOF(m, D[n], b)."""
    if m == len(hashes):
        return [] if complete else [mth(hashes)]
    k = largest_power_below(len(hashes))
    if m <= k:
        return [*subproof(m, hashes[:k], complete), mth(hashes[k:])]
    return [*subproof(m - k, hashes[k:], False), mth(hashes[:k])]


def largest_power_below(count: int) -> int:
    power = 1
    while power * 2 < count:
        power *= 2
    return power
