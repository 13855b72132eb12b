"""Intake: the final bytes of an entry become durable with what they record, and get a receipt.

An intake row has no place in the tree yet: numbering rows in the order of their commits is the
sequencer's work. No number is taken inside a lookup's transaction, so lookups never queue.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    LargeBinary,
    Table,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    text,
)

from foundation.statements import Statement
from index_service.database import metadata
from protocol import receipts
from protocol.encoding import b64u_encode
from protocol.entries import entry_bytes
from protocol.keys import SigningKey
from protocol.merkle import leaf_hash
from protocol.verifier_keys import verifier_key
from schemas.entries import Entry
from schemas.envelopes import Envelope

intake = Table(
    "intake",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("entry", LargeBinary, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    # The entry's number in the log; set once, by the sequencer.
    Column("position", BigInteger, unique=True),
    Index(
        "ix_intake_unnumbered",
        "id",
        sqlite_where=text("position IS NULL"),
        postgresql_where=text("position IS NULL"),
    ),
)

_RECORD: Final = Statement(
    insert(intake)
    .values(entry=bindparam("entry"), leaf=bindparam("leaf"), recorded_at=bindparam("recorded_at"))
    .returning(intake.c.id)
)

LAST_RECORDED: Final[Mapping[str, ColumnElement[Any]]] = {
    "sqlite": func.last_insert_rowid(),
    "postgresql": literal_column("currval('intake_id_seq')"),
}
"""By dialect, for the statement right after `record`: the id of the row that it inserted."""


@dataclass(frozen=True, slots=True)
class Log:
    """The log as its signer: name (the note's origin), key, and how long numbering may take.

    `generation` counts the logs of this index: 1, and one more for each successor.
    """

    name: str
    key: SigningKey
    deadline_ms: int
    generation: int = 1

    @property
    def verifier_key(self) -> str:
        """The C2SP verifier key by which others check what this log signs."""
        return verifier_key(self.name, self.key.public)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry as it stands in the intake; `receipt` may leave once the transaction committed.

    `number` returns the id of its row, for which the database may have to be waited.
    """

    number: Callable[[], int]
    entry: bytes
    receipt: Envelope

    @property
    def intake(self) -> int:
        """The id of its row in the intake."""
        return self.number()

    @property
    def entry_text(self) -> str:
        """The entry's bytes as messages carry them."""
        return b64u_encode(self.entry)


def record(connection: Connection, log: Log, entry: Entry) -> Recorded:
    """Put `entry` into the intake, in the caller's transaction; raises EntryTooLarge."""
    encoded = entry_bytes(entry)
    leaf = leaf_hash(encoded)
    asked = _RECORD.later(connection, entry=encoded, leaf=leaf, recorded_at=entry.at)
    return Recorded(lambda: int(asked.rows()[0][0]), encoded, _receipt(log, encoded, entry.at))


def recorded(connection: Connection, log: Log, number: int) -> Recorded:
    """Return what was recorded as intake row `number`, with its receipt signed again.

    Ed25519 is deterministic, so the receipt has the same bytes as the first time.
    """
    row = connection.execute(
        select(intake.c.entry, intake.c.recorded_at).where(intake.c.id == number)
    ).one()
    return Recorded(lambda: number, row.entry, _receipt(log, row.entry, row.recorded_at))


def _receipt(log: Log, encoded: bytes, at: int) -> Envelope:
    return receipts.issue(encoded, log.name, at, at + log.deadline_ms, log.key)
