"""The outbox of contact requests: steps made and signed once, and sent until the index has them.

What is sent is on the disk before it leaves, byte for byte, so that a cut connection neither
doubles a step nor loses it: the index answers the same bytes with the first answer.
"""

from dataclasses import dataclass
from typing import Final

from agency_connector.contacts import records, storage
from agency_connector.contacts.records import About, Told
from agency_connector.contacts.storage import ContactRow, StepRow
from agency_connector.contacts.verifying import check_taken
from agency_connector.installation import Installation
from agency_connector.lookups import partnership
from agency_connector.lookups.officers import pseudonym
from agency_connector.receipts import storage as receipts
from agency_connector.transport import Refused, SignedClient
from foundation.operator import OperatorError
from protocol import canonical, documents
from protocol.contacts import CLOSING, signed_step, step_digest
from protocol.encoding import b64u_decode, b64u_encode
from schemas.agencies import Acknowledged
from schemas.contacts import ContactReply, ContactSend, ContactStatement
from schemas.operations import SEND_CONTACT

_MOST_TRIES: Final = 3
# Refusals after which the step is made anew: it was signed too long ago, sealed to a key that was
# replaced, or the other agency has taken a step meanwhile.
_MADE_ANEW: Final = frozenset({"stale-statement", "other-sealing-key", "contact-moved-on"})
NOBODY_VOUCHES: Final = (
    "Nobody we know vouches for the keys of this partner, so nothing can be sealed to it: phone."
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of the steps that waited."""

    sent: int
    refused: int


def deliver(installation: Installation, client: SignedClient) -> Delivery:
    """Send every step that waits; raises Unreachable and so on, and the rest waits on."""
    with installation.database.read() as connection:
        waiting = storage.to_send(connection)
    sent = refused = 0
    for contact in waiting:
        outcome = deliver_one(installation, client, contact)
        sent += outcome is True
        refused += outcome is False
    return Delivery(sent, refused)


def deliver_one(installation: Installation, client: SignedClient, contact: bytes) -> bool | None:
    """Send the step of a request that waits; True if taken, False if refused for good.

    None if there is nothing to send, or it has to be made anew next time.
    """
    message = _prepared(installation, contact)
    if message is None:
        return None
    try:
        told: Acknowledged = client.call(SEND_CONTACT, message)
    except Refused as refusal:
        if refusal.status == 503:
            raise
        return _refused(installation, contact, refusal)
    _keep_taken(installation, contact, message, told)
    return True


def _prepared(installation: Installation, contact: bytes) -> ContactSend | None:
    """Return the message that is sent, as it is on the disk; None if there is none to send."""
    with installation.database.read() as connection:
        row = storage.find(connection, contact)
        step = storage.on_its_way(connection, contact)
    if row is None or step is None or step.refused is not None:
        return None
    if step.prepared is None:
        message = _made(installation, row, step)
        if message is None:
            with installation.database.write() as connection:
                storage.refuse(connection, contact, NOBODY_VOUCHES)
            return None
        encoded = canonical.encode(message)
        with installation.database.write() as connection:
            now_row = storage.find(connection, contact, lock=True)
            step = storage.on_its_way(connection, contact)
            if now_row is None or step is None or now_row.steps != row.steps:
                return None
            if step.prepared is None:
                storage.prepare(connection, contact, encoded, step.tries)
                return message
    return None if step.prepared is None else canonical.decode(step.prepared, ContactSend)


def _made(installation: Installation, row: ContactRow, step: StepRow) -> ContactSend | None:
    """Return the step sealed to the believed key of the other agency and signed, or None."""
    seal = records.seal_of(installation)
    told = _told(installation, row.contact_id, step)
    partnership.seen(installation)
    anchors = installation.anchors()
    member = anchors.members.get(row.agency)
    if member is None:
        return None
    now = installation.clock()
    officer = pseudonym(installation, told.user or "", now)
    if row.about is not None and step.step == "asked":
        officer = records.opened(seal, row.contact_id, row.about, About).officer
    return signed_step(
        told.contents,
        partnership=anchors.partnership,
        agency=anchors.agency,
        request=b64u_encode(row.contact_id),
        number=row.steps,
        previous=None if row.head is None else b64u_encode(row.head),
        step=step.step,
        reference=row.reference,
        recipient=row.agency,
        recipient_sealing=member.keys.sealing,
        officer=officer,
        signed_at=now,
        key=installation.signing_key,
    )


def _told(installation: Installation, contact: bytes, step: StepRow) -> Told:
    if step.told is None:
        raise OperatorError("a step of a contact request was erased before it was sent: phone")
    return records.opened(records.seal_of(installation), contact, step.told, Told)


def _refused(installation: Installation, contact: bytes, refusal: Refused) -> bool | None:
    if refusal.code == "other-sealing-key":
        partnership.seen(installation, not_older_than=0)
    with installation.database.write() as connection:
        step = storage.on_its_way(connection, contact)
        if step is None:
            return None
        if refusal.code in _MADE_ANEW and step.tries + 1 < _MOST_TRIES:
            storage.prepare(connection, contact, None, step.tries + 1)
            return None
        storage.refuse(connection, contact, refusal.detail)
    return False


def _keep_taken(
    installation: Installation, contact: bytes, message: ContactSend, told: Acknowledged
) -> None:
    """Keep that the index has taken our step, and follow the log's promise of its entry."""
    statement = documents.claimed(message.statement, ContactStatement)
    with installation.database.read() as connection:
        row = storage.find(connection, contact)
    about = None if row is None else row.about
    lookup = None
    if about is not None:
        lookup = records.opened(records.seal_of(installation), contact, about, About).check
    check_taken(told, message.statement, lookup, installation.anchors())
    digest = b64u_decode(step_digest(message.statement), storage.DIGEST_BYTES)
    with installation.database.write() as connection:
        row = storage.find(connection, contact, lock=True)
        step = storage.on_its_way(connection, contact)
        if row is None or step is None or row.steps != statement.number:
            return  # somebody else has sent it at the same time
        contents = _told(installation, contact, step).contents
        answered = isinstance(contents, ContactReply) and contents.crime is not None
        storage.taken(connection, contact, statement.number, digest)
        storage.move_on(
            connection,
            row,
            state=row.state if statement.step == "crime-answered" else statement.step,
            head=digest,
            at=statement.signed_at,
            closes=statement.step in CLOSING,
            crime_answered=answered,
        )
        name = f"{statement.request}-{statement.number}"
        receipts.expect(connection, "contact", name, told.receipt)
