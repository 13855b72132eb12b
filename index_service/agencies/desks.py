"""Desks: the latest signed version of each, as its agency wrote it."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Table,
    delete,
    insert,
    select,
)

from index_service.database import metadata
from index_service.revision import move_on
from protocol import canonical
from schemas.agencies import Desk
from schemas.envelopes import Envelope

desks = Table(
    "desks",
    metadata,
    Column("agency", String(32), ForeignKey("agencies.agency"), primary_key=True),
    Column("desk", String(32), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("hidden", Boolean, nullable=False),
    Column("withdrawn", Boolean, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("envelope", LargeBinary, nullable=False),
)


@dataclass(frozen=True, slots=True)
class DeskRow:
    """A desk as signed, beside the envelope that proves it."""

    document: Desk
    envelope: Envelope

    def answers(self, asker: str, purpose: str) -> bool:
        """Return whether this desk answers to that agency for that purpose."""
        told = self.document
        return (
            not told.withdrawn
            and (told.purposes is None or purpose in told.purposes)
            and (told.agencies is None or asker in told.agencies)
        )


def put(connection: Connection, row: DeskRow) -> None:
    """Make this the version of its desk."""
    told = row.document
    this = (desks.c.agency == told.agency) & (desks.c.desk == told.desk)
    connection.execute(delete(desks).where(this))
    connection.execute(
        insert(desks).values(
            agency=told.agency,
            desk=told.desk,
            version=told.version,
            hidden=told.visibility == "hidden",
            withdrawn=told.withdrawn,
            document=canonical.encode(told),
            envelope=canonical.encode(row.envelope),
        )
    )
    move_on(connection)


def find(connection: Connection, agency: str, desk: str) -> DeskRow | None:
    """Return the latest version of one desk, withdrawn or not, or None."""
    this = (desks.c.agency == agency) & (desks.c.desk == desk)
    row = connection.execute(select(desks).where(this)).one_or_none()
    return None if row is None else _row(row.document, row.envelope)


def everyone(connection: Connection) -> Mapping[tuple[str, str], DeskRow]:
    """Return the latest version of every desk by agency and desk, withdrawn ones too."""
    rows = connection.execute(select(desks).order_by(desks.c.agency, desks.c.desk))
    return {(row.agency, row.desk): _row(row.document, row.envelope) for row in rows}


def _row(document: bytes, envelope: bytes) -> DeskRow:
    return DeskRow(canonical.decode(document, Desk), canonical.decode(envelope, Envelope))
