"""Relaying contact requests: each step checked, recorded and left for the other agency."""

import hashlib
from typing import Final

from sqlalchemy import Connection

from foundation.problems import Problem
from index_service.audit.intake import Recorded, record, recorded
from index_service.caller_statements import own_statement
from index_service.contacts import storage
from index_service.contacts.limits import require_within
from index_service.contacts.storage import RequestRow
from index_service.installation import Installation
from index_service.lookups import limits
from index_service.lookups import storage as lookups
from index_service.spans import CLOCK_SLACK_MS, DAY_MS
from protocol import canonical
from protocol.contacts import CLOSING, allowed, sealed_digest, step_digest
from protocol.encoding import b64u_decode, b64u_encode
from protocol.entries import new_entry_salt, read_entry
from protocol.fingerprints import key_id
from protocol.signed_api import Caller
from schemas.agencies import Acknowledged
from schemas.contacts import (
    MAX_FETCHED,
    ContactDelivery,
    ContactFetch,
    ContactInbox,
    ContactSend,
    ContactStatement,
)
from schemas.entries import Disclosure

LONGEST_ON_THE_WAY_MS: Final = DAY_MS
"""How old a step may be when it comes: a connector was cut off, and sends what it signed then."""


def send(
    connection: Connection, index: Installation, caller: Caller, message: ContactSend
) -> Acknowledged:
    """Take a step of a contact request, record it, and leave it for the other agency.

    The same message again gets the first answer. Raises Problem: 404 in the same words for a
    reference that is unknown, expired, not the caller's or not about the recipient; 404 in the same
    words for a request that is unknown or another agency's; 403, 409, 422, 429 otherwise.
    """
    now = index.clock()
    statement = own_statement(index, caller, message.statement, ContactStatement)
    sealed = b64u_decode(message.sealed)
    if sealed_digest(sealed) != statement.sealed:
        raise Problem(
            422, "not-as-stated", "The sealed bytes are not those of the statement: send it anew."
        )
    digest = hashlib.sha256(canonical.encode(message)).digest()
    again = _taken_before(connection, index, caller, statement, digest)
    if again is not None:
        return again
    if not now - LONGEST_ON_THE_WAY_MS <= statement.signed_at <= now + CLOCK_SLACK_MS:
        raise Problem(
            422,
            "stale-statement",
            "The step was signed more than a day ago, or ahead of time: sign it anew.",
        )
    if statement.number == 0:
        row = _asked(connection, index, caller, statement, now)
        if not storage.begin(connection, row):
            # Either the same message, which another request has brought meanwhile, or:
            again = _taken_before(connection, index, caller, statement, digest)
            if again is not None:
                return again
            raise Problem(
                409,
                "asked-already",
                "A request about this reference is open: wait for its answer, or phone the team.",
            )
    else:
        row = _stepped(connection, index, caller, statement)
    entry = record(
        connection,
        index.log,
        Disclosure(
            v=1,
            partnership=index.partnership,
            at=now,
            salt=new_entry_salt(),
            statement=message.statement,
            lookup=b64u_encode(row.lookup),
        ),
    )
    storage.put_step(
        connection,
        row.request,
        statement.number,
        recipient=statement.recipient,
        digest=digest,
        intake=entry.intake,
        sealed=sealed,
        now=now,
    )
    storage.move_on(
        connection,
        row,
        state=row.state if statement.step == "crime-answered" else statement.step,
        head=b64u_decode(step_digest(message.statement), 32),
        closes=statement.step in CLOSING,
        now=now,
    )
    return _acknowledge(entry)


def fetch(
    connection: Connection, index: Installation, caller: Caller, message: ContactFetch
) -> ContactInbox:
    """Delete what the caller has kept, and return the next steps that wait for it."""
    storage.delivered(
        connection,
        caller.agency,
        ((b64u_decode(mark.request, 16), mark.number) for mark in message.delivered),
    )
    waiting = storage.waiting(connection, caller.agency, MAX_FETCHED)
    return ContactInbox(
        steps=tuple(
            _delivery(recorded(connection, index.log, row.intake), row.sealed) for row in waiting
        )
    )


