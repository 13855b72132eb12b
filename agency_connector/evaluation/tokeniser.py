"""Match keys to match tokens: blinded, evaluated, proved as the policy asks, and unblinded.

The policy of proofs (DESIGN 3.1): every batch of a lookup is proved, and every batch of a run
until the run has sent PROVEN_THROUGHOUT elements. Of later batches one in PROVED_LATER is drawn
when its answer is there, and sent again to be proved: the evaluator cannot tell beforehand which.
"""

import secrets
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol

from agency_connector.matching.scheme import MatchKey
from agency_connector.trust.anchors import EpochAnchor
from foundation.operator import OperatorError
from protocol import tokens, voprf
from protocol.encoding import EncodingError, b64u_decode, b64u_encode
from protocol.tokens import EVALUATION_SIZES, SALT_BYTES
from protocol.voprf import ELEMENT_BYTES, PROOF_BYTES, SCALAR_BYTES, VoprfError
from schemas.evaluation import Evaluation, EvaluationRequest, EvaluationUse
from schemas.operations import EVALUATE, Operation

PROVEN_THROUGHOUT: Final = 100_000
"""Elements of one run of publishing up to which every batch is proved at once."""
PROVED_LATER: Final = 20
"""One batch in so many is proved afterwards, beyond that."""
LARGEST_BATCH: Final = EVALUATION_SIZES[-1]


class EvaluatorDishonest(OperatorError):
    """The evaluator's answer was not made with the key that was handed over."""

    def __init__(self) -> None:
        super().__init__(
            "the evaluator's answer was not made with the key that was handed over, so nothing of "
            "it was used: phone the evaluator's operator and another member, and publish and "
            "search nothing until it is explained"
        )


class Evaluator(Protocol):
    """The evaluator as the transport reaches it."""

    def call(self, operation: Operation, message: EvaluationRequest) -> Any:
        """Return the answer, an Evaluation; raise OperatorError if none can be had."""


class Tokeniser:
    """Makes match tokens in one epoch; one object is one run, be it a lookup or a sync.

    `client` reaches the evaluator and `use` is the quota that the elements count against. `draw`
    tells of a batch beyond PROVEN_THROUGHOUT, after it was answered, whether it is to be proved.
    """

    def __init__(
        self,
        anchor: EpochAnchor,
        client: Evaluator,
        use: EvaluationUse,
        draw: Callable[[], bool] = lambda: secrets.randbelow(PROVED_LATER) == 0,
    ) -> None:
        self._anchor = anchor
        self._client = client
        self._use = use
        self._draw = draw
        self._sent = 0

    def input_of(self, key: MatchKey) -> bytes:
        """Return the 32 bytes that are blinded for `key`; they are as secret as the key itself."""
        told = self._anchor.descriptor
        return tokens.match_input(
            self._anchor.partnership_key, told.partnership, told.epoch, key.kind, key.value
        )

    def tokens(self, keys: Iterable[MatchKey]) -> list[bytes]:
        """Return one token of 16 bytes for each key, in order. Raises as `tokens_of` does."""
        return self.tokens_of([self.input_of(key) for key in keys])

    def tokens_of(self, inputs: Sequence[bytes]) -> list[bytes]:
        """Return one token of 16 bytes for each input of 32 bytes (`input_of`), in order.

        Raises what the client raises if the evaluator cannot be reached or refuses, and
        EvaluatorDishonest if what it answers is not made with the epoch's key.
        """
        made: list[bytes] = []
        for start in range(0, len(inputs), LARGEST_BATCH):
            made += self._batch(inputs[start : start + LARGEST_BATCH])
        return made

    def _batch(self, inputs: Sequence[bytes]) -> list[bytes]:
        size = tokens.padded_size(len(inputs), EVALUATION_SIZES)
        dummies = tokens.dummy_inputs(secrets.token_bytes(SALT_BYTES), size - len(inputs))
        blinded = voprf.blind([*inputs, *dummies])
        self._sent += size
        at_once = self._use != "publish" or self._sent <= PROVEN_THROUGHOUT
        evaluated, proof = self._asked(blinded.elements, proof=at_once)
        if not at_once and self._draw():
            again, proof = self._asked(blinded.elements, proof=True)
            if again != evaluated:
                raise EvaluatorDishonest
        own = len(inputs)
        try:
            if proof is not None:
                voprf.verify(self._anchor.evaluator_public_key, blinded.elements, evaluated, proof)
            outputs = voprf.finalize(
                inputs, blinded.blinds[: own * SCALAR_BYTES], evaluated[: own * ELEMENT_BYTES]
            )
        except VoprfError as error:
            raise EvaluatorDishonest from error
        return [tokens.token(output) for output in outputs]

    def _asked(self, elements: bytes, *, proof: bool) -> tuple[bytes, bytes | None]:
        """Return as many evaluated elements as were sent, and the proof if one was asked for."""
        answer: Evaluation = self._client.call(
            EVALUATE,
            EvaluationRequest(
                epoch=self._anchor.epoch,
                use=self._use,
                elements=b64u_encode(elements),
                proof=proof,
            ),
        )
        try:
            evaluated = b64u_decode(answer.elements, len(elements))
        except EncodingError as error:
            raise EvaluatorDishonest from error
        if not proof:
            return evaluated, None
        if answer.proof is None:
            raise EvaluatorDishonest
        return evaluated, b64u_decode(answer.proof, PROOF_BYTES)
