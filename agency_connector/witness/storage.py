"""What this witness has cosigned last of each log, and the evidence of logs with two histories.

`advance` is the one statement on which everything rests: it moves the head from exactly the one
that the decision was made from, before the cosignature leaves.
"""

from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    delete,
    insert,
    select,
    update,
)

from agency_connector.database import metadata
from foundation.inserting import inserting
from protocol.log.proofs import EMPTY, Head

EvidenceKind = Literal["two-roots", "shrunk", "rewritten"]
_ORIGIN_CHARACTERS: Final = 200

_witnessed = Table(
    "witnessed_logs",
    metadata,
    Column("origin", String(_ORIGIN_CHARACTERS), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary(32), nullable=False),
    # The checkpoint with the log's own signature, and our line: None before the first.
    Column("checkpoint", LargeBinary),
    Column("line", LargeBinary),
    # Seconds, as in the cosignature; never goes back.
    Column("cosigned_at", BigInteger, nullable=False),
    # Whether the index has this line.
    Column("delivered", Boolean, nullable=False),
)

_evidence = Table(
    "log_evidence",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("origin", String(_ORIGIN_CHARACTERS), nullable=False),
    Column("kind", String(16), nullable=False),
    # Of the checkpoint that was held: of one held state, each kind is kept once.
    Column("held_size", BigInteger, nullable=False),
    Column("held", LargeBinary, nullable=False),
    Column("shown", LargeBinary, nullable=False),
    Column("proof", LargeBinary, nullable=False),
    Column("found_at", BigInteger, nullable=False),
    UniqueConstraint("origin", "kind", "held_size"),
)

_declaration = Table(
    "own_witness_declaration",
    metadata,
    Column("singleton", Integer, primary_key=True),
    Column("witness_key", Text, nullable=False),
    Column("acknowledged_at", BigInteger, nullable=False),
    CheckConstraint("singleton = 1", name="one_row"),
)

_attempt = Table(
    "witness_attempt",
    metadata,
    Column("singleton", Integer, primary_key=True),
    Column("ended_at", BigInteger, nullable=False),
    Column("trouble", Text),
    # The largest tree that enough witnesses had cosigned, and when that was last news, ms UTC.
    Column("agreed_size", BigInteger, nullable=False),
    Column("agreed_at", BigInteger, nullable=False),
    CheckConstraint("singleton = 1", name="one_row"),
)

_policy_changes = Table(
    "witness_policy_changes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("changed_at", BigInteger, nullable=False),
    Column("agency", String(32), nullable=False),
    Column("change", String(16), nullable=False),
    Column("witness_key", Text, nullable=False),
)


class Conflict(Exception):
    """Another process of this witness moved the head meanwhile; nothing was written."""


@dataclass(frozen=True, slots=True)
class Witnessed:
    """What was cosigned last: the log's signed checkpoint, and our line, made at `cosigned_at`, s.

    `delivered` is whether the index has acknowledged this line.
    """

    head: Head
    checkpoint: bytes
    line: bytes
    cosigned_at: int
    delivered: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """Two checkpoints that one log signed and that cannot both be of one history.

    `held` is what this witness had cosigned; `proof` is the way from `held` to `shown`, as the
    log's own tiles give it, where there is one: it leads to the root of `shown`, and from another
    past than `held`. `found_at` in ms UTC.
    """

    number: int
    origin: str
    kind: EvidenceKind
    held: bytes
    shown: bytes
    proof: bytes
    found_at: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """How this witness last fared; times in ms UTC, `trouble` None if nothing was in its way.

    `agreed_size` is the largest tree that enough witnesses had cosigned by then. `agreed_at` is
    when that had last grown, or was all that this witness itself had cosigned.
    """

    ended_at: int
    trouble: str | None
    agreed_size: int
    agreed_at: int


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """A key that was added to the pinned policy, or one that a person removed; ms UTC."""

    changed_at: int
    agency: str
    change: Literal["declared", "accepted", "removed"]
    witness_key: str


def last(connection: Connection, origin: str) -> Witnessed | None:
    """Return what was cosigned last of the log `origin`, or None if nothing ever was."""
    row = connection.execute(select(_witnessed).where(_witnessed.c.origin == origin)).one_or_none()
    if row is None or row.checkpoint is None:
        return None
    return Witnessed(
        Head(row.size, bytes(row.root)),
        bytes(row.checkpoint),
        bytes(row.line),
        row.cosigned_at,
        row.delivered,
    )


