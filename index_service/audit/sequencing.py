"""The sequencer: numbers committed entries, grows the tree, and signs what it has become.

One piece of work is one transaction: either a batch is numbered and the head moved, or the head
that an earlier transaction committed is written to the head file, signed, and published. So
whatever is signed is durable first, and a process that dies anywhere leaves work that the next
one finishes with the same bytes: numbers are never given again, and Ed25519 is deterministic.

Before anything, the head is held to every head that may have been signed: the head file's, the
published checkpoint's and the highest that a witness cosigned. If the database is not the
continuation of one of these, it lost entries, and a second history must not be signed: the log
is closed, unless the very same entries are still there to be numbered again.
"""

from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from foundation import logs
from foundation.operator import OperatorError
from index_service.audit import head_file, storage
from index_service.audit.storage import DatabaseTiles, LogState
from index_service.installation import Installation
from index_service.worker.doing import Done
from protocol.log.checkpoints import read_checkpoint, sign_checkpoint
from protocol.log.errors import BadTile
from protocol.log.notes import read_note
from protocol.log.proofs import Head, tree_head
from protocol.log.tile_tree import TileHashes, grow

BATCH: Final = 2_000


def sequence(connection: Connection, index: Installation, _: int) -> Done:
    """Do one piece: number at most BATCH entries, or sign and publish the head.

    The time is not asked: a clock that is set back changes nothing. Raises OperatorError if the
    head file is missing or unreadable, and Overtaken if another sequencer was faster.
    """
    path = _head_file(index)
    storage.begin(connection)
    state = storage.state(connection)
    if state.closed is not None:
        return Done(0, more=False)
    filed = head_file.read(path, index.log.name)
    if filed is None and state.note is not None:
        raise OperatorError(
            f"{path}: the log's head file is missing and nothing is signed without it: put it "
            "back, or, if this database was never restored from a backup, run "
            "`index-service log-head --accept`"
        )
    published = published_head(state)
    signed = [head for head in (filed, published, storage.highest_cosigned(connection)) if head]
    try:
        ahead = [head for head in signed if head.size > state.head.size]
        if ahead:
            return _number_again(connection, state, max(ahead, key=lambda head: head.size))
        hashes = TileHashes(DatabaseTiles(connection), state.head.size)
        if tree_head(hashes, state.head.size) != state.head:
            raise BadTile("the root differs")
        for head in signed:
            if tree_head(hashes, head.size) != head:
                return _closed(connection, state, head)
        if published != state.head:
            _publish(connection, index, path, state.head)
            return Done(0, more=True)
        return _number(connection, state)
    except BadTile as error:
        raise OperatorError(
            "the log's tiles do not make its head, and nothing is signed: run `index-service "
            f"verify`, which names the place ({error})"
        ) from error


def published_head(state: LogState) -> Head | None:
    """Return the head of the last signed checkpoint, or None before the first."""
    if state.note is None:
        return None
    return read_checkpoint(read_note(state.note).text).head


def accept_head(connection: Connection, index: Installation) -> Head:
    """Write the head file anew from the database, because a person says that nothing was lost."""
    head = storage.state(connection).head
    head_file.raise_to(_head_file(index), index.log.name, head)
    return head


def _number(connection: Connection, state: LogState) -> Done:
    rows = storage.unnumbered(connection, BATCH)
    if not rows:
        return Done(0, more=False)
    grown = grow(DatabaseTiles(connection), state.head, [row.leaf for row in rows])
    storage.advance(connection, state.head, grown, rows)
    return Done(len(rows), more=True)


def _number_again(connection: Connection, state: LogState, signed: Head) -> Done:
    """Go on to the head that may have been signed, if the entries here make exactly that."""
    missing = signed.size - state.head.size
    rows = storage.unnumbered(connection, missing)
    if len(rows) == missing:
        grown = grow(DatabaseTiles(connection), state.head, [row.leaf for row in rows])
        if grown.head == signed:
            storage.advance(connection, state.head, grown, rows)
            return Done(len(rows), more=True)
    return _closed(connection, state, signed)


def _publish(connection: Connection, index: Installation, path: Path, head: Head) -> None:
    head_file.raise_to(path, index.log.name, head)
    note = sign_checkpoint(index.log.name, head, index.log.key)
    storage.publish(connection, head, note.to_bytes())


def _closed(connection: Connection, state: LogState, signed: Head) -> Done:
    """Close the log; the transaction commits that."""
    storage.close(
        connection,
        state.head,
        f"The database holds {state.head.size} entries that are not the continuation of the "
        f"{signed.size} entries whose head may have been signed: it was restored from a backup "
        "or changed. Nothing more is signed. Restore a newer backup, or open a successor.",
    )
    logs.get_logger().error("log.closed", size=state.head.size)
    return Done(0, more=False)


def _head_file(index: Installation) -> Path:
    if index.head_file is None:
        raise OperatorError("this index has no head file: set log.head_file")
    return index.head_file
