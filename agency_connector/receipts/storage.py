"""The receipts that this connector got, and how far it has read the log."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    LargeBinary,
    Row,
    Select,
    String,
    Table,
    bindparam,
    case,
    delete,
    func,
    insert,
    select,
    update,
)

from agency_connector.database import metadata
from foundation.inserting import inserting
from protocol import canonical, documents
from protocol.encoding import b64u_decode, b64u_encode
from protocol.log.compact_range import CompactRange
from protocol.log.proofs import Head
from protocol.merkle import HASH_BYTES, leaf_hash
from schemas.entries import ReceiptStatement
from schemas.envelopes import Envelope

DocumentKind = Literal["introduction", "key-change", "desk", "epoch", "hand-over", "witness-key"]
Kind = Literal["lookup", "resolution", "publication", "reading", "contact"] | DocumentKind
PAGE: Final = 500
_NAME_BYTES: Final = 16
_HOUR_MS: Final = 3_600_000

# No entry stands here: it holds a statement, and the journal keeps those sealed.
receipts = Table(
    "receipts",
    metadata,
    Column("leaf", LargeBinary(HASH_BYTES), primary_key=True),
    Column("log", String(200), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("reference", String(64), nullable=False, index=True),
    Column("recorded_at", BigInteger, nullable=False),
    Column("deadline", BigInteger, nullable=False),
    # The entry's number in the log, once it was found there.
    Column("position", BigInteger, index=True),
    Column("verified_at", BigInteger),
    Column("alarmed_at", BigInteger),
)
_UNVERIFIED = receipts.c.verified_at.is_(None)
Index(
    "ix_receipts_unverified",
    receipts.c.recorded_at,
    sqlite_where=_UNVERIFIED,
    postgresql_where=_UNVERIFIED,
)
# The entries of documents that the index acknowledged: none of them tells of a person.
acknowledged = Table(
    "acknowledged_documents",
    metadata,
    # The first bytes of the leaf hash: an entry has 16 random bytes of its own.
    Column("reference", LargeBinary(_NAME_BYTES), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("entry", LargeBinary, nullable=False),
    Column("receipt", LargeBinary, nullable=False),
    Column("acknowledged_at", BigInteger, nullable=False),
)
# How far the log had been read at a time: about one row for each hour, none of them taken back.
marks = Table(
    "log_marks",
    metadata,
    Column("log", String(200), primary_key=True),
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    # Roots of the complete left subtrees: what it takes to go on from here.
    Column("roots", LargeBinary, nullable=False),
    Column("read_at", BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt. `reference` names the lookup, resolution, batch, reading or document.

    Times are in ms UTC.

    It is *recorded* until `verified_at`: then its proof was checked against a checkpoint that
    enough witnesses had cosigned, and kept.
    """

    leaf: bytes
    log: str
    kind: Kind
    reference: str
    recorded_at: int
    deadline: int
    position: int | None
    verified_at: int | None
    alarmed_at: int | None


@dataclass(frozen=True, slots=True)
class Mark:
    """A head of the log that was read whole, and when (ms UTC)."""

    head: Head
    read_at: int


@dataclass(frozen=True, slots=True)
class Counts:
    """How many receipts of a log there are: verified, found and not verified, and not found.

    `lost` are those of earlier logs, whose entries the log that is pinned does not hold.
    """

    verified: int
    found: int
    waiting: int
    lost: int


def expect(connection: Connection, kind: Kind, reference: str, envelope: Envelope) -> None:
    """Keep that the entry of a receipt, which has been checked, is due in the log.

    The same receipt again changes nothing. `reference`: what it is of, base64url.
    """
    receipt = documents.claimed(envelope, ReceiptStatement)
    connection.execute(
        inserting(connection, receipts)
        .values(
            leaf=b64u_decode(receipt.leaf, HASH_BYTES),
            log=receipt.log,
            kind=kind,
            reference=reference,
            recorded_at=receipt.recorded_at,
            deadline=receipt.deadline,
        )
        .on_conflict_do_nothing(index_elements=[receipts.c.leaf])
    )


