"""Lookups, side records and references in the index's database.

A side record is the erasable part of a lookup: its tokens and its result, to which the entry
commits. It is written in one row whatever was found, and what is withheld is padded, so that a
hit at a hidden desk changes neither how many rows are written nor, in steps, how long they are.

No row here has a foreign key to its agencies: they are those of the signed request or of a flag,
and never deleted. On PostgreSQL each would lock a row that all lookups share.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

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
    insert,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite

from foundation.statements import Asked, Statement
from index_service.audit.intake import LAST_RECORDED, intake
from index_service.database import metadata
from index_service.flags.storage import flag_tokens, flags

WITHHELD_STEP: Final = 2048

lookups = Table(
    "lookups",
    metadata,
    Column("agency", String(32), primary_key=True),
    Column("lookup", LargeBinary(16), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False),
    Column("officer", LargeBinary(16), nullable=False),
    Column("purpose", String(32), nullable=False),
    Column("wide", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("ix_lookups_at", "at"),
)

side_records = Table(
    "side_records",
    metadata,
    Column("agency", String(32), primary_key=True),
    Column("lookup", LargeBinary(16), primary_key=True),
    Column("intake", BigInteger, ForeignKey("intake.id"), nullable=False, unique=True),
    Column("sets", LargeBinary, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("withheld", LargeBinary, nullable=False),
    Column("withheld_salt", LargeBinary(32), nullable=False),
)

references = Table(
    "reference_quotes",
    metadata,
    Column("reference", String(10), primary_key=True),
    Column("asker", String(32), nullable=False),
    Column("lookup", LargeBinary(16), nullable=False),
    Column("holder", String(32), nullable=False),
    Column("handle", LargeBinary(16), nullable=False),
    Column("desk", String(32), nullable=False),
    Column("matched", LargeBinary, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("ix_reference_quotes_expires_at", "expires_at"),
)


@dataclass(frozen=True, slots=True)
class Match:
    """One token of a live flag that a lookup brought."""

    token: bytes
    flag: int
    agency: str
    epoch: int
    handle: bytes
    desk: str


@dataclass(frozen=True, slots=True)
class ReferenceRow:
    """What a reference stands for; `matched` is canonical JSON of schemas.lookups.Matched."""

    reference: str
    asker: str
    lookup: bytes
    holder: str
    handle: bytes
    desk: str
    matched: bytes
    expires_at: int


@dataclass(frozen=True, slots=True)
class LookupRow:
    """A lookup that was answered before."""

    digest: bytes
    officer: bytes
    purpose: str
    wide: bool
    at: int


# The tokens are one array, so that the statement is the same for every number of them. OFFSET 0
# keeps the planner from looking at the flags in any other order than token by token: without it,
# it reads every token there is as long as its statistics are wanting or old.
_MATCHES: Final = Statement(
    {
        "postgresql": text(
            "SELECT q.token, f.id, f.agency, f.epoch, f.handle, f.desk"
            " FROM unnest(CAST(:tokens AS bytea[])) AS q(token)"
            " CROSS JOIN LATERAL (SELECT flag FROM flag_tokens"
            " WHERE token = q.token OFFSET 0) AS t"
            " CROSS JOIN LATERAL (SELECT * FROM flags WHERE id = t.flag OFFSET 0) AS f"
            " WHERE f.ends_at > :now"
        )
    }
)
# SQLite has no arrays: there the statement has a place for each token.
_MATCHES_ON_SQLITE: Final = (
    select(
        flag_tokens.c.token, flags.c.id, flags.c.agency, flags.c.epoch, flags.c.handle, flags.c.desk
    )
    .join_from(flag_tokens, flags, flags.c.id == flag_tokens.c.flag)
    .where(
        flag_tokens.c.token.in_(bindparam("tokens", expanding=True)),
        flags.c.ends_at > bindparam("now"),
    )
)
_CLAIM: Final = Statement(
    {
        "sqlite": sqlite.insert(lookups).on_conflict_do_nothing().returning(lookups.c.lookup),
        "postgresql": postgresql.insert(lookups)
        .on_conflict_do_nothing()
        .returning(lookups.c.lookup),
    }
)
_FINISH: Final = Statement(
    {
        dialect: insert(side_records).values(
            **{column.name: bindparam(column.name) for column in side_records.c}
            | {"intake": number}
        )
        for dialect, number in LAST_RECORDED.items()
    }
)
_QUOTE: Final = Statement(insert(references))


def search(connection: Connection, tokens: Sequence[bytes], now: int) -> Callable[[], list[Match]]:
    """Search for `tokens` in one statement, without waiting for what it finds.

    What is returned returns every token of `tokens` that a flag living at `now` has. `tokens` are
    16 bytes each and differ.
    """
    if connection.dialect.name == "postgresql":
        asked = _MATCHES.later(connection, tokens=list(tokens), now=now)
        return lambda: [Match(*row) for row in asked.rows()]
    rows = connection.execute(_MATCHES_ON_SQLITE, {"tokens": tokens, "now": now})
    found = [Match(*row) for row in rows]
    return lambda: found


def claim(
    connection: Connection,
    agency: str,
    lookup: bytes,
    *,
    digest: bytes,
    officer: bytes,
    purpose: str,
    wide: bool,
    now: int,
) -> Asked:
    """Claim the lookup's id without waiting for it; no rows if it is there already.

    If another transaction is answering the same lookup, the rows come when that one has ended.
    """
    return _CLAIM.later(
        connection,
        agency=agency,
        lookup=lookup,
        digest=digest,
        officer=officer,
        purpose=purpose,
        wide=int(wide),
        at=now,
    )


def finish(
    connection: Connection,
    agency: str,
    lookup: bytes,
    *,
    sets: bytes,
    answer: bytes,
    withheld: bytes,
    withheld_salt: bytes,
) -> None:
    """Keep the side record, which ties the lookup to its entry: that recorded right before."""
    _FINISH.later(
        connection,
        agency=agency,
        lookup=lookup,
        sets=sets,
        answer=answer,
        withheld=pad_withheld(withheld),
        withheld_salt=withheld_salt,
    )


def find(connection: Connection, agency: str, lookup: bytes) -> LookupRow | None:
    """Return a lookup that was answered, or None."""
    this = and_(lookups.c.agency == agency, lookups.c.lookup == lookup)
    row = connection.execute(select(lookups).where(this)).one_or_none()
    if row is None:
        return None
    return LookupRow(row.digest, row.officer, row.purpose, bool(row.wide), row.at)


def answer_of(connection: Connection, agency: str, lookup: bytes) -> bytes | None:
    """Return the answer's bytes from the lookup's side record; None once it is erased."""
    this = and_(side_records.c.agency == agency, side_records.c.lookup == lookup)
    answer: bytes | None = connection.execute(select(side_records.c.answer).where(this)).scalar()
    return answer


def entry_of(connection: Connection, agency: str, lookup: bytes) -> bytes | None:
    """Return the bytes of the lookup's entry; None once its side record is erased."""
    this = and_(side_records.c.agency == agency, side_records.c.lookup == lookup)
    entry: bytes | None = connection.execute(
        select(intake.c.entry)
        .join_from(intake, side_records, intake.c.id == side_records.c.intake)
        .where(this)
    ).scalar()
    return entry


def add_references(connection: Connection, rows: Sequence[ReferenceRow]) -> None:
    """Keep the references that an answer gives out."""
    for row in rows:
        _QUOTE.later(connection, **{name: getattr(row, name) for name in ReferenceRow.__slots__})


def find_reference(connection: Connection, reference: str, now: int) -> ReferenceRow | None:
    """Return what a reference stands for, if it is still good at `now`."""
    this = and_(references.c.reference == reference, references.c.expires_at > now)
    row = connection.execute(select(references).where(this)).one_or_none()
    return None if row is None else ReferenceRow(**row._mapping)


def pad_withheld(withheld: bytes) -> bytes:
    """Return length, content and random padding: a multiple of WITHHELD_STEP bytes long."""
    content = len(withheld).to_bytes(4, "big") + withheld
    return content + secrets.token_bytes(-len(content) % WITHHELD_STEP)


def unpad_withheld(padded: bytes) -> bytes:
    """Return what `pad_withheld` was given."""
    length = int.from_bytes(padded[:4], "big")
    return padded[4 : 4 + length]
