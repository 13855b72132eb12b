"""Rounds: for a while all witnesses are shown one checkpoint, so that their cosignatures meet.

The log's newest checkpoint changes with every batch of entries. Witnesses that come by one after
the other would each cosign another one, and none would ever have enough cosignatures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    LargeBinary,
    String,
    Table,
    delete,
    insert,
    select,
)

from foundation.inserting import inserting
from index_service.audit import storage
from index_service.audit.sequencing import published_head
from index_service.database import metadata
from index_service.installation import Installation
from index_service.worker.doing import Done
from protocol.log.notes import MAX_SIGNATURES, read_note, read_signatures, with_signatures
from protocol.log.proofs import Head

ROUND_MS: Final = 90_000
"""How long a round waits for the last witness, if there is a newer checkpoint."""

_KEPT: Final = 20

log_rounds = Table(
    "log_rounds",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("root", LargeBinary(32), nullable=False),
    # The checkpoint with the log's signature alone.
    Column("note", LargeBinary, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
)

log_round_cosignatures = Table(
    "log_round_cosignatures",
    metadata,
    Column(
        "size", BigInteger, ForeignKey("log_rounds.size"), primary_key=True, autoincrement=False
    ),
    Column("witness", String(32), primary_key=True),
    Column("line", LargeBinary, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Round:
    """A checkpoint that witnesses are shown, and their lines by agency, as far as they came."""

    head: Head
    note: bytes
    opened_at: int
    lines: dict[str, bytes]

    @property
    def cosigned(self) -> bytes:
        """The checkpoint with the lines, as it is served."""
        return with_lines(self.note, list(self.lines.values()))


def with_lines(note: bytes, lines: Sequence[bytes]) -> bytes:
    """Return the log's `note` with the cosignature `lines` behind its own signature.

    At most as many as readers take: `protocol.log.notes.MAX_SIGNATURES` with the log's own.
    """
    parsed = read_note(note)
    added = [part for line in lines for part in read_signatures(line.decode())]
    return with_signatures(parsed, added[: MAX_SIGNATURES - len(parsed.signatures)]).to_bytes()


def newest_first(connection: Connection) -> tuple[Round, ...]:
    """Return the rounds that are kept."""
    lines: dict[int, dict[str, bytes]] = {}
    ordered = select(log_round_cosignatures).order_by(log_round_cosignatures.c.witness)
    for row in connection.execute(ordered):
        lines.setdefault(row.size, {})[row.witness] = bytes(row.line)
    rows = connection.execute(select(log_rounds).order_by(log_rounds.c.size.desc()))
    return tuple(
        Round(
            Head(row.size, bytes(row.root)),
            bytes(row.note),
            row.opened_at,
            lines.get(row.size, {}),
        )
        for row in rows
    )


def put_line(connection: Connection, head: Head, witness: str, line: bytes) -> None:
    """Keep a witness's line for the round of `head`, if there is one, over its earlier line."""
    this = select(log_rounds.c.root).where(log_rounds.c.size == head.size)
    root = connection.execute(this).scalar()
    if root is None or bytes(root) != head.root:
        return
    put = inserting(connection, log_round_cosignatures).values(
        size=head.size, witness=witness, line=line
    )
    connection.execute(
        put.on_conflict_do_update(
            index_elements=[log_round_cosignatures.c.size, log_round_cosignatures.c.witness],
            set_={"line": put.excluded.line},
        )
    )


def best_cosigned(rounds: Sequence[Round], witnesses: frozenset[str]) -> Round | None:
    """Return the newest round that more than half of `witnesses` have cosigned, or None.

    `witnesses` are the active agencies with a declared key. Whether it is enough for a reader is
    for the reader's own pinned policy to say.
    """
    for one in rounds:
        if 2 * len(witnesses & one.lines.keys()) > len(witnesses):
            return one
    return None


def open_round(connection: Connection, index: Installation, now: int) -> Done:
    """Open a round with the newest checkpoint, if the last one is complete or took long enough.

    A job of the worker's. Old rounds go, but not the newest that a majority has cosigned.
    """
    state = storage.state(connection)
    published = published_head(state)
    if state.note is None or published is None or state.closed is not None:
        return Done(0, more=False)
    rounds = newest_first(connection)
    witnesses = active_witnesses(connection, index)
    if rounds:
        last = rounds[0]
        waiting = witnesses - last.lines.keys() and now < last.opened_at + ROUND_MS
        if published.size <= last.head.size or waiting:
            return Done(0, more=False)
    best = best_cosigned(rounds, witnesses)
    keep = {one.head.size for one in rounds[:_KEPT]} | ({best.head.size} if best else set())
    for one in rounds:
        if one.head.size not in keep:
            _forget(connection, one.head.size)
    connection.execute(
        insert(log_rounds).values(
            size=published.size, root=published.root, note=state.note, opened_at=now
        )
    )
    return Done(1, more=False)


def active_witnesses(connection: Connection, index: Installation) -> frozenset[str]:
    """Return the active agencies that have declared a witness key."""
    standing = index.standing.read(connection)
    active = {row.agency for row in standing.by_key.values() if row.status == "active"}
    return frozenset(active & standing.witnesses.keys())


def _forget(connection: Connection, size: int) -> None:
    lines = log_round_cosignatures
    connection.execute(delete(lines).where(lines.c.size == size))
    connection.execute(delete(log_rounds).where(log_rounds.c.size == size))
