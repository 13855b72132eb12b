"""Someone has quoted a reference: our own record, who asked, and the number to ring back on."""

import secrets
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from agency_connector.installation import Installation
from agency_connector.journal.journal import Journal
from agency_connector.journal.records import Quoted, Resolved
from agency_connector.lookups import hours, partnership, verifying
from agency_connector.lookups.answer import team
from agency_connector.lookups.errors import CheckRefused, code_of
from agency_connector.lookups.officers import pseudonym
from agency_connector.publishing.storage import published
from agency_connector.trust.directory import PartnershipView
from foundation.operator import PlainError
from protocol import documents
from protocol.encoding import b64u_decode, b64u_encode
from protocol.references import BadReference, read_reference
from schemas.checks import ResolveAnswer
from schemas.envelopes import Envelope
from schemas.lookups import (
    Breadth,
    LookupStatement,
    Resolution,
    ResolutionRequest,
    ResolutionStatement,
)
from schemas.operations import RESOLVE

_RESOLUTION_BYTES: Final = 16

RING_BACK: Final = "Ring back on this number, not on one that the caller gives you."
NOBODY_ELSE: Final = (
    "Only your agency can look up this reference, and it is recorded that you have."
)
NOT_REMEMBERED: Final = (
    "Your agency's connector does not remember the record behind this reference: it may have been "
    "restored from an older backup. Ring back and ask for the name."
)


HOW_SURE: Final[dict[Breadth, str]] = {
    "narrow": "Found as almost certainly or probably the same person",
    "wide": "Found by looking wider: it may be another person",
}
"""A holder learns no more of the grade: the index has none, and which check it was is signed."""

KEPT_BACK: Final = (
    "Your record is not shown yet, because it may be about somebody else: the person was found by "
    "looking wider. Ring back, have them tell you the name and the date of birth that they "
    "checked, and say on the page, or with `agency-connector resolve --confirmed`, that they "
    "confirmed it."
)


@dataclass(frozen=True, slots=True)
class _Record:
    source: str
    local_id: str


def resolve(installation: Installation, user: str, typed: str) -> ResolveAnswer:
    """Return what the reference that `user` was quoted is about.

    Of a person who was found by looking wider, our own record is kept back until `confirm`.
    Raises CheckRefused 422 if what was typed cannot be a reference, Refused 404 if it is not one
    of this agency's, and otherwise as `asking.check` does.
    """
    try:
        reference = read_reference(typed)
    except BadReference as error:
        raise CheckRefused(422, "bad-reference", str(error)) from error
    now = installation.clock()
    resolution = secrets.token_bytes(_RESOLUTION_BYTES)
    quoted = Quoted(user=user, reference=reference, asked_at=now)
    journal = Journal.of(installation)
    journal.begin_resolution(resolution, quoted)
    try:
        resolved = _resolved(installation, resolution, quoted)
    except PlainError as error:
        journal.note_failed_resolution(resolution, code_of(error))
        raise
    journal.keep_resolution(resolution, resolved)
    return _in_words(resolution, resolved, installation.clock(), confirmed=False)


def confirm(installation: Installation, user: str, answer: ResolveAnswer) -> ResolveAnswer:
    """Keep that `user` has rung back and the asker confirmed the person; return the whole answer.

    The first thing that a desk says of a reference; of one that says more already it keeps nothing.
    """
    row = b64u_decode(answer.resolution, _RESOLUTION_BYTES)
    journal = Journal.of(installation)
    if not journal.replies_to(row):
        journal.reply(row, user, "confirmed", installation.clock())
    return shown_before(installation, user, answer.resolution) or answer


def shown_before(installation: Installation, user: str, resolution: str) -> ResolveAnswer | None:
    """Return what `user` was told about a quoted reference, from the journal; None if nothing."""
    row, journal = b64u_decode(resolution, _RESOLUTION_BYTES), Journal.of(installation)
    found = journal.find_resolution(row)
    if found is None or found[1] is None or found[0].user != user:
        return None
    confirmed = bool(journal.replies_to(row))
    return _in_words(row, found[1], installation.clock(), confirmed=confirmed)


def _resolved(installation: Installation, resolution: bytes, quoted: Quoted) -> Resolved:
    view = partnership.seen(installation)
    anchors = installation.anchors()
    statement = ResolutionStatement(
        partnership=anchors.partnership,
        agency=anchors.agency,
        resolution=b64u_encode(resolution),
        reference=quoted.reference,
        officer=pseudonym(installation, quoted.user, quoted.asked_at),
        signed_at=installation.clock(),
    )
    sent = documents.sign(statement, installation.signing_key)
    answer = _asked_index(installation, sent)
    if anchors.signing_key_of(documents.claimed(answer.asked, LookupStatement).agency) is None:
        view = partnership.seen(installation, not_older_than=0)
        anchors = installation.anchors()
    asked, agency = verifying.check_resolution(answer, sent, anchors)
    call_back = verifying.call_back_of(answer, asked, anchors, view)
    if call_back is None:
        view = partnership.seen(installation, not_older_than=0)
        call_back = verifying.call_back_of(answer, asked, installation.anchors(), view)
    record = _record_of(installation, b64u_decode(answer.handle))
    return Resolved(
        resolution=answer,
        source=None if record is None else record.source,
        local_id=None if record is None else record.local_id,
        asked_by=view.name_of(agency),
        call_back=call_back,
        purpose=_purpose(view, asked.purpose),
        time_zone=partnership.time_zone(installation),
    )


def _asked_index(installation: Installation, sent: Envelope) -> Resolution:
    client = installation.index()
    try:
        answer: Resolution = client.call(RESOLVE, ResolutionRequest(statement=sent))
    finally:
        client.close()
    return answer


def _record_of(installation: Installation, handle: bytes) -> _Record | None:
    """Return which record of ours a flag stands for; a withdrawn one is remembered too."""
    query = select(published.c.source, published.c.local_id).where(published.c.handle == handle)
    with installation.database.read() as connection:
        row = connection.execute(query).one_or_none()
    return None if row is None else _Record(row.source, row.local_id)


def _purpose(view: PartnershipView, code: str) -> str:
    return next((told.words for told in view.purposes if told.code == code), code)


def _in_words(resolution: bytes, told: Resolved, now: int, *, confirmed: bool) -> ResolveAnswer:
    asked = documents.claimed(told.resolution.asked, LookupStatement)
    kept_back = asked.breadth == "wide" and not confirmed
    alarms = []
    if told.call_back is None:
        alarms.append(
            f"The number to ring back that came with this reference is not signed by "
            f"{told.asked_by}, so it is not shown. Phone {told.asked_by} on a number you already "
            "know, and tell whoever runs this connector."
        )
    sentences = [RING_BACK] if told.call_back is not None else []
    if kept_back:
        sentences.append(KEPT_BACK)
    elif told.local_id is None:
        sentences.append(NOT_REMEMBERED)
    return ResolveAnswer(
        resolution=b64u_encode(resolution),
        reference=told.resolution.reference,
        source=None if kept_back else told.source,
        local_id=None if kept_back else told.local_id,
        asked_by=told.asked_by,
        call_back=None if told.call_back is None else team(told.call_back, now),
        purpose=told.purpose,
        officer=asked.officer,
        asked_at=asked.asked_at,
        asked=hours.day_and_time(asked.asked_at, told.time_zone, now),
        breadth=asked.breadth,
        expires_at=told.resolution.expires_at,
        alarms=tuple(alarms),
        sentences=(*sentences, NOBODY_ELSE),
    )
