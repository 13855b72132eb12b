"""The tables of publishing, and the statements on what is published and on the outbox."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    func,
    insert,
    null,
    select,
    update,
)

from agency_connector.database import metadata
from foundation.inserting import inserting
from schemas.flags import BatchKind

# Who is running a sync. One row; it is taken over once it has expired.
sync_lease = Table(
    "sync_lease",
    metadata,
    Column("singleton", Integer, primary_key=True, autoincrement=False),
    Column("run", LargeBinary(16), nullable=False),
    Column("taken_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    CheckConstraint("singleton = 1", name="one_row"),
)
# What one reading found, record by record; emptied at the end of a sync. `inputs` are the VOPRF
# inputs, 32 bytes each, the first `names` of them of names: never a clear match key.
staged_rows = Table(
    "staged_rows",
    metadata,
    Column("source", String(32), primary_key=True),
    Column("local_id", Text, primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("outcome", String(8), nullable=False),
    Column("code", String(40), nullable=False),
    Column("desk", String(32), nullable=False),
    Column("protected", Boolean, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Column("names", Integer, nullable=False),
    Column("inputs", LargeBinary, nullable=False),
)
# The inputs that too many subjects share, of the reading at hand.
common_inputs = Table("common_inputs", metadata, Column("input", LargeBinary(32), primary_key=True))
# Each flag that stands at the index or is on its way there. `batch` is the last that concerns it;
# `withdrawn` once its withdrawal is in the outbox; `gone_at` once that is delivered: the row then
# only tells whose flag it was, as long as a reference to it may be quoted. A null `digest` is
# published anew when seen.
published = Table(
    "published",
    metadata,
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("source", String(32), primary_key=True),
    Column("local_id", Text, primary_key=True),
    Column("handle", LargeBinary(16), nullable=False),
    Column("digest", LargeBinary(32)),
    Column("batch", LargeBinary(16), nullable=False),
    Column("withdrawn", Boolean, nullable=False),
    Column("gone_at", BigInteger),
    Index("uq_published_handle", "handle", unique=True),
    Index("ix_published_batch", "batch"),
)
# Batches as they are sent, byte for byte. Once delivered, `body` gives way to entry and receipt.
outbox = Table(
    "outbox",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("batch", LargeBinary(16), nullable=False),
    Column("run", LargeBinary(16), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("kind", String(10), nullable=False),
    Column("size", Integer, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("body", LargeBinary),
    Column("entry", LargeBinary),
    Column("receipt", LargeBinary),
    Column("delivered_at", BigInteger),
    Index("uq_outbox_batch", "batch", unique=True),
    Index("ix_outbox_delivered_at", "delivered_at"),
)
# The last sequence that this agency gave to a batch.
publisher = Table(
    "publisher",
    metadata,
    Column("singleton", Integer, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, nullable=False),
    CheckConstraint("singleton = 1", name="one_row"),
)
# The mark that the index has last taken for each epoch we are in; read_at is the last complete one.
sent_marks = Table(
    "sent_marks",
    metadata,
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("state", String(8), nullable=False),
    Column("read_at", BigInteger, nullable=False),
)

# What came of the last sync that `run` did by itself: its troubles, one line each.
scheduled_sync = Table(
    "scheduled_sync",
    metadata,
    Column("singleton", Integer, primary_key=True, autoincrement=False),
    Column("ended_at", BigInteger, nullable=False),
    Column("troubles", Text, nullable=False),
    CheckConstraint("singleton = 1", name="one_row"),
)

NO_BATCH: Final = bytes(16)
REMEMBERED_MS: Final = 31 * 86_400_000
"""How long a withdrawn flag's record can be found by its handle.