def advance(
    connection: Connection,
    origin: str,
    before: Head,
    head: Head,
    checkpoint: bytes,
    line: bytes,
    cosigned_at: int,
) -> None:
    """Move what was cosigned last from `before` to `head`; Conflict unless it is still `before`.

    When the transaction has committed, and not before, `line` may leave.
    """
    _begin(connection, origin)
    moved = connection.execute(
        update(_witnessed)
        .where(
            _witnessed.c.origin == origin,
            _witnessed.c.size == before.size,
            _witnessed.c.root == before.root,
        )
        .values(
            size=head.size,
            root=head.root,
            checkpoint=checkpoint,
            line=line,
            cosigned_at=cosigned_at,
            delivered=False,
        )
    )
    if moved.rowcount != 1:
        raise Conflict


def _begin(connection: Connection, origin: str) -> None:
    """Make the row of a log of which nothing was cosigned yet, if there is none."""
    connection.execute(
        inserting(connection, _witnessed)
        .values(origin=origin, size=EMPTY.size, root=EMPTY.root, cosigned_at=0, delivered=False)
        .on_conflict_do_nothing()
    )


def delivered(connection: Connection, origin: str, line: bytes) -> None:
    """Keep that the index has `line`, unless another one has taken its place meanwhile."""
    connection.execute(
        update(_witnessed)
        .where(_witnessed.c.origin == origin, _witnessed.c.line == line)
        .values(delivered=True)
    )


def keep_evidence(
    connection: Connection,
    origin: str,
    kind: EvidenceKind,
    held: tuple[int, bytes],
    shown: bytes,
    proof: bytes,
    now: int,
) -> bool:
    """Keep evidence against `held`, size and note; return whether it is new."""
    size, note = held
    kept = connection.execute(
        inserting(connection, _evidence)
        .values(
            origin=origin,
            kind=kind,
            held_size=size,
            held=note,
            shown=shown,
            proof=proof,
            found_at=now,
        )
        .on_conflict_do_nothing()
        .returning(_evidence.c.id)
    )
    return kept.first() is not None


def evidence(connection: Connection) -> tuple[Evidence, ...]:
    """Return all evidence, oldest first."""
    rows = connection.execute(select(_evidence).order_by(_evidence.c.id))
    return tuple(
        Evidence(
            row.id,
            row.origin,
            row.kind,
            bytes(row.held),
            bytes(row.shown),
            bytes(row.proof),
            row.found_at,
        )
        for row in rows
    )


def acknowledged_declaration(connection: Connection) -> str | None:
    """Return the witness key that the index has taken as ours, or None."""
    key: str | None = connection.execute(select(_declaration.c.witness_key)).scalar()
    return key


def keep_declaration(connection: Connection, witness_key: str | None, now: int) -> None:
    """Keep which key the index has taken as ours, None if it has not or not any more."""
    if witness_key is None:
        connection.execute(delete(_declaration))
    else:
        _put_one(connection, _declaration, witness_key=witness_key, acknowledged_at=now)


def attempt(connection: Connection) -> Attempt | None:
    """Return how the last attempt ended, or None before the first."""
    row = connection.execute(select(_attempt)).one_or_none()
    if row is None:
        return None
    return Attempt(row.ended_at, row.trouble, row.agreed_size, row.agreed_at)


def keep_attempt(connection: Connection, made: Attempt) -> None:
    """Keep how the last attempt ended."""
    _put_one(
        connection,
        _attempt,
        ended_at=made.ended_at,
        trouble=made.trouble,
        agreed_size=made.agreed_size,
        agreed_at=made.agreed_at,
    )


def forget_attempt(connection: Connection) -> None:
    """Forget how the last attempt ended: it was about another log."""
    connection.execute(delete(_attempt))


def policy_changes(connection: Connection) -> tuple[PolicyChange, ...]:
    """Return how the pinned policy came about, oldest first."""
    rows = connection.execute(select(_policy_changes).order_by(_policy_changes.c.id))
    return tuple(
        PolicyChange(row.changed_at, row.agency, row.change, row.witness_key) for row in rows
    )


def keep_policy_change(connection: Connection, change: PolicyChange) -> None:
    """Keep one change of the pinned policy."""
    connection.execute(
        insert(_policy_changes).values(
            changed_at=change.changed_at,
            agency=change.agency,
            change=change.change,
            witness_key=change.witness_key,
        )
    )


def _put_one(connection: Connection, table: Table, **values: object) -> None:
    """Put the one row of `table`; of two processes at once, the later one's stays."""
    connection.execute(
        inserting(connection, table)
        .values(singleton=1, **values)
        .on_conflict_do_update(index_elements=[table.c.singleton], set_=values)
    )
