"""What the evaluator keeps: agencies, their keys, nonces, and how much was evaluated for whom.

Never an element: what was evaluated is not written down, only how many.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    insert,
    select,
    update,
)

from foundation.inserting import inserting
from protocol.nonces import nonce_table
from protocol.signed_api import Holder
from schemas.agencies import AgencyStatus
from schemas.evaluation import EvaluationUse

LOCATION: Final = "index_service.evaluation:migrations"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

nonces = nonce_table(metadata)

agencies = Table(
    "agencies",
    metadata,
    Column("agency", String(32), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("status", String(9), nullable=False),
    Column("added_at", BigInteger, nullable=False),
    CheckConstraint("status IN ('active', 'suspended')", name="status"),
)

# An agency has one key at a time; one that was replaced stays, so that it is never taken again.
keys = Table(
    "keys",
    metadata,
    Column("keyid", String(22), primary_key=True),
    Column("agency", String(32), ForeignKey("agencies.agency"), nullable=False, index=True),
    Column("public", LargeBinary(32), nullable=False),
    Column("added_at", BigInteger, nullable=False),
    Column("replaced_at", BigInteger),
)

# `day` is its midnight in milliseconds UTC.
counts = Table(
    "counts",
    metadata,
    Column("agency", String(32), ForeignKey("agencies.agency"), primary_key=True),
    Column("day", BigInteger, primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("use", String(7), primary_key=True),
    Column("elements", BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True)
class AgencyRow:
    """An agency on the evaluator's own list, and its present key (32 bytes)."""

    agency: str
    name: str
    status: AgencyStatus
    public: bytes
    added_at: int


@dataclass(frozen=True, slots=True)
class CountRow:
    """How many elements were evaluated for an agency on the day that began at `day`."""

    agency: str
    day: int
    epoch: int
    use: EvaluationUse
    elements: int


_HOLDER: Final = select(agencies.c.agency, agencies.c.status, keys.c.public).join_from(
    keys, agencies
)


def find_holder(connection: Connection, keyid: str) -> Holder | None:
    """Return whose present key this is. To the evaluator every agency is a member."""
    row = connection.execute(
        _HOLDER.where(keys.c.keyid == keyid, keys.c.replaced_at.is_(None))
    ).first()
    if row is None:
        return None
    return Holder(agency=row.agency, role="member", status=row.status, public=row.public)


def count(
    connection: Connection,
    agency: str,
    day: int,
    epoch: int,
    use: EvaluationUse,
    elements: int,
    quota: int,
) -> int | None:
    """Count `elements` and return the day's sum; None, and nothing counted, if over `quota`.

    One statement decides, so that requests at the same time cannot together exceed the quota.
    """
    if elements > quota:
        return None
    adding = inserting(connection, counts).values(
        agency=agency, day=day, epoch=epoch, use=use, elements=elements
    )
    total = counts.c.elements + adding.excluded.elements
    counted: int | None = connection.execute(
        adding.on_conflict_do_update(
            index_elements=list(counts.primary_key.columns),
            set_={"elements": total},
            where=total <= quota,
        ).returning(counts.c.elements)
    ).scalar_one_or_none()
    return counted


def counts_since(connection: Connection, day: int) -> tuple[CountRow, ...]:
    """Return all counts from the day that began at `day` on, the latest day first."""
    rows = connection.execute(
        select(counts)
        .where(counts.c.day >= day)
        .order_by(counts.c.day.desc(), counts.c.agency, counts.c.use, counts.c.epoch)
    )
    return tuple(
        CountRow(
            agency=row.agency, day=row.day, epoch=row.epoch, use=row.use, elements=row.elements
        )
        for row in rows
    )


def was_used(connection: Connection, epoch: int) -> bool:
    """Whether anything was ever evaluated in `epoch`."""
    found = connection.execute(select(counts.c.epoch).where(counts.c.epoch == epoch).limit(1))
    return found.first() is not None


def add_agency(connection: Connection, agency: str, name: str, now: int) -> None:
    """Put a new agency on the list, active and without a key."""
    connection.execute(
        insert(agencies).values(agency=agency, name=name, status="active", added_at=now)
    )


def give_key(connection: Connection, agency: str, keyid: str, public: bytes, now: int) -> None:
    """Make `public` the agency's key from now on, in place of the one it has."""
    connection.execute(
        update(keys)
        .where(keys.c.agency == agency, keys.c.replaced_at.is_(None))
        .values(replaced_at=now)
    )
    connection.execute(insert(keys).values(keyid=keyid, agency=agency, public=public, added_at=now))


def key_was_seen(connection: Connection, keyid: str) -> bool:
    """Whether this key is, or once was, somebody's."""
    return connection.execute(select(keys.c.keyid).where(keys.c.keyid == keyid)).first() is not None


def set_status(connection: Connection, agency: str, status: AgencyStatus) -> None:
    """Suspend an agency, or resume it."""
    connection.execute(update(agencies).where(agencies.c.agency == agency).values(status=status))


def all_agencies(connection: Connection) -> tuple[AgencyRow, ...]:
    """Return every agency on the list, by id."""
    rows = connection.execute(
        select(agencies, keys.c.public)
        .join_from(agencies, keys)
        .where(keys.c.replaced_at.is_(None))
        .order_by(agencies.c.agency)
    )
    return tuple(
        AgencyRow(
            agency=row.agency,
            name=row.name,
            status=row.status,
            public=row.public,
            added_at=row.added_at,
        )
        for row in rows
    )


def find_agency(connection: Connection, agency: str) -> AgencyRow | None:
    """Return one agency of the list."""
    return next((row for row in all_agencies(connection) if row.agency == agency), None)