def _delivery(entry: Recorded, sealed: bytes) -> ContactDelivery:
    told = read_entry(entry.entry)
    if not isinstance(told, Disclosure):
        raise RuntimeError("a step's entry is no disclosure")  # the database was tampered with
    return ContactDelivery(
        statement=told.statement,
        sealed=b64u_encode(sealed),
        entry=entry.entry_text,
        receipt=entry.receipt,
    )


def _taken_before(
    connection: Connection,
    index: Installation,
    caller: Caller,
    statement: ContactStatement,
    digest: bytes,
) -> Acknowledged | None:
    """Return the first answer to this very message, or None; the request is locked from here on."""
    request = b64u_decode(statement.request, 16)
    row = storage.find(connection, request)
    if row is None:
        return None
    if caller.agency not in (row.asker, row.holder):
        raise _no_such_request()
    before = storage.find_step(connection, request, statement.number)
    if before is None:
        return None
    if before.digest != digest:
        raise _moved_on()
    return _acknowledge(recorded(connection, index.log, before.intake))


def _asked(
    connection: Connection,
    index: Installation,
    caller: Caller,
    statement: ContactStatement,
    now: int,
) -> RequestRow:
    """Return the request that the statement opens, if the caller's officer may open it."""
    if statement.step != "asked" or statement.previous is not None:
        raise _moved_on()
    limits.require_guesses_left(connection, index.settings.limits, caller.agency, now)
    quote = lookups.find_reference(connection, statement.reference, now)
    asked = None if quote is None else lookups.find(connection, caller.agency, quote.lookup)
    if (
        quote is None
        or asked is None
        or (quote.asker, quote.holder) != (caller.agency, statement.recipient)
    ):
        raise Problem(
            404,
            "no-such-reference",
            "This reference was not given to this agency for this partner, or is too old: "
            "check the name again.",
        )
    officer = b64u_decode(statement.officer, 16)
    if asked.officer != officer:
        raise Problem(
            403, "not-the-officer", "Only the officer who checked the name can ask to be phoned."
        )
    _require_reachable(connection, index, statement)
    require_within(connection, index.settings.limits, caller.agency, officer, now)
    return RequestRow(
        request=b64u_decode(statement.request, 16),
        asker=caller.agency,
        holder=quote.holder,
        reference=quote.reference,
        lookup=quote.lookup,
        officer=officer,
        state="asked",
        steps=0,
        head=bytes(32),
        asked_at=now,
        stepped_at=now,
        closed_at=None,
    )


def _stepped(
    connection: Connection, index: Installation, caller: Caller, statement: ContactStatement
) -> RequestRow:
    """Return the request that the statement moves on, if the caller may, after its last step."""
    row = storage.find(connection, b64u_decode(statement.request, 16))
    if row is None:
        raise _no_such_request()
    other = row.holder if caller.agency == row.asker else row.asker
    if (statement.reference, statement.recipient) != (row.reference, other):
        raise Problem(
            422,
            "not-as-stated",
            "The statement's reference or recipient is not that of the request.",
        )
    follows = (row.steps, b64u_encode(row.head))
    may = allowed(row.state, "asker" if caller.agency == row.asker else "holder")
    if (statement.number, statement.previous) != follows or statement.step not in may:
        raise _moved_on()
    _require_reachable(connection, index, statement)
    return row


def _require_reachable(
    connection: Connection, index: Installation, statement: ContactStatement
) -> None:
    """Raise Problem unless the recipient is active and can open what is sealed to `to_key`."""
    recipient = index.standing.read(connection).agencies.get(statement.recipient)
    if recipient is None or recipient.keys is None or recipient.status != "active":
        raise Problem(
            409, "recipient-suspended", "This partner takes no part at present: phone the team."
        )
    if statement.to_key != key_id(b64u_decode(recipient.keys.sealing, 32)):
        raise Problem(
            409,
            "other-sealing-key",
            "The recipient receives with another key now: fetch the directory and seal it anew.",
        )


def _moved_on() -> Problem:
    return Problem(
        409,
        "contact-moved-on",
        "This is not the next step of the request: fetch what waits, and look at it again.",
    )


def _no_such_request() -> Problem:
    return Problem(
        404,
        "no-such-contact",
        "There is no such contact request of this agency, or it has lapsed: phone instead.",
    )


def _acknowledge(entry: Recorded) -> Acknowledged:
    return Acknowledged(entry=entry.entry_text, receipt=entry.receipt)
