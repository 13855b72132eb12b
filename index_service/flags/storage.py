"""Flags and their tokens in the index's database, and the batches that brought them.

A flag's row keeps its 256 token bytes beside the token table: they tell whether a flag that is
put again is unchanged, and lead to its token rows without a second index over them.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    tuple_,
    update,
)

from foundation.inserting import inserting
from foundation.statements import driver_of
from index_service.database import metadata

T = TypeVar("T")
TOKEN_BYTES: Final = 16
_PARAMETERS: Final = 500

flags = Table(
    "flags",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("agency", String(32), ForeignKey("agencies.agency"), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("handle", LargeBinary(16), nullable=False),
    Column("tokens", LargeBinary(256), nullable=False),
    Column("desk", String(32), nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Index("uq_flags_agency_epoch_handle", "agency", "epoch", "handle", unique=True),
    Index("ix_flags_ends_at", "ends_at"),
)

# Which flag a token belongs to. No foreign key: one would be checked sixteen times a flag, and
# both tables are only ever written together, here. On PostgreSQL there is no primary key either but
# a hash index, which is searched in half the time of a tree: a token is only searched for whole.
flag_tokens = Table(
    "flag_tokens",
    metadata,
    Column("token", LargeBinary(TOKEN_BYTES), primary_key=True),
    Column("flag", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
Index("ix_flag_tokens_token", flag_tokens.c.token, postgresql_using="hash").ddl_if("postgresql")

# OFFSET 0 has them found token by token: as long as statistics are wanting, the planner would read
# every token there is, five seconds for 500 of 160,000.
_REMOVE_ON_POSTGRESQL: Final = text(
    "DELETE FROM flag_tokens WHERE ctid = ANY (ARRAY(SELECT t.ctid"
    " FROM unnest(CAST(:tokens AS bytea[]), CAST(:flags AS bigint[])) AS q(token, flag)"
    " CROSS JOIN LATERAL (SELECT ctid FROM flag_tokens"
    " WHERE token = q.token AND flag = q.flag OFFSET 0) AS t))"
)

batches = Table(
    "batches",
    metadata,
    Column("agency", String(32), ForeignKey("agencies.agency"), primary_key=True),
    Column("batch", LargeBinary(16), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False),
    Column("taken_at", BigInteger, nullable=False),
    # Null only inside the transaction that takes the batch.
    Column("answer", LargeBinary),
)

publishers = Table(
    "publishers",
    metadata,
    Column("agency", String(32), ForeignKey("agencies.agency"), primary_key=True),
    Column("sequence", BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True)
class StoredFlag:
    """A flag as it stands in the index; `id` is 0 before it is stored."""

    id: int
    handle: bytes
    tokens: bytes
    desk: str
    ends_at: int

    def says_the_same(self, other: "StoredFlag") -> bool:
        """Return whether the two differ in nothing that can be published."""
        return (self.tokens, self.desk, self.ends_at) == (other.tokens, other.desk, other.ends_at)


def begin_batch(connection: Connection, agency: str, batch: bytes, digest: bytes, now: int) -> bool:
    """Claim the batch's id; False if it is there already.

    If another transaction is taking the same batch, this waits until that one has ended.
    """
    claim = inserting(connection, batches).values(
        agency=agency, batch=batch, digest=digest, taken_at=now
    )
    claimed = claim.on_conflict_do_nothing().returning(batches.c.batch)
    return connection.execute(claimed).first() is not None


def finish_batch(connection: Connection, agency: str, batch: bytes, answer: bytes) -> None:
    """Keep the answer, for when the same batch comes again."""
    this = and_(batches.c.agency == agency, batches.c.batch == batch)
    connection.execute(update(batches).where(this).values(answer=answer))


def batch_answer(connection: Connection, agency: str, batch: bytes) -> tuple[bytes, bytes]:
    """Return the digest of a batch taken before, and the answer it got."""
    this = and_(batches.c.agency == agency, batches.c.batch == batch)
    row = connection.execute(select(batches.c.digest, batches.c.answer).where(this)).one()
    return row.digest, row.answer


def advance(connection: Connection, agency: str, sequence: int) -> int | None:
    """Move the agency's sequence up; return the sequence it stands at instead if that is not up.

    Holds the agency's row until the transaction ends, so its batches are taken one by one.
    """
    connection.execute(
        inserting(connection, publishers).values(agency=agency, sequence=0).on_conflict_do_nothing()
    )
    lower = and_(publishers.c.agency == agency, publishers.c.sequence < sequence)
    moved = connection.execute(update(publishers).where(lower).values(sequence=sequence))
    if moved.rowcount == 1:
        return None
    stands = select(publishers.c.sequence).where(publishers.c.agency == agency)
    return int(connection.execute(stands).scalar_one())


def by_handle(
    connection: Connection, agency: str, epoch: int, handles: Sequence[bytes]
) -> Mapping[bytes, StoredFlag]:
    """Return those of `handles` that the agency has flags for in `epoch`."""
    found: dict[bytes, StoredFlag] = {}
    for some in _portions(handles, _PARAMETERS):
        query = select(flags).where(
            flags.c.agency == agency, flags.c.epoch == epoch, flags.c.handle.in_(some)
        )
        for row in connection.execute(query):
            found[row.handle] = StoredFlag(row.id, row.handle, row.tokens, row.desk, row.ends_at)
    return found


def add(connection: Connection, agency: str, epoch: int, added: Sequence[StoredFlag]) -> None:
    """Add flags with their tokens."""
    if not added:
        return
    rows = [
        {
            "agency": agency,
            "epoch": epoch,
            "handle": flag.handle,
            "tokens": flag.tokens,
            "desk": flag.desk,
            "ends_at": flag.ends_at,
        }
        for flag in added
    ]
    numbered = insert(flags).returning(flags.c.id, sort_by_parameter_order=True)
    ids = connection.execute(numbered, rows).scalars().all()
    _add_tokens(connection, zip(ids, (flag.tokens for flag in added), strict=True))


def change(connection: Connection, changed: Sequence[tuple[StoredFlag, StoredFlag]]) -> None:
    """Replace the first of each pair, which is stored, by the second."""
    if not changed:
        return
    connection.execute(
        update(flags)
        .where(flags.c.id == bindparam("this"))
        .values(tokens=bindparam("t"), desk=bindparam("d"), ends_at=bindparam("e")),
        [
            {"this": old.id, "t": new.tokens, "d": new.desk, "e": new.ends_at}
            for old, new in changed
        ],
    )
    moved = [(old, new) for old, new in changed if old.tokens != new.tokens]
    _remove_tokens(connection, [old for old, _ in moved])
    _add_tokens(connection, [(old.id, new.tokens) for old, new in moved])


def remove(connection: Connection, removed: Sequence[StoredFlag]) -> None:
    """Remove flags with their tokens."""
    _remove_tokens(connection, removed)
    for some in _portions(removed, _PARAMETERS):
        connection.execute(delete(flags).where(flags.c.id.in_([flag.id for flag in some])))


def count(connection: Connection, agency: str, epoch: int) -> int:
    """Return how many flags the agency has in `epoch`, ended ones too."""
    these = and_(flags.c.agency == agency, flags.c.epoch == epoch)
    return int(connection.execute(select(func.count()).where(these)).scalar_one())


def split(tokens: bytes) -> list[bytes]:
    """Return concatenated tokens one by one."""
    return [tokens[at : at + TOKEN_BYTES] for at in range(0, len(tokens), TOKEN_BYTES)]


def _add_tokens(connection: Connection, pairs: Iterable[tuple[int, bytes]]) -> None:
    rows = [(token, flag) for flag, tokens in pairs for token in split(tokens)]
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("INSERT INTO flag_tokens (token, flag) VALUES (?, ?)", rows)
        return
    with (
        driver_of(connection).cursor() as cursor,
        cursor.copy("COPY flag_tokens (token, flag) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.write(_binary_copy(rows))


def _binary_copy(rows: Sequence[tuple[bytes, int]]) -> bytes:
    """Return `rows` in PostgreSQL's binary COPY format (documentation of COPY, Binary Format)."""
    pack = struct.Struct(f"!hi{TOKEN_BYTES}siq").pack
    body = b"".join(pack(2, TOKEN_BYTES, token, 8, flag) for token, flag in rows)
    return b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0) + body + struct.pack("!h", -1)


def _remove_tokens(connection: Connection, of: Sequence[StoredFlag]) -> None:
    pairs = [(token, flag.id) for flag in of for token in split(flag.tokens)]
    if connection.dialect.name == "postgresql":
        tokens, ids = [token for token, _ in pairs], [flag for _, flag in pairs]
        connection.execute(_REMOVE_ON_POSTGRESQL, {"tokens": tokens, "flags": ids})
        return
    for some in _portions(pairs, _PARAMETERS):
        these = tuple_(flag_tokens.c.token, flag_tokens.c.flag).in_(some)
        connection.execute(delete(flag_tokens).where(these))


def _portions(whole: Sequence[T], size: int) -> Iterable[Sequence[T]]:
    for start in range(0, len(whole), size):
        yield whole[start : start + size]
