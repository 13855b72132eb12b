"""Resolving a reference: the holder of the flag learns whom it is about and who asked."""

from sqlalchemy import Connection

from foundation.problems import Problem
from index_service.audit.intake import record
from index_service.caller_statements import own_statement, require_timely
from index_service.installation import Installation
from index_service.lookups import limits, storage
from protocol import canonical, documents
from protocol.encoding import b64u_encode
from protocol.entries import new_entry_salt, read_entry
from protocol.references import BadReference, read_reference
from protocol.signed_api import Caller
from schemas.entries import Consultation, Disclosure
from schemas.lookups import (
    LookupStatement,
    Matched,
    Resolution,
    ResolutionRequest,
    ResolutionStatement,
)


def resolve(
    connection: Connection, index: Installation, caller: Caller, request: ResolutionRequest
) -> Resolution:
    """Return what the reference stands for, and record that the holder learned it.

    Raises Problem 404 in the same words for a reference that is unknown, expired, or another
    agency's; 429 after too many of these.
    """
    now = index.clock()
    statement = _statement(index, caller, request, now)
    limits.require_guesses_left(connection, index.settings.limits, caller.agency, now)
    quote = storage.find_reference(connection, statement.reference, now)
    entry_bytes = None if quote is None else storage.entry_of(connection, quote.asker, quote.lookup)
    if quote is None or entry_bytes is None or quote.holder != caller.agency:
        raise Problem(
            404,
            "no-such-reference",
            "This reference is not one of this agency's, or is too old: "
            "ask the caller to read it again.",
        )
    consultation = read_entry(entry_bytes)
    if not isinstance(consultation, Consultation):
        raise RuntimeError("a lookup's entry is no consultation")  # the database was tampered with
    asked = documents.claimed(consultation.statement, LookupStatement)
    standing = index.standing.read(connection)
    call_back = standing.desks.get((quote.asker, asked.call_back))
    if call_back is None:
        raise RuntimeError("a call-back desk has vanished")  # desks are withdrawn, never deleted
    entry = record(
        connection,
        index.log,
        Disclosure(
            v=1,
            partnership=index.partnership,
            at=now,
            salt=new_entry_salt(),
            statement=request.statement,
            lookup=asked.lookup,
        ),
    )
    return Resolution(
        reference=quote.reference,
        handle=b64u_encode(quote.handle),
        desk=quote.desk,
        positions=canonical.decode(quote.matched, Matched),
        asked=consultation.statement,
        call_back=call_back.envelope,
        expires_at=quote.expires_at,
        entry=entry.entry_text,
        receipt=entry.receipt,
    )


def _statement(
    index: Installation, caller: Caller, request: ResolutionRequest, now: int
) -> ResolutionStatement:
    statement = own_statement(index, caller, request.statement, ResolutionStatement)
    require_timely(statement.signed_at, now)
    try:
        read_reference(statement.reference)
    except BadReference as error:
        raise Problem(422, "bad-reference", str(error)) from error
    return statement
