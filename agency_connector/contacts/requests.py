"""What people do with contact requests: ask to be phoned, take a step, and see how they stand."""

from typing import Final, TypeVar

import msgspec

from agency_connector.contacts import outbox, records, showing, storage
from agency_connector.contacts.contact import Contact, NewContact, NewStep
from agency_connector.contacts.records import About, Told
from agency_connector.contacts.storage import ON_ITS_WAY, ContactRow, StepRow
from agency_connector.installation import Installation
from agency_connector.journal.journal import Check, Journal
from agency_connector.journal.records import Found
from agency_connector.lookups.errors import CheckRefused
from agency_connector.mailing import storage as mailing
from foundation import logs
from foundation.operator import PlainError
from protocol.contacts import BadContact, require_fit
from protocol.encoding import EncodingError, b64u_decode, b64u_encode
from protocol.references import BadReference, read_reference
from schemas.contacts import (
    LONGEST_TEXT,
    NOT_A_CRIME_REPORT,
    ContactContents,
    ContactReply,
    ContactRequest,
    ContactStep,
)

C = TypeVar("C", bound=msgspec.Struct)

_MOST: Final = 200
_MOST_COUNTED: Final = 10_000
_HOUR_MS: Final = 3_600_000


def ask(installation: Installation, user: str, asked: NewContact) -> Contact:
    """Ask the desk that an answer to `user` named to phone, and return the request.

    It is on the disk, sealed, before anything leaves this machine, and is sent at once; if the
    index cannot be reached it is `waiting` and the schedule sends it. The same `asked.id` again is
    the same request. A refusal of the index (a limit, a reference too old) is in `trouble`.
    Raises CheckRefused: 404 `no-such-check` if the check is not `user`'s or did not give out the
    reference, 409 `asked-already` while another request about it is open, 409 `contact-differs` if
    the id was used for another request, 422 `contact-text`.
    """
    contact = _id(asked.id)
    check, found = _given_out(installation, user, asked)
    contents = _request(asked, found)
    seal = records.seal_of(installation)
    now = installation.clock()
    about = About(user=user, check=asked.check, officer=check.asked.officer)
    row = ContactRow(
        contact_id=contact,
        sent=True,
        agency=found.agency,
        reference=found.reference,
        desk=contents.desk,
        officer_id=seal.row_of(user),
        state="asked",
        steps=0,
        head=None,
        asked_at=now,
        stepped_at=now,
        closed_at=None,
        crime_answered=False,
        about=records.sealed(seal, contact, about),
        erased=False,
    )
    with installation.database.write() as connection:
        before = storage.find(connection, contact, lock=True)
        if before is None:
            if storage.open_about(connection, found.reference):
                raise CheckRefused(
                    409,
                    "asked-already",
                    "you have asked about this reference already, and the request is open: wait "
                    "for its answer, or phone the team",
                )
            if storage.add(connection, row):
                told = Told(user=user, contents=contents)
                storage.put_step(connection, _waiting(installation, contact, "asked", told, now))
            else:  # the same form, sent twice at once
                before = storage.find(connection, contact)
    if before is not None and not _is_same(installation, before, about, contents):
        raise CheckRefused(
            409, "contact-differs", "this request was sent in other words: start a new one"
        )
    return _sent(installation, contact)


def step(installation: Installation, user: str, contact: str, taken: NewStep) -> Contact:
    """Take a step of a contact request, and return the request; sent as `ask` sends.

    One that this agency sent is stepped by its officer only; of one received, the caller has made
    sure that `user` may. The same step again changes nothing. Raises CheckRefused: 404
    `no-such-contact`, 409 `contact-moved-on` if the step is not in `may`, 409 `not-sent-yet` while
    another step of ours waits, 422 `contact-text` for a refusal without a reason or a bad answer.
    """
    row_id = _id(contact)
    seen = find(installation, contact)
    if seen is None or (seen.sent and seen.user != user):
        raise CheckRefused(404, "no-such-contact", "there is no such request: look at the list")
    contents = _reply(taken)
    if _was_taken(seen, taken):
        return seen if not seen.waiting else _sent(installation, row_id)
    if seen.waiting:
        raise CheckRefused(
            409, "not-sent-yet", "the last step has not reached the index yet: wait a minute"
        )
    now = installation.clock()
    with installation.database.write() as connection:
        row = storage.find(connection, row_id, lock=True)
        # It may have moved on since it was shown.
        current = () if row is None else showing.shown(installation, connection, [row])
        if not current or taken.step not in current[0].may:
            raise CheckRefused(
                409, "contact-moved-on", "this request cannot take this step: look at it again"
            )
        told = Told(user=user, contents=contents)
        storage.put_step(connection, _waiting(installation, row_id, taken.step, told, now))
        if not seen.sent:
            mailing.call_off(connection, row_id)
    return _sent(installation, row_id)


def find(installation: Installation, contact: str) -> Contact | None:
    """Return a contact request by its id, sent or received, or None; the caller says who sees."""
    try:
        row_id = _id(contact)
    except CheckRefused:
        return None
    with installation.database.read() as connection:
        row = storage.find(connection, row_id)
        found = () if row is None else showing.shown(installation, connection, [row])
    return found[0] if found else None


def sent_by(installation: Installation, user: str, since: int = 0) -> tuple[Contact, ...]:
    """Return what `user` asked since then (ms UTC), newest first, at most 200."""
    officer = records.seal_of(installation).row_of(user)
    with installation.database.read() as connection:
        rows = storage.sent_by(connection, officer, since, _MOST)
        return showing.shown(installation, connection, rows)