def keep_document(
    connection: Connection, kind: DocumentKind, entry: bytes, receipt: Envelope, now: int
) -> None:
    """Keep the entry of a document of ours, whose receipt has been checked, and follow that."""
    name = leaf_hash(entry)[:_NAME_BYTES]
    connection.execute(
        inserting(connection, acknowledged)
        .values(
            reference=name,
            kind=kind,
            entry=entry,
            receipt=canonical.encode(receipt),
            acknowledged_at=now,
        )
        .on_conflict_do_nothing(index_elements=[acknowledged.c.reference])
    )
    expect(connection, kind, b64u_encode(name), receipt)


def document(connection: Connection, reference: str) -> tuple[bytes, Envelope] | None:
    """Return the entry of an acknowledged document and its receipt, or None."""
    this = acknowledged.c.reference == b64u_decode(reference)
    row = connection.execute(select(acknowledged).where(this)).one_or_none()
    if row is None:
        return None
    return bytes(row.entry), canonical.decode(bytes(row.receipt), Envelope)


def every_document(connection: Connection) -> tuple[tuple[Kind, str], ...]:
    """Return kind and reference of all: an agency has few desks, epochs and keys."""
    rows = connection.execute(select(acknowledged.c.kind, acknowledged.c.reference))
    return tuple((row.kind, b64u_encode(bytes(row.reference))) for row in rows)


def find(connection: Connection, leaf: bytes) -> Receipt | None:
    """Return the receipt for the entry with this leaf hash, or None."""
    return _first(connection, select(receipts).where(receipts.c.leaf == leaf))


def named(connection: Connection, reference: str) -> Receipt | None:
    """Return the receipt of the lookup, resolution, batch, reading or document, or None."""
    return _first(connection, select(receipts).where(receipts.c.reference == reference))


def unfound(connection: Connection, log: str) -> tuple[Receipt, ...]:
    """Return the receipts of `log` whose entries have not been met in it, oldest first."""
    return _all(connection, _of(log).where(_UNVERIFIED, receipts.c.position.is_(None)))


def unproved(connection: Connection, log: str, size: int) -> tuple[Receipt, ...]:
    """Return those whose entries are among the first `size` of `log` and not verified yet."""
    return _all(connection, _of(log).where(_UNVERIFIED, receipts.c.position < size))


def unverified(connection: Connection, log: str) -> tuple[Receipt, ...]:
    """Return the receipts of `log` that are not verified, oldest first."""
    return _all(connection, _of(log).where(_UNVERIFIED))


def lost(connection: Connection, log: str) -> tuple[Receipt, ...]:
    """Return the receipts of every log but `log`: they were not found in it, oldest first."""
    others = select(receipts).where(receipts.c.log != log)
    return _all(connection, others.order_by(receipts.c.recorded_at))


def leaves_of(connection: Connection, log: str) -> frozenset[bytes]:
    """Return the leaf hashes of all receipts of `log`."""
    rows = connection.execute(select(receipts.c.leaf).where(receipts.c.log == log)).scalars()
    return frozenset(bytes(leaf) for leaf in rows)


def all_of(connection: Connection, log: str) -> Iterator[Receipt]:
    """Yield all receipts of `log`, in constant memory."""
    after = b""
    while True:
        these = select(receipts).where(receipts.c.log == log, receipts.c.leaf > after)
        page = _all(connection, these.order_by(receipts.c.leaf).limit(PAGE))
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].leaf


def follow_in(
    connection: Connection,
    log: str,
    positions: Mapping[bytes, int],
    waiting: Sequence[bytes],
    now: int,
) -> None:
    """Follow receipts of an earlier log in its successor `log`, where they are verified anew.

    `positions` are the numbers of those that were found in it, by leaf: they are due there from
    now on. The leaves `waiting` keep their deadline.
    """
    due = case((receipts.c.deadline < now, now), else_=receipts.c.deadline)
    found = [{"named": leaf, "number": number} for leaf, number in positions.items()]
    if found:
        connection.execute(
            update(receipts)
            .where(receipts.c.leaf == bindparam("named"))
            .values(
                log=log,
                position=bindparam("number"),
                verified_at=None,
                alarmed_at=None,
                deadline=due,
            ),
            found,
        )
    if waiting:
        these = update(receipts).where(receipts.c.leaf == bindparam("named")).values(log=log)
        connection.execute(these, [{"named": leaf} for leaf in waiting])


def placed(connection: Connection, log: str) -> Iterator[Receipt]:
    """Yield the receipts of `log` whose entries have a number, by number; in constant memory."""
    after = -1
    while True:
        page = _all(
            connection,
            select(receipts)
            .where(receipts.c.log == log, receipts.c.position > after)
            .order_by(receipts.c.position)
            .limit(PAGE),
        )
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].position or 0


