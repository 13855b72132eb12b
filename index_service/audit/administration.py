"""Entries about the partnership itself, and about requests that were refused."""

from sqlalchemy import Connection

from index_service.audit.intake import Recorded, record
from index_service.installation import Installation
from protocol.entries import new_entry_salt
from schemas.entries import Act, Administration, Refusal
from schemas.envelopes import Envelope


def administer(
    connection: Connection,
    index: Installation,
    act: Act,
    agency: str | None,
    *,
    document: Envelope | None = None,
    note: str | None = None,
) -> Recorded:
    """Record that something about the partnership changed."""
    entry = Administration(
        v=1,
        partnership=index.partnership,
        at=index.clock(),
        salt=new_entry_salt(),
        act=act,
        agency=agency,
        document=document,
        note=note,
    )
    return record(connection, index.log, entry)


def refused(
    connection: Connection,
    index: Installation,
    agency: str,
    operation: str,
    code: str,
    statement: Envelope | None,
) -> Recorded:
    """Record that a validly signed request of `agency` was refused with problem `code`."""
    entry = Refusal(
        v=1,
        partnership=index.partnership,
        at=index.clock(),
        salt=new_entry_salt(),
        agency=agency,
        operation=operation,
        code=code,
        statement=statement,
    )
    return record(connection, index.log, entry)
