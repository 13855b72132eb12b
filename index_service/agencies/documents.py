"""Signed documents the index keeps and hands on: introductions, keys, epochs, packages."""

import hashlib
from typing import Literal

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
    insert,
    select,
)

from index_service.database import metadata
from index_service.revision import move_on
from protocol import canonical
from schemas.envelopes import Envelope

DocumentKind = Literal["introduction", "key-change", "epoch", "handover", "witness"]

signed_documents = Table(
    "signed_documents",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("kind", String(12), nullable=False),
    # Whom it is about; of a hand-over package, whom it is for.
    Column("agency", String(32), ForeignKey("agencies.agency"), nullable=False),
    Column("epoch", Integer),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("envelope", LargeBinary, nullable=False),
    Column("intake", BigInteger, ForeignKey("intake.id"), nullable=False),
    Index("ix_signed_documents_kind_agency", "kind", "agency"),
)


def keep(
    connection: Connection,
    kind: DocumentKind,
    agency: str,
    envelope: Envelope,
    intake: int,
    epoch: int | None = None,
) -> None:
    """Keep `envelope`, which intake row `intake` records."""
    encoded = canonical.encode(envelope)
    connection.execute(
        insert(signed_documents).values(
            kind=kind,
            agency=agency,
            epoch=epoch,
            digest=hashlib.sha256(encoded).digest(),
            envelope=encoded,
            intake=intake,
        )
    )
    move_on(connection)


def intake_of(connection: Connection, envelope: Envelope) -> int | None:
    """Return the intake row that recorded exactly this document, or None if it is new."""
    digest = hashlib.sha256(canonical.encode(envelope)).digest()
    kept = select(signed_documents.c.intake).where(signed_documents.c.digest == digest)
    number: int | None = connection.execute(kept).scalar()
    return number


def all_of(
    connection: Connection, kind: DocumentKind, agency: str | None = None
) -> tuple[Envelope, ...]:
    """Return the documents of `kind`, oldest first; of one agency only, if given."""
    table = signed_documents.c
    query = select(table.envelope).where(table.kind == kind).order_by(table.id)
    if agency is not None:
        query = query.where(table.agency == agency)
    return tuple(canonical.decode(row.envelope, Envelope) for row in connection.execute(query))


def epoch_descriptor(connection: Connection, epoch: int) -> Envelope | None:
    """Return the descriptor of `epoch`, or None."""
    table = signed_documents.c
    query = select(table.envelope).where(table.kind == "epoch", table.epoch == epoch)
    row = connection.execute(query).first()
    return None if row is None else canonical.decode(row.envelope, Envelope)
