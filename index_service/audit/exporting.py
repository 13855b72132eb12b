"""An export of the log, or of a part of it, from the database into one file (protocol.exports)."""

from typing import IO, Final

from sqlalchemy import Connection

from foundation.operator import OperatorError
from index_service.audit import cosigning, storage
from index_service.audit.administration import administer
from index_service.audit.storage import DatabaseTiles
from index_service.installation import Installation
from protocol import canonical
from protocol.exports import (
    CHECKPOINT,
    MANIFEST,
    REGISTRY,
    Writer,
    bundles_between,
    encoded_roots,
)
from protocol.log.bundles import unpack
from protocol.log.checkpoints import open_checkpoint
from protocol.log.log_proofs import LogProof
from protocol.log.proofs import Head, consistency_proof, inclusion_proof
from protocol.log.tile_tree import TileHashes
from protocol.log.tile_walk import TileWalk, range_before
from protocol.log.tiles import WIDTH, Tile
from protocol.merkle import leaf_hash
from protocol.verifier_keys import read as read_verifier_key
from schemas.exports import Manifest

_SPEAK_OF_KEYS: Final = (
    b'"act":"agency-enrolled"',
    b'"act":"agency-key-changed"',
    b'"act":"witness-declared"',
    b'"act":"epoch-opened"',
)


def record_export(connection: Connection, index: Installation, first: int, end: int) -> None:
    """Record that somebody reads these entries; committed before the first byte is written."""
    administer(connection, index, "log-exported", None, note=f"entries {first} to {end - 1}")


def checkpoint_to_export(connection: Connection, index: Installation) -> tuple[bytes, Head]:
    """Return the newest checkpoint that a majority has cosigned, or else the newest, and its head.

    Raises OperatorError if nothing has been signed yet.
    """
    note = cosigning.cosigned_checkpoint(connection, index)
    note = note or cosigning.published_checkpoint(connection)
    if note is None:
        raise OperatorError("the log has not been signed yet: start `index-service worker`")
    key = read_verifier_key(index.log.verifier_key)
    return note, open_checkpoint(note, [key]).checkpoint.head


def bounds(head: Head, first: int | None, end: int | None) -> tuple[int, int]:
    """Return the part from `first` to `end`, widened to whole bundles of 256 entries.

    Raises OperatorError if the checkpoint does not cover it.
    """
    begins = first or 0
    ends = head.size if end is None else end
    if not (0 <= begins < ends <= head.size or begins == ends == head.size == 0):
        raise OperatorError(
            f"the checkpoint covers entries 0 to {head.size - 1}: name some of them"
        )
    return begins // WIDTH * WIDTH, min(head.size, -(-ends // WIDTH) * WIDTH)


def export(
    connection: Connection,
    index: Installation,
    note: bytes,
    head: Head,
    part: tuple[int, int],
    file: IO[bytes],
) -> None:
    """Write the entries of `part`, first and end as `bounds` gave them, with what proves them.

    Memory does not grow with the log. Raises OperatorError if the log here does not make `head`.
    """
    first, end = part
    at = index.clock() // 1000
    hashes = TileHashes(DatabaseTiles(connection), head.size)
    numbers = [] if part == (0, head.size) else _registry(connection, first, end, head.size)
    manifest = Manifest(
        format="ifi-export/1",
        partnership=index.partnership,
        log=index.log.verifier_key,
        first=first,
        end=end,
        roots=encoded_roots(range_before(hashes, first).roots),
        proof=encoded_roots(consistency_proof(hashes, end, head.size)),
        registry=tuple(numbers),
    )
    writer = Writer(file)
    writer.add(MANIFEST, canonical.encode(manifest), at)
    writer.add(CHECKPOINT, note, at)
    for number in numbers:
        proof = inclusion_proof(hashes, number, head.size)
        kept = LogProof(number, proof, note, storage.entry_at(connection, number))
        writer.add(f"{REGISTRY}/{number}", kept.to_bytes(), at)
    made: list[tuple[Tile, bytes]] = []
    whole = part == (0, head.size)
    walk = TileWalk(lambda tile, content: made.append((tile, content)))
    for bundle in bundles_between(first, end):
        content = storage.bundle(connection, bundle)
        if content is None:
            raise OperatorError(f"{bundle.path} is not whole: run `index-service verify`")
        writer.add(bundle.path, content, at)
        if whole:
            for entry in unpack(bundle, content):
                walk.append(leaf_hash(entry))
            _put(writer, made, at)
    if whole and walk.finish() != head:
        raise OperatorError("the entries do not make the checkpoint: run `index-service verify`")
    _put(writer, made, at)
    writer.close()


def _put(writer: Writer, made: list[tuple[Tile, bytes]], at: int) -> None:
    for tile, content in made:
        writer.add(tile.path, content, at)
    made.clear()


def _registry(connection: Connection, first: int, end: int, size: int) -> list[int]:
    """Return the numbers of the entries outside the part that say whose keys were whose."""
    numbers = storage.positions_with(connection, _SPEAK_OF_KEYS)
    return sorted(n for n in numbers if n < size and not first <= n < end)
