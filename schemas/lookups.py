"""Checking a name: the statement, the request, the answer, and resolving a reference."""

from typing import Annotated, Literal

from msgspec import Meta

from schemas.envelopes import Envelope
from schemas.fields import (
    AgencyId,
    AgreementId,
    Blob,
    Bytes16,
    Bytes32,
    DeskId,
    Epoch,
    LookupTokens,
    Message,
    Millis,
    PartnershipId,
    PurposeCode,
    Reference,
    SchemeId,
)

Breadth = Literal["narrow", "wide"]
MAX_TOKENS = 192
MAX_HITS_PER_AGENCY = 10


class StatedTokens(Message, frozen=True):
    """The salted commitment to the token set of one epoch (`protocol.commitments`)."""

    epoch: Epoch
    scheme: SchemeId
    commitment: Bytes32


class LookupStatement(Message, frozen=True):
    """The signed account of a lookup that stands in the log. It holds no name and no token.

    `officer` is a pseudonym only the agency can resolve; `particulars` the salted commitment to
    what was typed; `follows` the narrow lookup that a wide one widens; `call_back` the asking
    agency's own desk.
    """

    partnership: PartnershipId
    agency: AgencyId
    lookup: Bytes16
    purpose: PurposeCode
    officer: Bytes16
    breadth: Breadth
    follows: Bytes16 | None
    agreements: Annotated[tuple[AgreementId, ...], Meta(min_length=1, max_length=50)]
    call_back: DeskId
    particulars: Bytes32
    tokens: Annotated[tuple[StatedTokens, ...], Meta(min_length=1, max_length=2)]
    asked_at: Millis
    signed_at: Millis


class TokenSet(Message, frozen=True):
    """The padded, ascending match tokens of one epoch, and the salt that opens the commitment."""

    epoch: Epoch
    salt: Bytes32
    tokens: LookupTokens


class LookupRequest(Message, frozen=True):
    """A lookup: the statement, and the tokens it commits to in the same order of epochs."""

    statement: Envelope
    sets: Annotated[tuple[TokenSet, ...], Meta(min_length=1, max_length=2)]


class Matched(Message, frozen=True):
    """Which of the lookup's tokens a flag shares, as positions in the set of one epoch."""

    epoch: Epoch
    positions: Annotated[
        tuple[Annotated[int, Meta(ge=0, lt=MAX_TOKENS)], ...], Meta(min_length=1, max_length=16)
    ]


class Hit(Message, frozen=True):
    """A flag that matched: whom to phone and what to quote."""

    agency: AgencyId
    desk: DeskId
    desk_version: Annotated[int, Meta(ge=1, le=1_000_000)]
    reference: Reference
    expires_at: Millis
    matched: Matched


PartnerSearched = Literal["searched", "partly", "stale", "paused", "not_searched"]
PartnerReason = Literal[
    "no_agreement",
    "nothing_published",
    "other_epoch",
    "suspended",
    "some_desks_do_not_answer",
    "no_desk_answers",
    "out_of_date",
    "source_paused",
]


class PartnerState(Message, frozen=True):
    """Whether one partner's flags were searched, and if not wholly, why; how fresh they are."""

    agency: AgencyId
    searched: PartnerSearched
    because: PartnerReason | None
    read_at: Millis | None


class ShownResult(Message, frozen=True):
    """What the asker is shown; the entry commits to its canonical bytes.

    `never_show` names every partner with a hidden desk, hit or miss.
    """

    lookup: Bytes16
    answered_at: Millis
    hits: tuple[Hit, ...]
    partners: tuple[PartnerState, ...]
    never_show: tuple[AgencyId, ...]


class LookupAnswer(Message, frozen=True):
    """The answer with what proves it was recorded; `desks` are those the hits name."""

    shown: ShownResult
    shown_salt: Bytes32
    desks: tuple[Envelope, ...]
    entry: Blob
    receipt: Envelope


class WithheldHit(Message, frozen=True):
    """A hit at a hidden desk: kept in the side record for the holder, never answered."""

    agency: AgencyId
    desk: DeskId
    handle: Bytes16
    matched: Matched


class WithheldResult(Message, frozen=True):
    """What the asker is not shown; the entry commits to its canonical bytes, always."""

    lookup: Bytes16
    hits: tuple[WithheldHit, ...]


class ResolutionStatement(Message, frozen=True):
    """Signed by the agency that was phoned: its desk has been quoted this reference."""

    partnership: PartnershipId
    agency: AgencyId
    resolution: Bytes16
    reference: Reference
    officer: Bytes16
    signed_at: Millis


class ResolutionRequest(Message, frozen=True):
    """Asks whom a reference is about and who asked; only the flag's holder is answered."""

    statement: Envelope


class Resolution(Message, frozen=True):
    """The holder's own flag, and the asking agency's signed statement with its call-back desk."""

    reference: Reference
    handle: Bytes16
    desk: DeskId
    positions: Matched
    asked: Envelope
    call_back: Envelope
    expires_at: Millis
    entry: Blob
    receipt: Envelope
