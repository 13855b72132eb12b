"""Publishing: flags in batches, withdrawals, and marks that say how fresh a publication is."""

from typing import Annotated, Literal

from msgspec import Meta

from schemas.envelopes import Envelope
from schemas.fields import (
    MAX_SAFE_INTEGER,
    AgencyId,
    Blob,
    Bytes16,
    Bytes32,
    Count,
    DeskId,
    Epoch,
    FlagTokens,
    Message,
    Millis,
    PartnershipId,
)

BatchKind = Literal["collection", "alteration", "erasure"]
MAX_BATCH_ITEMS = 1000


class Flag(Message, frozen=True):
    """A published interest: 'we are involved; phone this team', and nothing else."""

    handle: Bytes16
    tokens: FlagTokens
    desk: DeskId
    ends_at: Millis


class Withdrawal(Message, frozen=True):
    """A flag that is over; `wrong` means it should never have stood."""

    handle: Bytes16
    cause: Literal["ended", "wrong"]


class PublicationStatement(Message, frozen=True):
    """Signed by the publishing agency; stands in the log for the whole batch.

    `count` and `root` are of the batch's items: the RFC 6962 tree over their canonical bytes in
    order. `sequence` grows by one with each batch of the agency.
    """

    partnership: PartnershipId
    agency: AgencyId
    epoch: Epoch
    batch: Bytes16
    sequence: Annotated[int, Meta(ge=1, le=MAX_SAFE_INTEGER)]
    kind: BatchKind
    count: Annotated[int, Meta(ge=1, le=MAX_BATCH_ITEMS)]
    root: Bytes32
    signed_at: Millis


class FlagBatch(Message, frozen=True):
    """Flags to put, or handles to withdraw: never both, as `kind` of the statement says."""

    statement: Envelope
    flags: Annotated[tuple[Flag, ...], Meta(max_length=MAX_BATCH_ITEMS)]
    withdrawals: Annotated[tuple[Withdrawal, ...], Meta(max_length=MAX_BATCH_ITEMS)]


class BatchTaken(Message, frozen=True):
    """What the batch did the first time it arrived; the same batch again gets these same bytes."""

    batch: Bytes16
    added: Count
    changed: Count
    unchanged: Count
    withdrawn: Count
    unknown: Count
    capped: Count
    entry: Blob
    receipt: Envelope


class PublicationMark(Message, frozen=True):
    """All batches of a complete reading at `read_at` have been delivered; or the state changes.

    `left`: the agency has no flags in this epoch any more. `paused`: its flags are kept but its
    source cannot be read, and answers say so.
    """

    epoch: Epoch
    state: Literal["complete", "paused", "left"]
    read_at: Millis


class MarkTaken(Message, frozen=True):
    """The publication mark now in force, and how many of the agency's flags are live in it."""

    epoch: Epoch
    state: Literal["complete", "paused", "left"]
    read_at: Millis
    flags: Count