def received(
    installation: Installation, *, desk: str | None = None, open_only: bool = True
) -> tuple[Contact, ...]:
    """Return the requests to this agency, or to one desk, oldest first, at most 200.

    Those that cannot be read are for every desk.
    """
    with installation.database.read() as connection:
        rows = storage.received(connection, desk, open_only, _MOST)
        return showing.shown(installation, connection, rows)


def overdue(installation: Installation) -> tuple[Contact, ...]:
    """Return the open requests, sent and received, whose next step is overdue, oldest first."""
    late = installation.clock() - installation.settings.contacts.overdue_hours * _HOUR_MS
    with installation.database.read() as connection:
        rows = storage.stepped_before(connection, late + 1, _MOST)
        found = showing.shown(installation, connection, rows)
    return tuple(contact for contact in found if contact.overdue)


def crime_open(installation: Installation) -> tuple[Contact, ...]:
    """Return the closed requests whose crime question this agency has not seen answered."""
    with installation.database.read() as connection:
        rows = storage.crime_open(connection, _MOST)
        found = showing.shown(installation, connection, rows)
    return tuple(contact for contact in found if contact.crime_open)


def between(installation: Installation, since: int, before: int) -> tuple[Contact, ...]:
    """Return what was asked with since <= asked_at < before (ms UTC), sent and received.

    Oldest first, at most 10,000.
    """
    with installation.database.read() as connection:
        rows = storage.between(connection, since, before, _MOST_COUNTED)
        return showing.shown(installation, connection, rows)


def _given_out(installation: Installation, user: str, asked: NewContact) -> tuple[Check, Found]:
    """Return the check of `user`, and the hit of its answer that has the reference."""
    try:
        reference = read_reference(asked.reference)
        check = Journal.of(installation).find(_id(asked.check))
    except BadReference as error:
        raise CheckRefused(422, "bad-reference", str(error)) from error
    if check is not None and check.kept is not None and check.asked.user == user:
        for found in check.kept.findings.found:
            if found.reference == reference and found.desk is not None:
                return check, found
    raise CheckRefused(
        404,
        "no-such-check",
        "no check of yours gave out this reference: check the name, and ask from its answer",
    )


def _request(asked: NewContact, found: Found) -> ContactRequest:
    return _checked(
        {
            "kind": "request",
            "notice": NOT_A_CRIME_REPORT,
            "desk": found.desk.desk if found.desk is not None else "",
            "text": _plain(asked.text),
            "name": asked.name.strip(),
            "phone": (asked.phone or "").strip() or None,
        },
        ContactRequest,
    )


def _reply(taken: NewStep) -> ContactReply:
    text = _plain(taken.text or "") or None
    contents = _checked(
        {
            "kind": "reply",
            "name": taken.name.strip(),
            "text": text,
            "crime": None if taken.crime is None else msgspec.to_builtins(taken.crime),
        },
        ContactReply,
    )
    try:
        require_fit(taken.step, contents)
    except BadContact as error:
        raise CheckRefused(422, "contact-text", str(error)) from error
    return contents


def _plain(text: str) -> str:
    """Return what was typed with line feeds for line ends and without outer white space."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ").strip()


def _checked(told: dict[str, object], as_type: type[C]) -> C:
    try:
        return msgspec.convert(told, as_type)
    except msgspec.ValidationError:
        raise CheckRefused(
            422,
            "contact-text",
            f"write 1 to {LONGEST_TEXT} characters and a name, a phone number of digits and "
            "spaces, and of a crime that was disclosed the reference or who records it",
        ) from None


def _was_taken(seen: Contact, taken: NewStep) -> bool:
    """Return whether the step is the last one that was taken or waits, and ours."""
    last = seen.steps[-1] if seen.steps else None
    return (
        last is not None
        and last.ours
        and last.state != "refused"
        and (last.step, last.text, last.crime)
        == (taken.step, _plain(taken.text or "") or None, taken.crime)
    )


def _is_same(
    installation: Installation, row: ContactRow, about: About, contents: ContactContents
) -> bool:
    """Return whether a request with this id says what is asked for now."""
    seal = records.seal_of(installation)
    if row.about is None or records.opened(seal, row.contact_id, row.about, About) != about:
        return False
    with installation.database.read() as connection:
        steps = storage.steps_of(connection, [row.contact_id])
    said = [
        records.opened(seal, row.contact_id, one.told, Told).contents
        for one in steps
        if one.step == "asked" and one.told is not None
    ]
    return said == [contents]


def _waiting(
    installation: Installation, contact: bytes, name: ContactStep, told: Told, now: int
) -> StepRow:
    return StepRow(
        contact_id=contact,
        number=ON_ITS_WAY,
        step=name,
        ours=True,
        at=now,
        digest=None,
        told=records.sealed(records.seal_of(installation), contact, told),
        prepared=None,
        tries=0,
        refused=None,
    )


def _sent(installation: Installation, contact: bytes) -> Contact:
    """Try to send what waits of a request, and return it; what cannot be sent now waits on."""
    try:
        client = installation.index()
        try:
            outbox.deliver_one(installation, client, contact)
        finally:
            client.close()
    except PlainError as error:
        logs.get_logger().warning("contact.waiting", exc_info=error)
    found = find(installation, b64u_encode(contact))
    if found is None:
        raise RuntimeError("a contact request has vanished")
    return found


def _id(text: str) -> bytes:
    try:
        return b64u_decode(text, storage.ID_BYTES)
    except EncodingError:
        raise CheckRefused(
            404, "no-such-contact", "there is no such request: look at the list"
        ) from None
