"""Witnesses at the index: the keys they declared, and the cosignatures they bring.

A cosignature is no entry: it would make a new checkpoint, which would be cosigned. It is kept even
if this index's tree does not continue what was cosigned, as long as the log itself signed that:
then the database has lost entries, and the sequencer, which looks at the highest cosigned head
before it signs, closes the log.
"""

from sqlalchemy import Connection

from foundation import logs
from foundation.inserting import inserting
from foundation.problems import Problem
from index_service.audit import rounds, storage
from index_service.audit.sequencing import published_head
from index_service.audit.storage import DatabaseTiles, LogState, log_cosignatures
from index_service.installation import Installation
from protocol.log.checkpoints import Checkpoint, SignedCheckpoint, open_checkpoint
from protocol.log.errors import BadTile, LogError
from protocol.log.proofs import Head, tree_head
from protocol.log.tile_tree import TileHashes
from protocol.verifier_keys import KeyType, VerifierKey
from schemas.witnesses import CosignatureKept, CosignedCheckpoint


def cosign(
    connection: Connection, index: Installation, caller: str, message: CosignedCheckpoint
) -> CosignatureKept:
    """Keep the caller's cosignature of a checkpoint of this log.

    Raises Problem: 409 if the caller has declared no key to cosign with, 422 if the note is not a
    checkpoint that this log signed and the caller cosigned with the key it declared last.
    """
    witness = index.standing.read(connection).witnesses.get(caller)
    if witness is None:
        raise Problem(
            409, "no-witness-key", "Declare the key that your connector cosigns with first."
        )
    signed = _opened(index, witness, message.note.encode())
    head = signed.checkpoint.head
    (line,) = [
        part.line.encode()
        for part in signed.note.signatures
        if (part.name, part.key_id) == (witness.name, witness.key_id)
    ]
    _keep(connection, caller, head, line)
    rounds.put_line(connection, head, caller, line)
    state = storage.state(connection)
    published = published_head(state)
    continued = _continues(connection, state, head)
    if not continued:
        logs.get_logger().error("log.cosigned_beyond", agency=caller, size=head.size)
    return CosignatureKept(
        standing="continued" if continued else "not-continued",
        size=published.size if published else 0,
    )


def published_checkpoint(connection: Connection) -> bytes | None:
    """Return the newest checkpoint with whatever cosignatures there are of it, or None."""
    state = storage.state(connection)
    head = published_head(state)
    if state.note is None or head is None:
        return None
    return rounds.with_lines(state.note, storage.lines_of(connection, head))


def checkpoint_to_cosign(connection: Connection) -> bytes | None:
    """Return the checkpoint that all witnesses are shown now, or None before the first."""
    kept = rounds.newest_first(connection)
    return kept[0].cosigned if kept else published_checkpoint(connection)


def cosigned_checkpoint(connection: Connection, index: Installation) -> bytes | None:
    """Return the newest checkpoint that a majority of the active witnesses cosigned, or None."""
    witnesses = rounds.active_witnesses(connection, index)
    best = rounds.best_cosigned(rounds.newest_first(connection), witnesses)
    return None if best is None else best.cosigned


def _opened(index: Installation, witness: VerifierKey, note: bytes) -> SignedCheckpoint:
    log = VerifierKey(index.log.name, KeyType.ED25519, index.log.key.public)
    try:
        signed = open_checkpoint(note, [log], [witness])
    except LogError as error:
        raise Problem(422, "bad-checkpoint", f"The checkpoint is refused. {error}") from error
    plain = Checkpoint(log.name, signed.checkpoint.head)
    if len(signed.cosignatures) != 1 or signed.checkpoint != plain:
        raise Problem(
            422,
            "bad-checkpoint",
            "Bring one checkpoint of this log, with one cosignature by the key you declared.",
        )
    return signed


def _keep(connection: Connection, witness: str, head: Head, line: bytes) -> None:
    """Keep this as the witness's latest cosignature, unless a larger tree's is kept."""
    put = inserting(connection, log_cosignatures).values(
        witness=witness, size=head.size, root=head.root, line=line
    )
    connection.execute(
        put.on_conflict_do_update(
            index_elements=[log_cosignatures.c.witness],
            set_={name: put.excluded[name] for name in ("size", "root", "line")},
            where=log_cosignatures.c.size <= put.excluded.size,
        )
    )


def _continues(connection: Connection, state: LogState, head: Head) -> bool:
    """Return whether this index's tree has `head` in its past."""
    if head.size > state.head.size:
        return False
    try:
        hashes = TileHashes(DatabaseTiles(connection), state.head.size)
        return tree_head(hashes, head.size) == head
    except BadTile:
        return False
