"""The inbox of contact requests: what waits at the index is fetched, verified and kept.

A step that the index could only bring by lying (another signature, another order, altered bytes) is
a doubt: raised as an alarm, not used, and not said to be delivered. One that its sender made
unreadable is kept as that, so that somebody phones.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import Connection

from agency_connector.alarms import every_alarm, raise_alarm
from agency_connector.contacts import records, storage
from agency_connector.contacts.records import Told
from agency_connector.contacts.storage import ContactRow, StepRow
from agency_connector.contacts.verifying import statement_of
from agency_connector.installation import Installation
from agency_connector.lookups import partnership
from agency_connector.lookups.errors import AnswerDisbelieved
from agency_connector.mailing import notices
from agency_connector.transport import SignedClient
from foundation import logs
from foundation.operator import PlainError
from protocol import canonical, documents
from protocol.contacts import (
    CLOSING,
    BadContact,
    allowed,
    open_sealed,
    sealed_digest,
    step_digest,
)
from protocol.encoding import b64u_decode
from protocol.envelopes import BadEnvelope
from schemas.contacts import (
    ContactContents,
    ContactDelivery,
    ContactFetch,
    ContactInbox,
    ContactMark,
    ContactReply,
    ContactRequest,
    ContactSend,
    ContactStatement,
)
from schemas.operations import FETCH_CONTACTS

_MOST_ROUNDS: Final = 50
_DOUBT: Final = "contact-doubt"
CLOSED_MEANWHILE: Final = "The other agency has closed the request meanwhile: nothing was sent."

Outcome = Literal["asked", "stepped", "known", "later"]
_KEPT: Final = frozenset({"asked", "stepped", "known"})


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came: ids of new requests, ids of those that were stepped, and how many doubts."""

    received: tuple[str, ...]
    stepped: tuple[str, ...]
    doubts: int


def fetch(installation: Installation, client: SignedClient) -> Fetched:
    """Fetch all that waits; what was kept is deleted at the index with the next request."""
    came: dict[Outcome, list[str]] = {"asked": [], "stepped": [], "known": [], "later": []}
    doubts: set[str] = set()
    marks: tuple[ContactMark, ...] = ()
    for _ in range(_MOST_ROUNDS):
        inbox: ContactInbox = client.call(FETCH_CONTACTS, ContactFetch(delivered=marks))
        kept: list[ContactMark] = []
        for delivery in inbox.steps:
            try:
                statement, outcome = _received(installation, delivery)
            except AnswerDisbelieved as doubt:
                doubts.add(_raise_doubt(installation, delivery, doubt))
                continue
            came[outcome].append(statement.request)
            if outcome in _KEPT:
                kept.append(ContactMark(request=statement.request, number=statement.number))
        marks = tuple(kept)
        if not marks:
            break
    return Fetched(tuple(came["asked"]), tuple(came["stepped"]), len(doubts))


def _received(
    installation: Installation, delivery: ContactDelivery
) -> tuple[ContactStatement, Outcome]:
    try:
        statement = statement_of(delivery, installation.anchors())
    except AnswerDisbelieved:
        # A newcomer or a new key since the directory was fetched, or a lie.
        with suppress(PlainError):
            partnership.seen(installation, not_older_than=0)
        statement = statement_of(delivery, installation.anchors())
    sealed = b64u_decode(delivery.sealed)
    if sealed_digest(sealed) != statement.sealed:
        raise AnswerDisbelieved("the sealed bytes of a step are not those that were signed")
    contents: ContactContents | None
    try:
        contents = open_sealed(statement, sealed, installation.sealing_key)
    except BadContact:
        contents = None
    digest = b64u_decode(step_digest(delivery.statement), storage.DIGEST_BYTES)
    with installation.database.write() as connection:
        outcome = _keep(installation, connection, statement, digest, contents)
    if contents is None and outcome in ("asked", "stepped"):
        logs.get_logger().warning("contact.unreadable", agency=statement.agency)
    return statement, outcome


def _keep(
    installation: Installation,
    connection: Connection,
    statement: ContactStatement,
    digest: bytes,
    contents: ContactContents | None,
) -> Outcome:
    """Keep the step if it is the next one that its agency may take."""
    contact = b64u_decode(statement.request, storage.ID_BYTES)
    row = storage.find(connection, contact, lock=True)
    if row is None:
        if statement.number or statement.step != "asked" or statement.previous is not None:
            raise AnswerDisbelieved(
                "it brings a step of a contact request whose beginning this connector has not seen"
            )
        _keep_request(installation, connection, statement, digest, contents)
        return "asked"
    if (row.agency, row.reference) != (statement.agency, statement.reference):
        raise AnswerDisbelieved("it brings a step of a request between other agencies")
    for known in storage.steps_of(connection, [contact]):
        if known.number == statement.number:
            if known.digest == digest:
                return "known"
            raise AnswerDisbelieved("it brings another step in the place of one that was taken")
    previous = None if statement.previous is None else b64u_decode(statement.previous)
    if (statement.number, previous) != (row.steps, row.head):
        if _answers_ours(connection, row, statement):
            return "later"
        raise AnswerDisbelieved("it brings the steps of a request in another order")
    if statement.step not in allowed(row.state, "holder" if row.sent else "asker"):
        raise AnswerDisbelieved("it brings a step that its agency may not take")
    _keep_step(installation, connection, row, statement, digest, contents)
    return "stepped"


