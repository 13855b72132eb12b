"""Entries about the partnership itself, and about requests that were refused."""

from typing import Final

from sqlalchemy import Connection

from index_service.audit.intake import Recorded, record
from index_service.installation import Installation
from protocol import documents
from protocol.entries import new_entry_salt
from protocol.envelopes import BadEnvelope
from schemas.audit import AuditStatement
from schemas.contacts import ContactStatement
from schemas.entries import Act, Administration, Refusal
from schemas.envelopes import Envelope
from schemas.flags import PublicationStatement
from schemas.lookups import LookupStatement, ResolutionStatement

_STATEMENTS: Final = (
    LookupStatement,
    PublicationStatement,
    ResolutionStatement,
    AuditStatement,
    ContactStatement,
)


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

    `statement` is one that `own_statement` let through.
    """
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


def own_statement(envelope: Envelope | None, public: bytes) -> Envelope | None:
    """Return what came with a refused request if it may stand in the record, or None.

    It may if it is a statement of a known form signed by the caller, whose key is `public`: these
    hold no text of anybody's choosing. A desk, a package or anything unsigned does not.
    """
    if envelope is None:
        return None
    for kind in _STATEMENTS:
        try:
            documents.read(envelope, kind, public)
        except BadEnvelope:
            continue
        return envelope
    return None
