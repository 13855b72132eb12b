"""The evaluator's messages: blinded elements in, evaluated elements out (RFC 9497, mode 1)."""

from typing import Literal

from schemas.fields import (
    AgencyId,
    Bytes32,
    Bytes64,
    Count,
    Elements,
    Epoch,
    Message,
    Millis,
    PartnershipId,
)

EvaluationUse = Literal["publish", "lookup", "audit"]


class EvaluatorEpoch(Message, frozen=True):
    """The public key under which the evaluator answers in one epoch."""

    epoch: Epoch
    public_key: Bytes32


class EvaluatorIdentity(Message, frozen=True):
    """What an evaluator says of itself; believed only through an epoch descriptor."""

    partnership: PartnershipId
    signing_key: Bytes32
    epochs: tuple[EvaluatorEpoch, ...]
    now: Millis


class EvaluationRequest(Message, frozen=True):
    """Blinded elements to evaluate; `use` is the quota they count against."""

    epoch: Epoch
    use: EvaluationUse
    elements: Elements
    proof: bool


class Evaluation(Message, frozen=True):
    """The evaluated elements in the same order, the proof if asked, and today's count so far."""

    epoch: Epoch
    elements: Elements
    proof: Bytes64 | None
    counted_today: Count


class DailyCount(Message, frozen=True):
    """How many elements were evaluated for one agency, in one epoch and for one use."""

    agency: AgencyId
    epoch: Epoch
    use: EvaluationUse
    elements: Count


class EvaluatorCounts(Message, frozen=True):
    """Signed by the evaluator: everything that it evaluated on the day (UTC) that began at `day`.

    An agency, epoch and use that is not in `counts` had nothing evaluated.
    """

    partnership: PartnershipId
    day: Millis
    counts: tuple[DailyCount, ...]
    signed_at: Millis
