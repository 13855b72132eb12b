"""The mirror: a copy of the log's entries, tiles and checkpoint in a folder outside the database.

It is laid out as C2SP tlog-tiles has it, with one file more, `written`: the head up to which
entries and tiles are on that disk. The sequencer raises `written` before the head file, and that
before it signs; so whatever may have been signed is in the mirror, and an older database that is
restored is brought forward from it, to exactly the head that was signed.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from foundation.files import write_atomically
from foundation.operator import OperatorError
from index_service.audit import head_file, storage
from index_service.audit.storage import DatabaseTiles
from protocol.log.bundles import unpack
from protocol.log.errors import BadBundle, BadTile
from protocol.log.proofs import EMPTY, Head, tree_head
from protocol.log.tile_tree import TileHashes
from protocol.log.tiles import TILE_HEIGHT, WIDTH, Bundle, Tile, bundle_in, bundles_of, tiles_of

PORTION: Final = 64 * WIDTH
"""How many entries are written, at most, before somebody else may use the database."""

_WRITTEN: Final = "written"
_CHECKPOINT: Final = "checkpoint"


@dataclass(frozen=True, slots=True)
class Mirror:
    """The folder of one log, `origin`."""

    folder: Path
    origin: str

    def written(self) -> Head:
        """Return the head up to which everything is here; OperatorError if that cannot be read."""
        self._require_folder()
        return head_file.read(self.folder / _WRITTEN, self.origin) or EMPTY

    def write(self, connection: Connection, head: Head) -> bool:
        """Write a portion of what leads to `head`; whether there is more to write.

        Raises OperatorError if the folder cannot be written, or says another past than the tiles.
        """
        before = self.written()
        if before.size >= head.size:
            return False
        upto = min(head.size, (before.size // WIDTH) * WIDTH + PORTION)
        tiles = DatabaseTiles(connection)
        made = head if upto == head.size else tree_head(TileHashes(tiles, head.size), upto)
        files: dict[str, bytes] = {}
        for bundle in bundles_of(upto, before.size):
            content = storage.bundle(connection, bundle)
            if content is None:
                raise BadTile(f"the entries of {bundle.path} are not all there")
            files[bundle.path] = content
        for tile in tiles_of(upto, before.size):
            files[tile.path] = tiles.read(tile)
        _write_durably(self.folder, files)
        head_file.raise_to(self.folder / _WRITTEN, self.origin, made)
        _remove_narrower(self.folder, before.size, upto)
        return upto < head.size

    def keep_checkpoint(self, note: bytes) -> None:
        """Put the signed checkpoint beside the tiles."""
        write_atomically(self.folder / _CHECKPOINT, note)

    def entries(self, first: int, end: int) -> Iterator[bytes]:
        """Yield entries `first` to `end - 1`; BadBundle if they are not here, or not whole."""
        size = self.written().size
        for index in range(first // WIDTH, (end + WIDTH - 1) // WIDTH):
            bundle = bundle_in(size, index)
            for number, entry in enumerate(self._bundle(bundle), start=bundle.first):
                if first <= number < end:
                    yield entry

    def _bundle(self, bundle: Bundle) -> tuple[bytes, ...]:
        try:
            return unpack(bundle, (self.folder / bundle.path).read_bytes())
        except OSError as error:
            raise BadBundle(f"{bundle.path} is not in the mirror ({error.strerror}).") from error

    def _require_folder(self) -> None:
        """Make the log's own folder; the folder above it must be there, or a disk is missing."""
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise OperatorError(
                f"{self.folder.parent}: the log's mirror cannot be reached ({error.strerror}), and "
                "nothing is signed without it: mount it or create the folder for this user"
            ) from None


def _write_durably(root: Path, files: Mapping[str, bytes]) -> None:
    """Write `files`, names below `root`; when this returns they, and their folders, are on disk."""
    folders = {root}
    try:
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            folders.update(parent for parent in path.parents if parent.is_relative_to(root))
            # Nothing reads a file before `written` covers it, and a file that was cut off by a
            # crash is written again: no temporary file is needed.
            with open(path, "wb", opener=_private) as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for folder in folders:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
    except OSError as error:
        raise OperatorError(
            f"{root}: the log's mirror cannot be written ({error.strerror}), and nothing is signed "
            "without it: make room, or let this user write there"
        ) from None


def _private(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_CLOEXEC, 0o600)


def _remove_narrower(root: Path, before: int, size: int) -> None:
    """Remove the partial tiles of `before` entries that wider ones of `size` have replaced."""
    level, hashes = 0, before
    while hashes:
        index, width = divmod(hashes, WIDTH)
        if width and size >> (TILE_HEIGHT * level) > hashes:
            (root / Tile(level, index, width).path).unlink(missing_ok=True)
            if level == 0:
                (root / Bundle(index, width).path).unlink(missing_ok=True)
        level, hashes = level + 1, hashes // WIDTH
