"""Whether a checkpoint continues what this witness cosigned, and what is kept if it does not."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from agency_connector.alarms import raise_alarm
from agency_connector.witness import storage
from agency_connector.witness.cosigning import INCONSISTENT
from agency_connector.witness.storage import EvidenceKind, Witnessed
from foundation import logs
from foundation.database import Database
from foundation.operator import OperatorError
from protocol.log.errors import BadProof, BadTile, LogError
from protocol.log.lines import write_base64
from protocol.log.proofs import Head, check_consistency, consistency_proof, tree_head
from protocol.log.tile_tree import TileHashes, TileReader

_SAID: Final[dict[EvidenceKind, str]] = {
    "two-roots": "the log signed two different histories of {size} entries",
    "shrunk": "the log went back behind {size} entries that this connector had countersigned",
    "rewritten": "the log changed its past behind {size} entries that were countersigned",
}


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two heads that cannot be of one history; `proof` leads from another past to the new root."""

    kind: EvidenceKind
    proof: tuple[bytes, ...] = ()


class TwoHistories(OperatorError):
    """The log signed what contradicts what it signed before. Both are kept, an alarm is raised.

    `is_new` is whether that had not been seen before.
    """

    def __init__(self, message: str, *, is_new: bool) -> None:
        super().__init__(message)
        self.is_new = is_new


class Unproven(OperatorError):
    """The log does not show that a checkpoint continues another; that alone is no evidence."""


def prove(tiles: TileReader, before: Head, head: Head) -> tuple[bytes, ...] | Contradiction:
    """Return the consistency proof from `before` to `head` as the log's tiles give it.

    `head` is the larger one or as large; both were signed by the log. Returns a Contradiction if
    the tiles make the root of `head` but another past than `before`. Raises Unproven if they do
    not even make `head`: whoever served them may have cut or changed them on the way.
    """
    if before.size == head.size:
        return () if before == head else Contradiction("two-roots")
    if before.size == 0:
        return ()
    proof: tuple[bytes, ...] = ()
    try:
        hashes = TileHashes(tiles, head.size)
        proof = consistency_proof(hashes, before.size, head.size)
        check_consistency(before, head, proof)
    except BadProof as error:
        if _makes(tiles, head):
            return Contradiction("rewritten", proof)
        raise _unproven(error) from error
    except LogError as error:
        raise _unproven(error) from error
    return proof


def keep_contradiction(
    database: Database,
    origin: str,
    held: Witnessed,
    shown: bytes,
    found: Contradiction,
    now: int,
) -> TwoHistories:
    """Keep both signed checkpoints and raise the alarm, once; return the error to be raised."""
    said = _SAID[found.kind].format(size=held.head.size)
    with database.write() as connection:
        is_new = _keep(connection, origin, held, shown, found, said, now)
    return TwoHistories(
        f"{said}; nothing more of it is countersigned here: {_TO_DO}", is_new=is_new
    )


_TO_DO: Final = (
    "phone another member, compare with `agency-connector witness evidence`, and tell the steward "
    "and the auditor"
)


def _keep(
    connection: Connection,
    origin: str,
    held: Witnessed,
    shown: bytes,
    found: Contradiction,
    said: str,
    now: int,
) -> bool:
    proof = "".join(f"{write_base64(part)}\n" for part in found.proof).encode()
    kept = (held.head.size, held.checkpoint)
    is_new = storage.keep_evidence(connection, origin, found.kind, kept, shown, proof, now)
    if is_new:
        raise_alarm(
            connection,
            kind=INCONSISTENT,
            subject=origin,
            sentence=f"{said.capitalize()}. {_TO_DO.capitalize()}.",
            now=now,
        )
        logs.get_logger().error("log.inconsistent", size=held.head.size)
    return is_new


def _makes(tiles: TileReader, head: Head) -> bool:
    try:
        return tree_head(TileHashes(tiles, head.size), head.size) == head
    except BadTile:
        return False


def _unproven(error: LogError) -> Unproven:
    return Unproven(
        "the log does not prove that its checkpoint continues the one countersigned before, and it "
        f"was not countersigned. {error} If this goes on, phone the steward"
    )
