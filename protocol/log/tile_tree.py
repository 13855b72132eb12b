"""The tree over its tiles: hashes for proofs read from tiles, and the tiles of a tree that grew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from protocol.log.errors import BadTile
from protocol.log.proofs import Head, tree_head
from protocol.log.tiles import TILE_HEIGHT, WIDTH, Tile, tile_in
from protocol.merkle import HASH_BYTES, tree_root

# A proof reads at most two tiles per level; eight levels make 2^63 entries.
_TILES_KEPT = 64


class TileReader(Protocol):
    """Where tiles are kept: a table, a mirror's folder, another program's HTTP routes.

    Asked for a partial tile, a reader may cut it from a wider one of the same index: a tile's
    first hashes never change. It may raise whatever its storage raises; a tile that is not there
    is BadTile. What it returns is not trusted: proofs are checked against a signed head.
    """

    def read(self, tile: Tile) -> bytes:
        """Return exactly `tile.width` hashes, `tile.size` bytes."""


class TileHashes:
    """The HashReader for a log of `size` entries whose tiles `reader` gives.

    Keeps the last few tiles, so make one for a number of proofs of the same size. Raises BadTile
    for a tile that has another length than its name says.
    """

    def __init__(self, reader: TileReader, size: int) -> None:
        """Take the tiles of the log as they were when it had `size` entries."""
        self._reader = reader
        self._size = size
        self._tile = lru_cache(maxsize=_TILES_KEPT)(self._read)

    def complete(self, level: int, index: int) -> bytes:
        """Return the root over the 2^level leaves that start at leaf index * 2^level."""
        tile_level, height = divmod(level, TILE_HEIGHT)
        tile_index, place = divmod(index << height, WIDTH)
        end = place + (1 << height)
        hashes = self._tile(tile_level, tile_index)
        if end * HASH_BYTES > len(hashes):
            raise BadTile(f"A log of {self._size} entries has no such complete subtree.")
        return tree_root(split(hashes[place * HASH_BYTES : end * HASH_BYTES]))

    def _read(self, level: int, index: int) -> bytes:
        tile = tile_in(self._size, level, index)
        return _checked(tile, self._reader.read(tile))


@dataclass(frozen=True, slots=True)
class Growth:
    """What appending made: the new head, and every tile to be written before it is signed."""

    head: Head
    tiles: Mapping[Tile, bytes]


def grow(reader: TileReader, head: Head, leaves: Sequence[bytes]) -> Growth:
    """Return the head and the new tiles of the tree `head` with `leaves` (leaf hashes) appended.

    The old tiles must give `head` again, or nothing is appended: a log whose tiles and head differ
    must not sign. The partial tiles are those of the new size only; of each batch one head is
    published. The old partial tiles, with their narrower widths, stay.

    Raises BadTile if the tiles in `reader` are missing, or do not make `head`.
    """
    if tree_head(TileHashes(reader, head.size), head.size) != head:
        raise BadTile(f"The tiles of {head.size} entries do not give the root of that head.")
    if any(len(leaf) != HASH_BYTES for leaf in leaves):
        raise BadTile(f"A leaf hash has {HASH_BYTES} bytes.")
    size = head.size + len(leaves)
    written: dict[Tile, bytes] = {}
    level = 0
    hashes = list(leaves)
    while hashes:
        before = head.size >> (TILE_HEIGHT * level)
        index, width = divmod(before, WIDTH)
        if width:
            old = Tile(level, index, width)
            hashes = split(_checked(old, reader.read(old))) + hashes
        roots = []
        for start in range(0, len(hashes), WIDTH):
            held = hashes[start : start + WIDTH]
            written[Tile(level, index + start // WIDTH, len(held))] = b"".join(held)
            if len(held) == WIDTH:
                roots.append(tree_root(held))
        hashes = roots
        level += 1
    return Growth(tree_head(TileHashes(_Over(written, reader), size), size), written)


def split(hashes: bytes) -> list[bytes]:
    """Return the hashes that a tile's bytes hold; the last is short if the bytes are cut off."""
    return [hashes[i : i + HASH_BYTES] for i in range(0, len(hashes), HASH_BYTES)]


@dataclass(frozen=True, slots=True)
class _Over:
    """Tiles not yet written, before those that are."""

    written: Mapping[Tile, bytes]
    reader: TileReader

    def read(self, tile: Tile) -> bytes:
        return self.written[tile] if tile in self.written else self.reader.read(tile)


def _checked(tile: Tile, content: bytes) -> bytes:
    if len(content) != tile.size:
        raise BadTile(f"{tile.path} has {tile.size} bytes; this has {len(content)}.")
    return content