def _answers_ours(connection: Connection, row: ContactRow, statement: ContactStatement) -> bool:
    """Return whether the step follows one of ours whose answer this connector still waits for."""
    step = storage.on_its_way(connection, row.contact_id)
    if step is None or step.prepared is None or statement.number != row.steps + 1:
        return False
    sent = canonical.decode(step.prepared, ContactSend)
    return step_digest(sent.statement) == statement.previous


def _keep_request(
    installation: Installation,
    connection: Connection,
    statement: ContactStatement,
    digest: bytes,
    contents: ContactContents | None,
) -> None:
    """Keep a new request, verified, and tell the desk's mailbox that it waits.

    `desk` is empty if what was sealed cannot be read, or if no such desk is ours.
    """
    contact = b64u_decode(statement.request, storage.ID_BYTES)
    ours = {desk.id for desk in installation.settings.desks}
    desk = contents.desk if isinstance(contents, ContactRequest) and contents.desk in ours else ""
    added = storage.add(
        connection,
        ContactRow(
            contact_id=contact,
            sent=False,
            agency=statement.agency,
            reference=statement.reference,
            desk=desk,
            officer_id=None,
            state="asked",
            steps=1,
            head=digest,
            asked_at=statement.signed_at,
            stepped_at=statement.signed_at,
            closed_at=None,
            crime_answered=False,
            about=None,
            erased=False,
        ),
    )
    if added:
        storage.put_step(connection, _step(installation, statement, digest, contents))
        if desk:
            notices.put(installation, connection, contact, desk, statement.reference)


def _keep_step(
    installation: Installation,
    connection: Connection,
    row: ContactRow,
    statement: ContactStatement,
    digest: bytes,
    contents: ContactContents | None,
) -> None:
    state = row.state if statement.step == "crime-answered" else statement.step
    storage.put_step(connection, _step(installation, statement, digest, contents))
    storage.move_on(
        connection,
        row,
        state=state,
        head=digest,
        at=statement.signed_at,
        closes=statement.step in CLOSING,
        crime_answered=isinstance(contents, ContactReply) and contents.crime is not None,
    )
    waiting = storage.on_its_way(connection, row.contact_id)
    if waiting is None or waiting.refused is not None:
        return
    # Ours was to follow another step: it is made anew, if it still may be taken.
    if waiting.step in allowed(state, "asker" if row.sent else "holder"):
        storage.prepare(connection, row.contact_id, None, waiting.tries)
    else:
        storage.refuse(connection, row.contact_id, CLOSED_MEANWHILE)


def _step(
    installation: Installation,
    statement: ContactStatement,
    digest: bytes,
    contents: ContactContents | None,
) -> StepRow:
    contact = b64u_decode(statement.request, storage.ID_BYTES)
    told = None
    if contents is not None:
        told = records.sealed(
            records.seal_of(installation), contact, Told(user=None, contents=contents)
        )
    return StepRow(
        contact_id=contact,
        number=statement.number,
        step=statement.step,
        ours=False,
        at=statement.signed_at,
        digest=digest,
        told=told,
        prepared=None,
        tries=0,
        refused=None,
    )


def _raise_doubt(
    installation: Installation, delivery: ContactDelivery, doubt: AnswerDisbelieved
) -> str:
    """Raise an alarm about a step that is not believed, once; return what it is about."""
    subject = step_digest(delivery.statement)
    try:
        claim = documents.claimed(delivery.statement, ContactStatement)
        who = f" of {claim.agency}"
    except BadEnvelope:
        who = ""
    with installation.database.write() as connection:
        known = {(alarm.kind, alarm.subject) for alarm in every_alarm(connection)}
        if (_DOUBT, subject) not in known:
            raise_alarm(
                connection,
                kind=_DOUBT,
                subject=subject,
                sentence=f"a step of a contact request{who} was not taken in: {doubt.what}. Phone "
                "that agency on a number you know; tell the steward and another member",
                now=installation.clock(),
            )
            logs.get_logger().error("contact.doubt")
    return subject
