"""Witnesses: the key with which an agency cosigns checkpoints of the log, and what it cosigned."""

from typing import Annotated, Literal

from msgspec import Meta

from schemas.fields import AgencyId, Count, Message, Millis, PartnershipId, VerifierKey


class WitnessDeclaration(Message, frozen=True):
    """Signed by its agency: with this key, and no other, it cosigns checkpoints of the log.

    `witness_key` is a C2SP verifier key of type 0x04, named as `protocol.log.witness` says. Other
    connectors believe it through the agency's signing key, never because the index lists it.
    """

    partnership: PartnershipId
    agency: AgencyId
    witness_key: VerifierKey
    signed_at: Millis


class CosignedCheckpoint(Message, frozen=True):
    """A checkpoint of the index's own log as a C2SP signed note: the log's line and the caller's.

    It carries the log's own signature, so that an index which lost entries can tell that from what
    it gets back.
    """

    note: Annotated[str, Meta(min_length=1, max_length=4_000)]


class CosignatureKept(Message, frozen=True):
    """The index has kept the cosignature; `size` is that of the log it publishes now.

    `standing` says whether the index's own tree continues the checkpoint. If not, the index has
    lost entries, and signs nothing more.
    """

    standing: Literal["continued", "not-continued"]
    size: Count
