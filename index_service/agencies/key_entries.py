"""Which entries of the log put an agency's keys into the record: for evidence about what it signed.

An agency cannot read the log's entries, and this one it did not sign itself: so it asks for it.
"""

from sqlalchemy import BigInteger, Column, Connection, ForeignKey, String, Table, insert, select

from index_service.agencies.documents import signed_documents
from index_service.audit.intake import intake
from index_service.database import metadata
from protocol.encoding import b64u_encode
from schemas.agencies import KeyEntries, KeyEntry

key_entries = Table(
    "key_entries",
    metadata,
    Column("key_id", String(22), primary_key=True),
    Column("agency", String(32), ForeignKey("agencies.agency"), nullable=False, index=True),
    Column("intake", BigInteger, ForeignKey("intake.id"), nullable=False),
)


def keep(connection: Connection, key: str, agency: str, number: int) -> None:
    """Keep that intake row `number` enrols the key with id `key`."""
    connection.execute(insert(key_entries).values(key_id=key, agency=agency, intake=number))


def of_agency(connection: Connection, agency: str) -> KeyEntries:
    """Return the entries that enrolled and changed the keys of `agency`, oldest first."""
    enrolled = select(key_entries.c.intake).where(key_entries.c.agency == agency)
    changed = select(signed_documents.c.intake).where(
        signed_documents.c.kind == "key-change", signed_documents.c.agency == agency
    )
    rows = connection.execute(
        select(intake.c.entry, intake.c.position)
        .where(intake.c.id.in_(enrolled.union(changed)))
        .order_by(intake.c.id)
    )
    return KeyEntries(
        entries=tuple(
            KeyEntry(entry=b64u_encode(bytes(row.entry)), number=row.position) for row in rows
        )
    )
