"""A successor: what follows a log that is closed, because a person decided so.

The new log has another key and another origin, so nothing that it signs can be taken for the old
one's. Its first entry holds a document, signed with the old log's key, that names the old log, the
largest head that may have been signed, and how many of those entries are still there; these
follow as entries 1, 2, ... in their old order, so everything that is left is proved in one log.
"""

from sqlalchemy import Connection, delete, insert, update

from foundation.operator import OperatorError
from index_service.audit import head_file, storage
from index_service.audit.intake import Log, intake
from index_service.audit.reading_segments import audit_postings, audit_segments
from index_service.audit.rounds import log_round_cosignatures, log_rounds
from index_service.audit.storage import (
    DatabaseTiles,
    log_cosignatures,
    log_head,
    log_successions,
    log_tiles,
)
from index_service.installation import Installation
from protocol import canonical, documents
from protocol.encoding import b64u_encode
from protocol.entries import entry_bytes, new_entry_salt
from protocol.log.errors import BadTile
from protocol.log.proofs import Head, tree_head
from protocol.log.tile_tree import TileHashes
from protocol.log.tile_walk import TileWalk
from protocol.log.tiles import Tile
from protocol.merkle import leaf_hash
from schemas.entries import Administration
from schemas.successions import LogSuccession


def succeed(connection: Connection, index: Installation, successor: Log, why: str) -> LogSuccession:
    """Close the log of `index` for good and open `successor`; return what its first entry says.

    Everything is done or nothing. Raises OperatorError if the log is not closed, or its tiles do
    not make its head: then `verify` names the place, and a whole backup has to be restored.
    """
    state = storage.state(connection)
    if state.generation != index.log.generation:
        raise OperatorError("the log has a successor already: start the programs again")
    if state.closed is None:
        raise OperatorError("the log is not closed, and a log that can go on has no successor")
    kept = state.head
    try:
        if tree_head(TileHashes(DatabaseTiles(connection), kept.size), kept.size) != kept:
            raise BadTile("the root differs")
    except BadTile as error:
        raise OperatorError("the log's tiles do not make its head: run `verify`") from error
    largest = _largest_signed(connection, index, kept)
    told = LogSuccession(
        partnership=index.partnership,
        log=index.log.verifier_key,
        head_size=largest.size,
        head_root=b64u_encode(largest.root),
        kept=kept.size,
        kept_root=b64u_encode(kept.root),
        successor=successor.verifier_key,
        why=why,
        signed_at=index.clock(),
    )
    envelope = documents.sign(told, index.log.key)
    connection.execute(
        insert(log_successions).values(
            generation=state.generation, note=state.note, envelope=canonical.encode(envelope)
        )
    )
    opened = entry_bytes(
        Administration(
            v=1, partnership=index.partnership, at=told.signed_at, salt=new_entry_salt(),
            act="log-opened", agency=None, document=envelope, note=successor.name,
        )
    )  # fmt: skip
    _renumber(connection, opened, told.signed_at)
    _grow_anew(connection, successor.generation)
    return told


def _largest_signed(connection: Connection, index: Installation, kept: Head) -> Head:
    heads = [kept, storage.highest_cosigned(connection)]
    if index.head_file is not None:
        heads.append(head_file.read(index.head_file, index.log.name))
    if index.mirror is not None:
        heads.append(index.mirror.written())
    return max((head for head in heads if head is not None), key=lambda head: head.size)


def _renumber(connection: Connection, opened: bytes, at: int) -> None:
    """Make `opened` entry 0, and move the others up by one."""
    # By way of negative numbers, because no two may be equal at any moment.
    numbered = intake.c.position.is_not(None)
    connection.execute(update(intake).where(numbered).values(position=-intake.c.position - 2))
    connection.execute(update(intake).where(numbered).values(position=-intake.c.position - 1))
    values = {"entry": opened, "leaf": leaf_hash(opened), "recorded_at": at, "position": 0}
    connection.execute(insert(intake).values(**values))


def _grow_anew(connection: Connection, generation: int) -> None:
    """Make tiles and head over the entries as they are numbered now; nothing is signed yet."""
    for table in (
        audit_postings, audit_segments, log_round_cosignatures, log_rounds, log_cosignatures,
        log_tiles,
    ):  # fmt: skip
        connection.execute(delete(table))

    def put(tile: Tile, hashes: bytes) -> None:
        values = {"level": tile.level, "number": tile.index, "hashes": hashes}
        connection.execute(insert(log_tiles).values(**values))

    walk = TileWalk(put)
    for leaf in storage.numbered_leaves(connection):
        walk.append(leaf)
    head = walk.finish()
    connection.execute(
        update(log_head).values(
            size=head.size, root=head.root, note=None, closed=None, generation=generation
        )
    )
