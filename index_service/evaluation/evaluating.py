"""Evaluates blinded elements: first the count is durable, then the answer is made."""

from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection

from foundation.problems import Problem
from index_service.evaluation import storage
from index_service.evaluation.installation import Evaluator
from protocol import voprf
from protocol.encoding import EncodingError, b64u_decode, b64u_encode
from protocol.signed_api import Caller
from protocol.tokens import EVALUATION_SIZES
from protocol.voprf import ELEMENT_BYTES, InvalidElement, KeyPair
from schemas.evaluation import (
    Evaluation,
    EvaluationRequest,
    EvaluatorEpoch,
    EvaluatorIdentity,
)

DAY_MS: Final = 24 * 60 * 60 * 1000


def identity(evaluator: Evaluator) -> EvaluatorIdentity:
    """Return what the evaluator says of itself: its signing key and every live epoch's key."""
    return EvaluatorIdentity(
        partnership=evaluator.partnership,
        signing_key=b64u_encode(evaluator.keys.signing.public),
        epochs=tuple(
            EvaluatorEpoch(epoch=epoch, public_key=b64u_encode(pair.public_key))
            for epoch, pair in evaluator.keys.epochs.items()
        ),
        now=evaluator.clock(),
    )


def evaluate(
    connection: Connection, evaluator: Evaluator, caller: Caller, asked: EvaluationRequest
) -> Callable[[], Evaluation]:
    """Count the elements; what is returned evaluates them, once the count is committed.

    Raises Problem: 422 for an unknown epoch, another size than the agreed ones, or something that
    is no element (those are counted all the same); 429 over the quota, and then nothing counts.
    """
    pair = evaluator.keys.epochs.get(asked.epoch)
    if pair is None:
        live = ", ".join(map(str, evaluator.keys.epochs)) or "none"
        raise Problem(
            422,
            "unknown-epoch",
            f"This evaluator has no key for epoch {asked.epoch}; its live epochs: {live}. Ask its "
            "operator whether the epoch is still to be opened or has been closed.",
        )
    elements = _elements(asked.elements)
    now = evaluator.clock()
    today = now - now % DAY_MS
    quota = evaluator.settings.quotas.of(asked.use)
    counted = storage.count(
        connection,
        caller.agency,
        today,
        asked.epoch,
        asked.use,
        len(elements) // ELEMENT_BYTES,
        quota,
    )
    if counted is None:
        raise _over_quota(asked, quota, today + DAY_MS - now)

    def answer() -> Evaluation:
        evaluated = _evaluated(pair, elements)
        proof = voprf.prove(pair.private_key, elements, evaluated) if asked.proof else None
        return Evaluation(
            epoch=asked.epoch,
            elements=b64u_encode(evaluated),
            proof=None if proof is None else b64u_encode(proof),
            counted_today=counted,
        )

    return answer


def _elements(text: str) -> bytes:
    try:
        elements = b64u_decode(text)
    except EncodingError:
        raise Problem(
            422, "encoding", "The elements are not base64url without padding (RFC 4648 §5)."
        ) from None
    if len(elements) not in {size * ELEMENT_BYTES for size in EVALUATION_SIZES}:
        sizes = ", ".join(map(str, EVALUATION_SIZES))
        raise Problem(
            422,
            "batch-size",
            f"The elements are {len(elements)} bytes. Send batches of {sizes} elements of "
            f"{ELEMENT_BYTES} bytes, filled up with dummies.",
        )
    return elements


def _over_quota(asked: EvaluationRequest, quota: int, wait_ms: int) -> Problem:
    seconds = -(-wait_ms // 1000)
    problem = Problem(
        429,
        "quota",
        f"This would be more than the {quota} elements a day that this agency has for "
        f"{asked.use} in epoch {asked.epoch}. The next day begins in {seconds} seconds, at "
        "midnight UTC; if the quota is too small, ask the evaluator's operator.",
        retry_after=seconds,
    )
    problem.headers["Retry-After"] = str(seconds)
    return problem


def _evaluated(pair: KeyPair, elements: bytes) -> bytes:
    try:
        return voprf.evaluate(pair.private_key, elements)
    except InvalidElement:
        position = _first_bad(pair, elements)
        raise Problem(
            422,
            "invalid-element",
            f"The element at position {position}, counted from 0, is none of the group. Nothing "
            "was evaluated; the batch was counted.",
            position=position,
        ) from None


def _first_bad(pair: KeyPair, elements: bytes) -> int:
    for start in range(0, len(elements), ELEMENT_BYTES):
        try:
            voprf.evaluate(pair.private_key, elements[start : start + ELEMENT_BYTES])
        except InvalidElement:
            return start // ELEMENT_BYTES
    raise RuntimeError("a batch was refused in which every element is good")
