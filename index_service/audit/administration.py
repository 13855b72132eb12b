"""Entries about the partnership itself, and about requests that were refused."""

from typing import Final

from sqlalchemy import Connection

from index_service.audit.intake import Recorded, record
from index_service.installation import Installation
from protocol.entries import new_entry_salt
from schemas.entries import Act, Administration, Refusal
from schemas.envelopes import Envelope

LARGEST_STATEMENT: Final = 32_768
"""Characters of base64 that a refused statement may have and still be kept in the entry."""


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
    """Record that a validly signed request of `agency` was refused with problem `code`.

    `statement` has not been checked, only who sent it: one too large to stand in an entry is left
    out.
    """
    if statement is not None and len(statement.payload) > LARGEST_STATEMENT:
        statement = None
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
