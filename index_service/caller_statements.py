"""Statements that a caller signs about its own doing: read, and refused if they are not its own."""

from typing import TypeVar

from foundation.problems import Problem
from index_service.agencies.signing import not_the_callers
from index_service.installation import Installation
from index_service.spans import CLOCK_SLACK_MS
from protocol import documents
from protocol.envelopes import BadEnvelope, verified_payload
from protocol.signed_api import Caller
from schemas.audit import AuditStatement
from schemas.contacts import ContactStatement
from schemas.envelopes import Envelope
from schemas.flags import PublicationStatement
from schemas.lookups import LookupStatement, ResolutionStatement

T = TypeVar(
    "T",
    LookupStatement,
    ResolutionStatement,
    PublicationStatement,
    ContactStatement,
    AuditStatement,
)


def own_statement(index: Installation, caller: Caller, envelope: Envelope, as_type: type[T]) -> T:
    """Return the statement in `envelope`; Problem if it is not the caller's, or not for here."""
    statement = claimed_statement(envelope, as_type)
    require_own(index, caller, envelope, statement)
    return statement


def claimed_statement(envelope: Envelope, as_type: type[T]) -> T:
    """Return what `envelope` claims to state, NOT yet known to be anyone's; Problem if unread."""
    try:
        return documents.claimed(envelope, as_type)
    except BadEnvelope as error:
        raise _refused(error) from error


def require_own(index: Installation, caller: Caller, envelope: Envelope, statement: T) -> None:
    """Raise Problem unless `statement`, claimed by `envelope`, is the caller's and for here."""
    try:
        verified_payload(envelope, documents.PAYLOAD_TYPES[type(statement)], caller.public)
    except BadEnvelope as error:
        raise _refused(error) from error
    if (statement.partnership, statement.agency) != (index.partnership, caller.agency):
        raise not_the_callers(caller.agency)


def require_timely(signed_at: int, now: int) -> None:
    """Raise Problem if a statement was not signed just now; times in ms UTC."""
    if abs(now - signed_at) > CLOCK_SLACK_MS:
        raise Problem(422, "stale-statement", "The statement's time is off: set the clock.")


def _refused(error: BadEnvelope) -> Problem:
    return Problem(422, "bad-document", f"The statement is refused. {error}")
