"""The hand-over package: how a person at a member gives a newcomer the trust anchors."""

from typing import Annotated

from msgspec import Meta

from schemas.agencies import AgencyKeys, AgencyRole
from schemas.envelopes import Envelope
from schemas.fields import (
    AgencyId,
    Bytes32,
    Epoch,
    Line,
    Message,
    Millis,
    PartnershipId,
    VerifierKey,
)


class EarlierKey(Message, frozen=True):
    """A signing key that was replaced at `until`: what it signed before then still holds."""

    signing: Bytes32
    until: Millis


class KnownMember(Message, frozen=True):
    """A member as the sender knows it: the newcomer starts by believing these keys."""

    agency: AgencyId
    name: Line
    role: AgencyRole
    keys: AgencyKeys
    earlier: Annotated[tuple[EarlierKey, ...], Meta(max_length=100)] = ()


class HandoverContents(Message, frozen=True):
    """What is sealed inside: every anchor the newcomer will believe, none from the index.

    `witness_policy` is the sender's, the text of a C2SP tlog-policy whose quorum is a majority;
    empty before there were witnesses.
    """

    partnership_key: Bytes32
    epoch_descriptor: Envelope
    index_key: Bytes32
    log_key: VerifierKey
    witness_policy: Annotated[str, Meta(max_length=20_000)]
    members: Annotated[tuple[KnownMember, ...], Meta(min_length=1, max_length=200)]


class HandoverPackage(Message, frozen=True):
    """Signed by the sender over recipient and ciphertext; HPKE (RFC 9180) base mode to `to_key`.

    `info` binds partnership, epoch, sender and recipient, as `protocol.handover` writes it.
    """

    partnership: PartnershipId
    epoch: Epoch
    sender: AgencyId
    sender_keys: AgencyKeys
    recipient: AgencyId
    recipient_keys: AgencyKeys
    ciphertext: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]+\Z", max_length=60_000)]
    signed_at: Millis


class HandoverInbox(Message, frozen=True):
    """The packages that wait for the asking agency, oldest first."""

    packages: tuple[Envelope, ...]