A day longer than a reference can be valid: the index's setting rules.reference_days is at most 30.
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch of the outbox that has not been delivered; `body` is what is sent."""

    sequence: int
    batch: bytes
    epoch: int
    kind: BatchKind
    size: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Put:
    """A subject whose flag goes into a batch."""

    source: str
    local_id: str
    handle: bytes
    digest: bytes


def record_of(connection: Connection, handle: bytes) -> tuple[str, str] | None:
    """Return source and local id of the record whose flag has `handle`, or None if none has.

    Flags that were withdrawn are remembered for REMEMBERED_MS.
    """
    row = connection.execute(
        select(published.c.source, published.c.local_id).where(published.c.handle == handle)
    ).one_or_none()
    return None if row is None else (row.source, row.local_id)


def put(connection: Connection, epoch: int, batch: bytes, subjects: Sequence[Put]) -> None:
    """Note that `batch` publishes these subjects, whether they were published before or not."""
    adding = inserting(connection, published)
    kept = ("handle", "digest", "batch", "withdrawn", "gone_at")
    connection.execute(
        adding.on_conflict_do_update(
            index_elements=list(published.primary_key.columns),
            set_={name: adding.excluded[name] for name in kept},
        ),
        [
            {
                "epoch": epoch,
                "source": one.source,
                "local_id": one.local_id,
                "handle": one.handle,
                "digest": one.digest,
                "batch": batch,
                "withdrawn": False,
                "gone_at": None,
            }
            for one in subjects
        ],
    )


def withdraw(connection: Connection, batch: bytes, handles: Iterable[bytes]) -> None:
    """Note that `batch` withdraws the flags with these handles."""
    connection.execute(
        update(published)
        .where(published.c.handle == bindparam("one"))
        .values(batch=batch, withdrawn=True),
        [{"one": handle} for handle in handles],
    )


def count_subjects(connection: Connection) -> int:
    """Return how many subjects have a flag that stands, or is on its way."""
    stands = published.c.withdrawn.is_(False)
    subject = select(published.c.source, published.c.local_id).where(stands).distinct()
    return int(
        connection.execute(select(func.count()).select_from(subject.subquery())).scalar_one()
    )


def count_rows(connection: Connection, epoch: int) -> int:
    """Return how many flags the index may still have of us in `epoch`."""
    these = and_(published.c.epoch == epoch, published.c.gone_at.is_(None))
    return int(connection.execute(select(func.count()).where(these)).scalar_one())


def epochs_in_use(connection: Connection) -> tuple[int, ...]:
    """Return the epochs in which we have flags or have not told the index that we left."""
    marked = select(sent_marks.c.epoch).where(sent_marks.c.state != "left")
    standing = select(published.c.epoch).where(published.c.gone_at.is_(None)).distinct()
    found = standing.union(marked)
    return tuple(sorted(connection.execute(found).scalars()))


def publish_all_anew(connection: Connection) -> None:
    """Forget what the flags said, so that each subject seen is published again."""
    connection.execute(update(published).values(digest=null()))


def last_sequence(connection: Connection) -> int:
    """Return the sequence last given to a batch; 0 before the first."""
    return int(connection.execute(select(publisher.c.sequence)).scalar_one_or_none() or 0)


def set_sequence(connection: Connection, sequence: int) -> None:
    """Note that batches up to `sequence` have been made."""
    adding = inserting(connection, publisher).values(singleton=1, sequence=sequence)
    connection.execute(
        adding.on_conflict_do_update(
            index_elements=[publisher.c.singleton], set_={"sequence": sequence}
        )
    )


def enqueue(connection: Connection, batch: Batch, run: bytes, now: int) -> None:
    """Put a batch into the outbox."""
    connection.execute(
        insert(outbox).values(
            sequence=batch.sequence,
            batch=batch.batch,
            run=run,
            epoch=batch.epoch,
            kind=batch.kind,
            size=batch.size,
            made_at=now,
            body=batch.body,
        )
    )


def next_batch(connection: Connection) -> Batch | None:
    """Return the first batch that has not been delivered, or None."""
    row = connection.execute(
        select(outbox).where(outbox.c.delivered_at.is_(None)).order_by(outbox.c.sequence).limit(1)
    ).one_or_none()
    if row is None:
        return None
    return Batch(row.sequence, row.batch, row.epoch, row.kind, row.size, row.body)


def waiting(connection: Connection) -> int:
    """Return how many batches have not been delivered."""
    these = outbox.c.delivered_at.is_(None)
    return int(connection.execute(select(func.count()).where(these)).scalar_one())


def waiting_of_run(connection: Connection, run: bytes) -> tuple[Batch, ...]:
    """Return the batches with flags that `run` made and that have not been delivered, no bodies."""
    rows = connection.execute(
        select(outbox.c.sequence, outbox.c.batch, outbox.c.epoch, outbox.c.kind, outbox.c.size)
        .where(outbox.c.run == run, outbox.c.delivered_at.is_(None), outbox.c.kind != "erasure")
        .order_by(outbox.c.sequence)
    )
    return tuple(Batch(row.sequence, row.batch, row.epoch, row.kind, row.size, b"") for row in rows)


def delivered(connection: Connection, batch: Batch, entry: bytes, receipt: bytes, now: int) -> None:
    """Note that the index has taken `batch`; what it withdrew is published no longer."""
    connection.execute(
        update(outbox)
        .where(outbox.c.sequence == batch.sequence)
        .values(body=null(), entry=entry, receipt=receipt, delivered_at=now)
    )
    if batch.kind == "erasure":
        # What has been published anew since then still stands.
        withdrew = and_(published.c.batch == batch.batch, published.c.withdrawn.is_(True))
        connection.execute(update(published).where(withdrew).values(gone_at=now, digest=null()))


def put_back(connection: Connection, batch: Batch) -> None:
    """Take `batch` out of the outbox: what it put is unpublished, what it withdrew stands again."""
    concerned = published.c.batch == batch.batch
    if batch.kind == "collection":
        connection.execute(delete(published).where(concerned))
    else:
        connection.execute(
            update(published).where(concerned).values(digest=null(), withdrawn=False)
        )
    connection.execute(delete(outbox).where(outbox.c.sequence == batch.sequence))


def put_back_all(connection: Connection) -> None:
    """Take every batch that was not delivered out of the outbox; all flags are in doubt."""
    connection.execute(delete(outbox).where(outbox.c.delivered_at.is_(None)))
    connection.execute(
        update(published)
        .where(published.c.gone_at.is_(None))
        .values(digest=null(), withdrawn=False, batch=NO_BATCH)
    )


def forget_gone(connection: Connection, now: int) -> None:
    """Forget whose flags those were that were withdrawn longer ago than REMEMBERED_MS."""
    connection.execute(delete(published).where(published.c.gone_at < now - REMEMBERED_MS))


def marks(connection: Connection) -> Mapping[int, tuple[str, int]]:
    """Return by epoch the state that the index was last told, and the last complete reading."""
    return {row.epoch: (row.state, row.read_at) for row in connection.execute(select(sent_marks))}


def keep_mark(connection: Connection, epoch: int, state: str, read_at: int) -> None:
    """Note the mark that the index has taken."""
    adding = inserting(connection, sent_marks).values(epoch=epoch, state=state, read_at=read_at)
    connection.execute(
        adding.on_conflict_do_update(
            index_elements=[sent_marks.c.epoch], set_={"state": state, "read_at": read_at}
        )
    )


def receipts(connection: Connection) -> tuple[tuple[bytes, bytes], ...]:
    """Return entry and receipt of each delivered batch, oldest first."""
    rows = connection.execute(
        select(outbox.c.entry, outbox.c.receipt)
        .where(outbox.c.delivered_at.is_not(None))
        .order_by(outbox.c.sequence)
    )
    return tuple((row.entry, row.receipt) for row in rows)


def keep_scheduled(connection: Connection, ended_at: int, troubles: Sequence[str]) -> None:
    """Note what came of a sync that nobody watched, in the place of the one before."""
    told = {"ended_at": ended_at, "troubles": "\n".join(" ".join(one.split()) for one in troubles)}
    adding = inserting(connection, scheduled_sync).values(singleton=1, **told)
    connection.execute(
        adding.on_conflict_do_update(index_elements=[scheduled_sync.c.singleton], set_=told)
    )


def last_scheduled(connection: Connection) -> tuple[int, tuple[str, ...]] | None:
    """Return when the last scheduled sync ended, ms UTC, and its troubles; None before."""
    row = connection.execute(select(scheduled_sync)).one_or_none()
    return None if row is None else (row.ended_at, tuple(row.troubles.splitlines()))
