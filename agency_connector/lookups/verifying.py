"""Every check of an index's answer, before anything of it is shown or kept as an answer."""

from collections.abc import Sequence
from typing import Final

from agency_connector.journal.records import Prepared
from agency_connector.lookups.errors import AnswerDisbelieved
from agency_connector.lookups.recorded import recorded
from agency_connector.trust import directory
from agency_connector.trust.anchors import Anchors
from agency_connector.trust.directory import PartnershipView
from protocol import documents
from protocol.commitments import SHOWN, commit_to
from protocol.encoding import b64u_decode, b64u_encode
from protocol.envelopes import BadEnvelope
from protocol.membership import read_signed
from protocol.references import BadReference, read_reference
from protocol.tokens import TOKEN_BYTES
from schemas.agencies import Desk
from schemas.entries import Consultation, Disclosure
from schemas.envelopes import Envelope
from schemas.lookups import (
    Hit,
    LookupAnswer,
    LookupStatement,
    Resolution,
    ResolutionStatement,
)

CLOCK_SLACK_MS: Final = 300_000


def check_answer(answer: LookupAnswer, sent: Prepared, anchors: Anchors) -> None:
    """Raise AnswerDisbelieved unless `answer` is recorded, ours, and what was recorded.

    The receipt is the pinned log's and for these entry bytes; the entry is a consultation that
    holds our statement byte for byte, made now; it commits to exactly what is shown; what is shown
    is about this lookup; every position is that of a token we made of a key, never of a dummy.
    A team's desk is checked by `desk_of`, since one bad desk does not make the rest untrue.
    """
    statement = documents.claimed(sent.request.statement, LookupStatement)
    entry = recorded(answer.entry, answer.receipt, anchors, Consultation)
    _require_of_now(entry, sent.signed_at)
    if entry.statement != sent.request.statement:
        raise AnswerDisbelieved("the record holds another statement than the one we signed")
    opened = commit_to(SHOWN, b64u_decode(answer.shown_salt, 32), answer.shown)
    if b64u_encode(opened) != entry.shown:
        raise AnswerDisbelieved("what it shows is not what it recorded")
    if answer.shown.lookup != statement.lookup:
        raise AnswerDisbelieved("it is the answer to another lookup")
    if abs(answer.shown.answered_at - sent.signed_at) > CLOCK_SLACK_MS:
        raise AnswerDisbelieved("it says that it was made at another time")
    references = [hit.reference for hit in answer.shown.hits]
    if len(set(references)) != len(references):
        raise AnswerDisbelieved("it gives one reference twice")
    partners = [state.agency for state in answer.shown.partners]
    if len(set(partners)) != len(partners):
        raise AnswerDisbelieved("it names one partner twice")
    for hit in answer.shown.hits:
        _check_hit(hit, sent, anchors)


def matched_keys(hit: Hit, sent: Prepared) -> tuple[int, ...]:
    """Return which of the lookup's keys a hit matched, as indices into the keys, ascending.

    Raises AnswerDisbelieved for an epoch or a position that is not one of the lookup's, or is a
    dummy's: nobody can hold a flag with a dummy token.
    """
    sets = sent.request.sets
    for token_set, places in zip(sets, sent.places, strict=True):
        if token_set.epoch == hit.matched.epoch:
            key_at = {place: key for key, place in enumerate(places)}
            size = len(b64u_decode(token_set.tokens)) // TOKEN_BYTES
            break
    else:
        raise AnswerDisbelieved("it names an epoch that was not searched")
    if any(position >= size for position in hit.matched.positions):
        raise AnswerDisbelieved("it names a token that was not sent")
    if len(set(hit.matched.positions)) != len(hit.matched.positions):
        raise AnswerDisbelieved("it names one token twice")
    if any(position not in key_at for position in hit.matched.positions):
        raise AnswerDisbelieved("it says that a dummy matched, which cannot be")
    return tuple(sorted(key_at[position] for position in hit.matched.positions))


def desk_of(
    hit: Hit, desks: Sequence[Envelope], anchors: Anchors, view: PartnershipView
) -> Desk | None:
    """Return the desk of a hit, signed by its believed agency, or None if none may be shown."""
    for envelope in desks:
        desk = directory.verified_desk(envelope, anchors, view)
        if desk is None or (desk.agency, desk.desk) != (hit.agency, hit.desk):
            continue
        if desk.version == hit.desk_version and desk.visibility == "visible" and not desk.withdrawn:
            return desk
    return None


def check_resolution(
    answer: Resolution, sent: Envelope, anchors: Anchors
) -> tuple[LookupStatement, str]:
    """Return the asker's statement and its agency's id, after checking all that can be.

    Raises AnswerDisbelieved unless the receipt is the pinned log's, the entry is a disclosure that
    holds our statement byte for byte and names the asker's lookup, and the asker's statement is
    signed by the believed key of the agency it names.
    """
    ours = documents.claimed(sent, ResolutionStatement)
    entry = recorded(answer.entry, answer.receipt, anchors, Disclosure)
    _require_of_now(entry, ours.signed_at)
    if entry.statement != sent:
        raise AnswerDisbelieved("the record holds another statement than the one we signed")
    if answer.reference != ours.reference:
        raise AnswerDisbelieved("it is about another reference")
    asked = _asked(answer.asked, anchors)
    if entry.lookup != asked.lookup:
        raise AnswerDisbelieved("the record names another lookup than the answer")
    if answer.positions.epoch not in {stated.epoch for stated in asked.tokens}:
        raise AnswerDisbelieved("the lookup did not search the epoch of this flag")
    return asked, asked.agency


def call_back_of(
    answer: Resolution, asked: LookupStatement, anchors: Anchors, view: PartnershipView
) -> Desk | None:
    """Return the desk to ring back, signed by the believed asker, or None if none may be shown."""
    desk = directory.verified_desk(answer.call_back, anchors, view)
    if desk is None or (desk.agency, desk.desk) != (asked.agency, asked.call_back):
        return None
    return desk if desk.visibility == "visible" else None


def _asked(envelope: Envelope, anchors: Anchors) -> LookupStatement:
    try:
        claim = documents.claimed(envelope, LookupStatement)
        member = anchors.members.get(claim.agency)
        if member is None:
            raise AnswerDisbelieved(f"nobody we know vouches for the keys of {claim.agency}")
        asked = read_signed(member, envelope, LookupStatement, lambda told: told.signed_at)
    except BadEnvelope as error:
        raise AnswerDisbelieved(
            "the statement of whoever asked is not signed with the key we know"
        ) from error
    if asked.partnership != anchors.partnership:
        raise AnswerDisbelieved("whoever asked stated another partnership")
    return asked


def _check_hit(hit: Hit, sent: Prepared, anchors: Anchors) -> None:
    matched_keys(hit, sent)
    if hit.agency == anchors.agency:
        raise AnswerDisbelieved("it shows our own flag to us")
    try:
        read_reference(hit.reference)
    except BadReference as error:
        raise AnswerDisbelieved("it gives a reference with a wrong check character") from error


def _require_of_now(entry: Consultation | Disclosure, signed_at: int) -> None:
    if abs(entry.at - signed_at) > CLOCK_SLACK_MS:
        raise AnswerDisbelieved("the record is of another time")