def place(connection: Connection, positions: dict[bytes, int]) -> None:
    """Keep at which number of the log each leaf was found."""
    for leaf, position in positions.items():
        connection.execute(
            update(receipts).where(receipts.c.leaf == leaf).values(position=position)
        )


def verified(connection: Connection, leaves: Sequence[bytes], now: int) -> None:
    """Keep that the proofs of these entries have been checked and kept."""
    for leaf in leaves:
        connection.execute(update(receipts).where(receipts.c.leaf == leaf).values(verified_at=now))


def alarmed(connection: Connection, leaves: Sequence[bytes], now: int) -> None:
    """Keep that an alarm has been raised for these."""
    for leaf in leaves:
        connection.execute(update(receipts).where(receipts.c.leaf == leaf).values(alarmed_at=now))


def counts(connection: Connection, log: str) -> Counts:
    """Return how the receipts of `log` and of those before it stand, in numbers."""
    whole = select(
        func.count(receipts.c.verified_at), func.count(receipts.c.position), func.count()
    )
    verified_, found, every = connection.execute(whole.where(receipts.c.log == log)).one()
    earlier = select(func.count()).where(receipts.c.log != log)
    return Counts(
        verified=verified_,
        found=found - verified_,
        waiting=every - found,
        lost=connection.execute(earlier).scalar_one(),
    )


def mark_before(connection: Connection, log: str, time: int) -> CompactRange:
    """Return how far `log` had been read by `time` (ms UTC): nothing if it was not.

    Whatever was recorded after `time` has a number beyond that.
    """
    row = connection.execute(
        select(marks)
        .where(marks.c.log == log, marks.c.read_at <= time)
        .order_by(marks.c.size.desc())
        .limit(1)
    ).one_or_none()
    return CompactRange() if row is None else _range(row.size, bytes(row.roots))


def heads_after(connection: Connection, log: str, size: int) -> dict[int, Head]:
    """Return by size every head of `log` beyond `size` that this connector has read before."""
    rows = connection.execute(select(marks).where(marks.c.log == log, marks.c.size > size))
    return {row.size: _range(row.size, bytes(row.roots)).head() for row in rows}


def last_read(connection: Connection, log: str) -> Mark | None:
    """Return the greatest head of `log` that was read, and when; None before the first."""
    rows = _newest(connection, log, 1)
    return (
        None
        if not rows
        else Mark(_range(rows[0].size, bytes(rows[0].roots)).head(), rows[0].read_at)
    )


def mark(connection: Connection, log: str, read: CompactRange, now: int) -> None:
    """Keep that `log` has been read this far, and that what was read makes a signed head.

    The newest mark moves on until it is an hour younger than the one before.
    """
    newest = _newest(connection, log, 2)
    if newest and newest[0].size > read.size:
        return  # another process was faster
    if newest and newest[0].size == read.size:
        these = (marks.c.log == log) & (marks.c.size == read.size)
        connection.execute(update(marks).where(these).values(read_at=now))
        return
    if len(newest) == 2 and newest[0].read_at - newest[1].read_at < _HOUR_MS:
        these = (marks.c.log == log) & (marks.c.size == newest[0].size)
        connection.execute(delete(marks).where(these))
    connection.execute(
        insert(marks).values(log=log, size=read.size, roots=b"".join(read.roots), read_at=now)
    )


def _newest(connection: Connection, log: str, count: int) -> Sequence[Row[Any]]:
    query = select(marks).where(marks.c.log == log).order_by(marks.c.size.desc()).limit(count)
    return connection.execute(query).all()


def _range(size: int, roots: bytes) -> CompactRange:
    return CompactRange(
        size, [roots[at : at + HASH_BYTES] for at in range(0, len(roots), HASH_BYTES)]
    )


def _of(log: str) -> Select[Any]:
    return select(receipts).where(receipts.c.log == log).order_by(receipts.c.recorded_at)


def _all(connection: Connection, query: Select[Any]) -> tuple[Receipt, ...]:
    return tuple(Receipt(*row) for row in connection.execute(query))


def _first(connection: Connection, query: Select[Any]) -> Receipt | None:
    row = connection.execute(query).first()
    return None if row is None else Receipt(*row)
