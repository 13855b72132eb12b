"""Statements that a caller signs about its own doing: read, and refused if they are not its own."""

from typing import TypeVar

from foundation.problems import Problem
from index_service.agencies.signing import not_the_callers
from index_service.installation import Installation
from index_service.spans import CLOCK_SLACK_MS
from protocol import documents
from protocol.envelopes import BadEnvelope
from protocol.signed_api import Caller
from schemas.envelopes import Envelope
from schemas.flags import PublicationStatement
from schemas.lookups import LookupStatement, ResolutionStatement

T = TypeVar("T", LookupStatement, ResolutionStatement, PublicationStatement)


def own_statement(index: Installation, caller: Caller, envelope: Envelope, as_type: type[T]) -> T:
    """Return the statement in `envelope`; Problem if it is not the caller's, or not for here."""
    try:
        statement = documents.read(envelope, as_type, caller.public)
    except BadEnvelope as error:
        raise Problem(422, "bad-document", f"The statement is refused. {error}") from error
    if (statement.partnership, statement.agency) != (index.partnership, caller.agency):
        raise not_the_callers(caller.agency)
    return statement


def require_timely(signed_at: int, now: int) -> None:
    """Raise Problem if a statement was not signed just now; times in ms UTC."""
    if abs(now - signed_at) > CLOCK_SLACK_MS:
        raise Problem(422, "stale-statement", "The statement's time is off: set the clock.")
