"""The one step of a witness: decide, write down, and only then let the cosignature leave.

It is the same step for what this connector fetches itself and for C2SP tlog-witness's endpoint.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection

from agency_connector.alarms import open_alarms
from agency_connector.installation import Installation
from agency_connector.witness import storage
from agency_connector.witness.key import witness_signing_key
from agency_connector.witness.storage import Conflict
from foundation.clock import Clock
from foundation.database import Database
from protocol.keys import SigningKey
from protocol.log.checkpoints import open_checkpoint
from protocol.log.notes import Note
from protocol.log.proofs import EMPTY, Head
from protocol.log.witness import AddCheckpoint, Refused, decide, witness_key
from protocol.verifier_keys import VerifierKey

INCONSISTENT: Final = "log-inconsistent"
"""The kind of alarm while which nothing of a log, the alarm's subject, is cosigned."""


@dataclass(frozen=True, slots=True)
class Cosigned:
    """What was cosigned and is written down: `line` may leave. `cosigned_at` in s UTC."""

    head: Head
    line: bytes
    cosigned_at: int


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness by its key; any number of processes may be the same one, on one database."""

    database: Database
    verifier: VerifierKey
    clock: Clock
    key: SigningKey = field(repr=False)

    @classmethod
    def of(cls, installation: Installation, partnership: str) -> "Witness":
        """Return this connector as a witness of the log of `partnership`."""
        key = witness_signing_key(installation.keyring)
        return cls(
            installation.database,
            witness_key(installation.agency, partnership, key.public),
            installation.clock,
            key,
        )

    def add(self, request: AddCheckpoint, logs: Sequence[VerifierKey]) -> Cosigned | Refused:
        """Cosign a checkpoint of one of `logs` if it continues what was cosigned last.

        The status of a refusal is that of C2SP tlog-witness; 403 too for a log of which two
        histories were seen, until a person has acknowledged that.
        """
        # Nobody who has no signature of the log keeps the database busy.
        early = decide(request, logs, None)
        if isinstance(early, Refused) and early.status in (403, 404):
            return early
        try:
            with self.database.write() as connection:
                decided = self._decided(connection, request, logs)
        except Conflict:
            with self.database.read() as connection:
                size = (_last_head(connection, request) or EMPTY).size
            return Refused(409, "Another process of this witness was faster.", size)
        return decided

    def _decided(
        self, connection: Connection, request: AddCheckpoint, logs: Sequence[VerifierKey]
    ) -> Cosigned | Refused:
        origin = request.checkpoint.origin
        last = storage.last(connection, origin)
        decision = decide(request, logs, last.head if last else None)
        if isinstance(decision, Refused):
            return decision
        if is_halted(connection, origin):
            return Refused(403, "This witness has seen two histories of that log.")
        now_s = max(self.clock() // 1000, last.cosigned_at if last else 0)
        line = decision.cosignature(self.verifier.name, self.key, now_s).line.encode()
        plain = signed_by_log(request.note, logs)
        storage.advance(connection, origin, decision.before, decision.head, plain, line, now_s)
        return Cosigned(decision.head, line, now_s)


def is_halted(connection: Connection, origin: str) -> bool:
    """Return whether two histories of the log were seen and nobody has acknowledged that."""
    return any(
        alarm.kind == INCONSISTENT and alarm.subject == origin for alarm in open_alarms(connection)
    )


def signed_by_log(note: bytes, logs: Sequence[VerifierKey]) -> bytes:
    """Return the verified `note` with the log's own signatures alone; raises as it is opened."""
    signed = open_checkpoint(note, logs)
    own = {(key.name, key.key_id) for key in logs}
    kept = tuple(part for part in signed.note.signatures if (part.name, part.key_id) in own)
    return Note(signed.note.text, kept[:1]).to_bytes()


def _last_head(connection: Connection, request: AddCheckpoint) -> Head | None:
    last = storage.last(connection, request.checkpoint.origin)
    return None if last is None else last.head
