"""The sequencer: numbers committed entries, grows the tree, and signs what it has become.

One piece of work is one transaction: either a batch is numbered and the head moved, or the head
that an earlier transaction committed is written to the head file, signed, and published. So
whatever is signed is durable first, and a process that dies anywhere leaves work that the next
one finishes with the same bytes: numbers are never given again, and Ed25519 is deterministic.

Before anything, the head is held to every head that may have been signed: the head file's, the
mirror's, the published checkpoint's and the highest that a witness cosigned. If the database is
not the continuation of one of these, it lost entries, and a second history must not be signed:
the very same entries are numbered again, from the intake or from the mirror, or the log is closed.
"""

from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from foundation import logs
from foundation.operator import OperatorError
from index_service.audit import head_file, recovering, storage
from index_service.audit.administration import administer
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
    """Do one piece: number at most BATCH entries, or mirror, sign and publish the head.

    The time is not asked: a clock that is set back changes nothing. Raises OperatorError if the
    head file is missing, or it or the mirror cannot be read or written, and Overtaken if another
    sequencer was faster.
    """
    path = _head_file(index)
    storage.begin(connection)
    state = storage.state(connection)
    if state.generation != index.log.generation:
        raise OperatorError(
            "the log has a successor, and this program signs with the key of the one before: "
            "start it again"
        )
    if state.closed is not None:
        return Done(0, more=False)
    signed = may_be_signed(connection, index, state)
    try:
        ahead = [head for head in signed if head.size > state.head.size]
        if ahead:
            return _catch_up(connection, index, state, max(ahead, key=lambda head: head.size))
        hashes = TileHashes(DatabaseTiles(connection), state.head.size)
        if tree_head(hashes, state.head.size) != state.head:
            raise BadTile("the root differs")
        for head in {*signed} - {state.head}:
            if tree_head(hashes, head.size) != head:
                return _closed(connection, state, head)
        if published_head(state) != state.head:
            return _publish(connection, index, path, state)
        if index.mirror is not None and index.mirror.written().size < state.head.size:
            # A mirror that was set up, or replaced, after the head was published.
            return Done(0, more=index.mirror.write(connection, state.head))
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
    """Write the head file anew, because a person says that nothing was lost; that is an entry.

    With a mirror it is the mirror's head, if that is larger: what the database lacks is there.
    """
    head = storage.state(connection).head
    if index.mirror is not None:
        head = max(head, index.mirror.written(), key=lambda each: each.size)
    head_file.raise_to(_head_file(index), index.log.name, head)
    administer(connection, index, "log-head-accepted", None, note=f"{head.size} entries")
    return head


def may_be_signed(connection: Connection, index: Installation, state: LogState) -> list[Head]:
    """Return every head of this log that may have been signed, as far as this index remembers.

    Raises OperatorError, with the mend, if the head file or the mirror is missing: then nothing
    may be signed.
    """
    path = _head_file(index)
    filed = head_file.read(path, index.log.name)
    if filed is None and state.note is not None:
        raise OperatorError(
            f"{path}: the log's head file is missing and nothing is signed without it: put it "
            "back, or, if this database was never restored from a backup, run "
            "`index-service log-head --accept`"
        )
    heads = [filed, published_head(state), storage.highest_cosigned(connection)]
    if index.mirror is not None:
        heads.append(index.mirror.written())
    return [head for head in heads if head is not None]


def _number(connection: Connection, state: LogState) -> Done:
    rows = storage.unnumbered(connection, BATCH)
    if not rows:
        return Done(0, more=False)
    grown = grow(DatabaseTiles(connection), state.head, [row.leaf for row in rows])
    storage.advance(connection, state.head, grown, rows)
    return Done(len(rows), more=True)


def _catch_up(connection: Connection, index: Installation, state: LogState, signed: Head) -> Done:
    """Go on towards the head that may have been signed, if there are entries that make it."""
    missing = signed.size - state.head.size
    rows = storage.unnumbered(connection, missing)
    if len(rows) == missing:
        grown = grow(DatabaseTiles(connection), state.head, [row.leaf for row in rows])
        if grown.head == signed:
            storage.advance(connection, state.head, grown, rows)
            return Done(len(rows), more=True)
    if index.mirror is not None:
        rows = recovering.next_rows(connection, index, index.mirror, state.head, signed, BATCH)
    else:
        rows = []
    if not rows:
        return _closed(connection, state, signed)
    grown = grow(DatabaseTiles(connection), state.head, [row.leaf for row in rows])
    storage.advance(connection, state.head, grown, rows)
    return Done(len(rows), more=True)


def _publish(connection: Connection, index: Installation, path: Path, state: LogState) -> Done:
    """Mirror, file, sign and publish the head, in this order: each step allows the next.

    There is more to do if that was a whole batch. What came meanwhile waits for the next turn, a
    second later: while lookups go on, each turn would never end, and sign one head after another.
    """
    head, before = state.head, published_head(state)
    if index.mirror is not None and index.mirror.write(connection, head):
        return Done(0, more=True)
    head_file.raise_to(path, index.log.name, head)
    note = sign_checkpoint(index.log.name, head, index.log.key).to_bytes()
    if index.mirror is not None:
        index.mirror.keep_checkpoint(note)
    storage.publish(connection, head, note)
    return Done(0, more=before is None or head.size - before.size >= BATCH)


def _closed(connection: Connection, state: LogState, signed: Head) -> Done:
    """Close the log; the transaction commits that."""
    storage.close(
        connection,
        state.head,
        f"The database holds {state.head.size} entries that are not the continuation of the "
        f"{signed.size} entries whose head may have been signed: it was restored from a backup "
        "or changed. Nothing more is signed. Restore a newer backup, or run `index-service "
        "log-successor`.",
    )
    logs.get_logger().error("log.closed", size=state.head.size)
    return Done(0, more=False)


def _head_file(index: Installation) -> Path:
    if index.head_file is None:
        raise OperatorError("this index has no head file: set log.head_file")
    return index.head_file
