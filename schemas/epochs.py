"""The epoch descriptor: what fixes a generation of keys and scheme."""

from schemas.fields import Bytes32, Epoch, Message, Millis, PartnershipId, SchemeId


class EpochDescriptor(Message, frozen=True):
    """Signed by the member that opened the epoch; in the log and in every hand-over package.

    `evaluator_public_key` is the ristretto255 element of the VOPRF key; `evaluator_signing_key`
    the Ed25519 key of the evaluator's responses; `partnership_key_fingerprint` is SHA-256 as
    `protocol.epochs` computes it. `closes_at` is when lookups in it end.
    """

    partnership: PartnershipId
    epoch: Epoch
    scheme: SchemeId
    evaluator_public_key: Bytes32
    evaluator_signing_key: Bytes32
    partnership_key_fingerprint: Bytes32
    opens_at: Millis
    closes_at: Millis
