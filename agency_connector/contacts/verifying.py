"""Every check of what the index says of a contact request, before anything of it is believed."""

from typing import Final

from agency_connector.lookups.errors import AnswerDisbelieved
from agency_connector.lookups.recorded import recorded
from agency_connector.trust.anchors import Anchors
from protocol import documents
from protocol.envelopes import BadEnvelope
from protocol.membership import read_signed
from schemas.agencies import Acknowledged
from schemas.contacts import ContactDelivery, ContactStatement
from schemas.entries import Disclosure
from schemas.envelopes import Envelope

_SLACK_MS: Final = 300_000
_ON_THE_WAY_MS: Final = 86_400_000


def check_taken(told: Acknowledged, sent: Envelope, lookup: str | None, anchors: Anchors) -> None:
    """Raise AnswerDisbelieved unless the index has recorded the step that we `sent`.

    The receipt is the pinned log's, and the entry a disclosure that holds our statement byte for
    byte and names the `lookup` that gave out the reference, if that was ours.
    """
    entry = _recorded(told.entry, told.receipt, sent, anchors)
    if lookup is not None and entry.lookup != lookup:
        raise AnswerDisbelieved("the record names another lookup than the one that was made")


def statement_of(delivery: ContactDelivery, anchors: Anchors) -> ContactStatement:
    """Return the statement of a step that came, after checking whose it is and that it is recorded.

    Raises AnswerDisbelieved unless a believed key of its agency signed it, for this partnership
    and agency, and the pinned log's receipt says that it is in the record.
    """
    try:
        claim = documents.claimed(delivery.statement, ContactStatement)
        member = anchors.members.get(claim.agency)
        if member is None:
            raise AnswerDisbelieved(f"nobody we know vouches for the keys of {claim.agency}")
        told = read_signed(
            member, delivery.statement, ContactStatement, lambda stated: stated.signed_at
        )
    except BadEnvelope as error:
        raise AnswerDisbelieved(
            "a step of a contact request is not signed with the key that we know of its agency"
        ) from error
    if (told.partnership, told.recipient) != (anchors.partnership, anchors.agency):
        raise AnswerDisbelieved("a step of a contact request is for another agency")
    if told.agency == anchors.agency:
        raise AnswerDisbelieved("it brings us a step of our own")
    _recorded(delivery.entry, delivery.receipt, delivery.statement, anchors)
    return told


def _recorded(entry: str, receipt: Envelope, sent: Envelope, anchors: Anchors) -> Disclosure:
    read = recorded(entry, receipt, anchors, Disclosure)
    if read.statement != sent:
        raise AnswerDisbelieved("the record holds another statement than the one that was signed")
    signed_at = documents.claimed(sent, ContactStatement).signed_at
    if not signed_at - _SLACK_MS <= read.at <= signed_at + _ON_THE_WAY_MS + _SLACK_MS:
        raise AnswerDisbelieved("the record is of another time")
    return read
