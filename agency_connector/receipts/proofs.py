"""Proofs that our entries stand in the log, fetched, checked, and kept as C2SP tlog-proof files."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from agency_connector.installation import Installation
from agency_connector.receipts import storage
from agency_connector.receipts.checkpoints import Published
from agency_connector.receipts.storage import Receipt
from agency_connector.trust.anchors import Anchors
from foundation.files import write_atomically
from protocol.log.checkpoints import read_checkpoint
from protocol.log.errors import LogError
from protocol.log.log_proofs import SUFFIX, LogProof, read_log_proof
from protocol.log.notes import read_note
from protocol.log.proofs import Head, check_inclusion, inclusion_proof
from protocol.log.tile_tree import TileHashes, TileReader

FOLDER: Final = "proofs"


def path_of(installation: Installation, receipt: Receipt) -> Path:
    """Return where the proof of a receipt is kept: by month, kind and reference."""
    month = f"{datetime.fromtimestamp(receipt.recorded_at / 1000, UTC):%Y-%m}"
    name = f"{receipt.kind}-{receipt.reference}{SUFFIX}"
    return installation.home / FOLDER / month / name


def proof_of(hashes: TileHashes, leaf: bytes, position: int, head: Head) -> tuple[bytes, ...]:
    """Return the proof that entry `position` under `head` has the hash `leaf`, after checking it.

    `hashes` are over the tiles of `head.size`. Raises BadTile or BadProof, both LogError: the tiles
    do not lead to the signed root, or the entry with that number is another.
    """
    proof = inclusion_proof(hashes, position, head.size)
    check_inclusion(leaf, position, head, proof)
    return proof


def prove(
    installation: Installation,
    anchors: Anchors,
    reader: TileReader,
    checkpoint: Published | None,
) -> int:
    """Keep the proofs of our entries that `checkpoint` covers; return how many there were.

    `checkpoint` has been countersigned by enough; None if there is none yet. Raises LogError.
    """
    if checkpoint is None:
        return 0
    with installation.database.read() as connection:
        due = storage.unproved(connection, anchors.log_name, checkpoint.head.size)
    hashes = TileHashes(reader, checkpoint.head.size)
    for receipt in due:
        position = receipt.position or 0
        proof = proof_of(hashes, receipt.leaf, position, checkpoint.head)
        keep(installation, receipt, LogProof(position, proof, checkpoint.note))
    if due:
        with installation.database.write() as connection:
            leaves = [receipt.leaf for receipt in due]
            storage.verified(connection, leaves, installation.clock())
    return len(due)


def keep(installation: Installation, receipt: Receipt, proof: LogProof) -> None:
    """Keep a checked proof; OperatorError if it cannot be written.

    A proof in the log before stays beside it, with that log's name in its own.
    """
    path = path_of(installation, receipt)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _set_aside(path, receipt.log)
    write_atomically(path, proof.to_bytes())


def _set_aside(path: Path, log: str) -> None:
    try:
        kept = read_note(read_log_proof(path.read_bytes()).checkpoint)
        origin = read_checkpoint(kept.text).origin
    except (FileNotFoundError, LogError):
        return  # there is none, or it is none
    if origin != log:
        path.rename(path.with_name(f"{path.stem}-in-{origin.replace('/', '_')}{SUFFIX}"))
