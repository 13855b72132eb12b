"""Purposes and agreements in the index's database."""

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    LargeBinary,
    String,
    Table,
    delete,
    insert,
    select,
    update,
)

from index_service.database import metadata
from index_service.revision import move_on
from schemas.agreements import Agreement, Purpose

purposes = Table(
    "purposes",
    metadata,
    Column("code", String(32), primary_key=True),
    Column("words", String(120), nullable=False),
)

agreements = Table(
    "agreements",
    metadata,
    Column("agreement", String(32), primary_key=True),
    Column("title", String(120), nullable=False),
    Column("parties", LargeBinary, nullable=False),
    Column("purposes", LargeBinary, nullable=False),
    Column("starts_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
)


def add_purpose(connection: Connection, purpose: Purpose) -> None:
    """Add or reword `purpose`."""
    connection.execute(delete(purposes).where(purposes.c.code == purpose.code))
    connection.execute(insert(purposes).values(code=purpose.code, words=purpose.words))
    move_on(connection)


def remove_purpose(connection: Connection, code: str) -> bool:
    """Take a purpose off the list; return whether it stood there."""
    move_on(connection)
    return connection.execute(delete(purposes).where(purposes.c.code == code)).rowcount > 0


def all_purposes(connection: Connection) -> tuple[Purpose, ...]:
    """Return the agreed list, by code."""
    rows = connection.execute(select(purposes).order_by(purposes.c.code))
    return tuple(Purpose(code=row.code, words=row.words) for row in rows)


def put_agreement(connection: Connection, agreement: Agreement) -> None:
    """Add `agreement`, or replace the one of that name."""
    connection.execute(delete(agreements).where(agreements.c.agreement == agreement.agreement))
    connection.execute(
        insert(agreements).values(
            agreement=agreement.agreement,
            title=agreement.title,
            parties=msgspec.json.encode(agreement.parties),
            purposes=msgspec.json.encode(agreement.purposes),
            starts_at=agreement.starts_at,
            ends_at=agreement.ends_at,
        )
    )
    move_on(connection)


def end_agreement(connection: Connection, name: str, at: int) -> bool:
    """End an agreement at `at` (ms UTC); return whether it was there."""
    move_on(connection)
    ended = update(agreements).where(agreements.c.agreement == name).values(ends_at=at)
    return connection.execute(ended).rowcount > 0


def all_agreements(connection: Connection) -> tuple[Agreement, ...]:
    """Return every agreement, by name, whether in force or not."""
    rows = connection.execute(select(agreements).order_by(agreements.c.agreement))
    return tuple(
        Agreement(
            agreement=row.agreement,
            title=row.title,
            parties=msgspec.json.decode(row.parties, type=tuple[str, ...]),
            purposes=msgspec.json.decode(row.purposes, type=tuple[str, ...]),
            starts_at=row.starts_at,
            ends_at=row.ends_at,
        )
        for row in rows
    )
