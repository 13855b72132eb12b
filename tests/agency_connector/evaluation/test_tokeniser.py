"""The tokeniser's proofs: an evaluator that uses another key, or mixes answers up, is found out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from agency_connector.evaluation import tokeniser as module
from agency_connector.evaluation.tokeniser import EvaluatorDishonest, Tokeniser
from agency_connector.matching.scheme import MatchKey
from agency_connector.trust.anchors import EpochAnchor
from protocol import documents, tokens, voprf
from protocol.encoding import b64u_decode, b64u_encode
from protocol.epochs import partnership_key_fingerprint
from protocol.keys import SigningKey
from protocol.voprf import KeyPair
from schemas.epochs import EpochDescriptor
from schemas.evaluation import Evaluation, EvaluationRequest

KEY = voprf.derive_key_pair(bytes(range(32)), b"right")
WRONG = voprf.derive_key_pair(bytes(range(32)), b"wrong")
PARTNERSHIP_KEY = bytes(range(100, 132))


def anchor() -> EpochAnchor:
    descriptor = EpochDescriptor(
        partnership="borsetshire",
        epoch=1,
        scheme="1",
        evaluator_public_key=b64u_encode(KEY.public_key),
        evaluator_signing_key=b64u_encode(bytes(32)),
        partnership_key_fingerprint=partnership_key_fingerprint(PARTNERSHIP_KEY),
        opens_at=0,
        closes_at=1,
    )
    return EpochAnchor(
        descriptor, documents.sign(descriptor, SigningKey.generate()), PARTNERSHIP_KEY
    )


@dataclass
class InProcess:
    """An evaluator; `lie` changes what it answers to the batch with this number, from 0."""

    lie: Callable[[int, bytes, bytes], bytes] = lambda _, __, evaluated: evaluated
    key: KeyPair = KEY
    asked: list[EvaluationRequest] = field(default_factory=list)

    def call(self, _: Any, message: EvaluationRequest) -> Evaluation:
        number = len(self.asked)
        self.asked.append(message)
        elements = b64u_decode(message.elements)
        honest = voprf.evaluate(self.key.private_key, elements)
        told = self.lie(number, elements, honest)
        proof = voprf.prove(self.key.private_key, elements, honest) if message.proof else None
        return Evaluation(
            epoch=message.epoch,
            elements=b64u_encode(told),
            proof=None if proof is None else b64u_encode(proof),
            counted_today=0,
        )

    @property
    def sizes(self) -> list[int]:
        return [len(b64u_decode(one.elements)) // 32 for one in self.asked]


def with_wrong_key(batch: int) -> Callable[[int, bytes, bytes], bytes]:
    def lie(number: int, elements: bytes, honest: bytes) -> bytes:
        return voprf.evaluate(WRONG.private_key, elements) if number == batch else honest

    return lie


def with_two_swapped(number: int, _: bytes, honest: bytes) -> bytes:
    return honest[32:64] + honest[:32] + honest[64:] if number == 0 else honest


def inputs(count: int) -> list[bytes]:
    return [number.to_bytes(32, "big") for number in range(1, count + 1)]


@pytest.fixture
def short_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long run begins after 128 elements, so that tests are quick."""
    monkeypatch.setattr(module, "PROVEN_THROUGHOUT", 128)
    monkeypatch.setattr(module, "LARGEST_BATCH", 64)


def test_a_token_is_the_voprf_of_the_keyed_match_key() -> None:
    key = MatchKey("names-date", "anna|smith|1985-03-14")
    x = tokens.match_input(PARTNERSHIP_KEY, "borsetshire", 1, key.kind, key.value)
    blinded = voprf.blind([x])
    expected = voprf.finalize(
        [x], blinded.blinds, voprf.evaluate(KEY.private_key, blinded.elements)
    )
    assert Tokeniser(anchor(), InProcess(), "lookup").tokens([key]) == [expected[0][:16]]


@pytest.mark.parametrize(("count", "sizes"), [(1, [64]), (64, [64]), (65, [128]), (193, [1024])])
def test_batches_have_only_the_agreed_sizes(count: int, sizes: list[int]) -> None:
    evaluator = InProcess()
    made = Tokeniser(anchor(), evaluator, "publish").tokens_of(inputs(count))
    assert (len(made), evaluator.sizes) == (count, sizes)


def test_nothing_to_do_asks_nobody() -> None:
    evaluator = InProcess()
    assert Tokeniser(anchor(), evaluator, "publish").tokens_of([]) == []
    assert evaluator.asked == []


@pytest.mark.parametrize("use", ["lookup", "publish"])
@pytest.mark.parametrize("lie", [with_wrong_key(0), with_two_swapped])
def test_a_lie_in_a_proved_batch_is_found_at_once(use: Any, lie: Any) -> None:
    evaluator = InProcess(lie)
    with pytest.raises(EvaluatorDishonest, match="not made with the key that was handed over"):
        Tokeniser(anchor(), evaluator, use).tokens_of(inputs(3))
    assert len(evaluator.asked) == 1


def test_another_key_with_its_own_right_proof_is_found_out() -> None:
    with pytest.raises(EvaluatorDishonest):
        Tokeniser(anchor(), InProcess(key=WRONG), "lookup").tokens_of(inputs(3))


@pytest.mark.parametrize(
    "garbled", [b"", bytes(64 * 32), b"\xff" * 64 * 32], ids=["short", "identity", "no element"]
)
def test_an_answer_that_is_no_answer_is_refused(garbled: bytes) -> None:
    with pytest.raises(EvaluatorDishonest):
        Tokeniser(anchor(), InProcess(lambda *_: garbled), "lookup").tokens_of(inputs(3))


def test_a_proof_that_was_asked_for_may_not_be_left_out() -> None:
    class Silent(InProcess):
        def call(self, _: Any, message: EvaluationRequest) -> Evaluation:
            answer = super().call(_, message)
            return Evaluation(epoch=1, elements=answer.elements, proof=None, counted_today=0)

    with pytest.raises(EvaluatorDishonest):
        Tokeniser(anchor(), Silent(), "lookup").tokens_of(inputs(1))


@pytest.mark.usefixtures("short_run")
def test_every_lookup_is_proved_however_many_were_made() -> None:
    evaluator = InProcess()
    Tokeniser(anchor(), evaluator, "lookup").tokens_of(inputs(640))
    assert {one.proof for one in evaluator.asked} == {True}


@pytest.mark.usefixtures("short_run")
def test_a_long_run_is_proved_up_to_its_limit_and_then_as_drawn() -> None:
    """Each later batch is drawn after its answer; one that is drawn is sent again, the same."""
    evaluator = InProcess()
    drawn = iter([False, True, False])
    when: list[int] = []

    def draw() -> bool:
        when.append(len(evaluator.asked))
        return next(drawn)

    Tokeniser(anchor(), evaluator, "publish", draw).tokens_of(inputs(5 * 64))
    assert [one.proof for one in evaluator.asked] == [True, True, False, False, True, False]
    assert evaluator.asked[3].elements == evaluator.asked[4].elements
    assert when == [3, 4, 6]


@pytest.mark.usefixtures("short_run")
@pytest.mark.parametrize("lie", [with_wrong_key(2), lambda n, e, h: h[::-1] if n == 2 else h])
def test_a_lie_in_a_batch_that_is_drawn_afterwards_is_found(lie: Any) -> None:
    """Also if the batch is answered rightly when it comes again: the answers must be equal."""
    evaluator = InProcess(lie)
    with pytest.raises(EvaluatorDishonest):
        Tokeniser(anchor(), evaluator, "publish", lambda: True).tokens_of(inputs(3 * 64))
    assert len(evaluator.asked) == 4


@pytest.mark.usefixtures("short_run")
def test_the_same_lie_twice_fails_the_proof() -> None:
    def lie(number: int, elements: bytes, honest: bytes) -> bytes:
        return voprf.evaluate(WRONG.private_key, elements) if number >= 2 else honest

    with pytest.raises(EvaluatorDishonest):
        Tokeniser(anchor(), InProcess(lie), "publish", lambda: True).tokens_of(inputs(3 * 64))


@pytest.mark.usefixtures("short_run")
def test_a_batch_sent_again_must_be_answered_as_it_was_at_first() -> None:
    """Else one answer could be the one that is proved and the other the one that is used.

    Only the comparison sees this one: the second answer differs, and the proof that comes with it
    is right for the first, which is what was used.
    """

    def lie(number: int, _: bytes, honest: bytes) -> bytes:
        return honest[::-1] if number == 3 else honest

    evaluator = InProcess(lie)
    with pytest.raises(EvaluatorDishonest):
        Tokeniser(anchor(), evaluator, "publish", lambda: True).tokens_of(inputs(3 * 64))
    assert len(evaluator.asked) == 4


@pytest.mark.usefixtures("short_run")
@pytest.mark.parametrize("count", [63, 65], ids=["too short", "too long"])
def test_an_unproved_answer_has_an_element_for_each_that_was_sent(count: int) -> None:
    """Also where only dummies are missing or too many, so that what we need would be there."""
    evaluator = InProcess(lambda n, _, honest: (honest * 2)[: 32 * count] if n == 2 else honest)
    with pytest.raises(EvaluatorDishonest):
        Tokeniser(anchor(), evaluator, "publish", lambda: False).tokens_of(inputs(2 * 64 + 1))
    assert [one.proof for one in evaluator.asked] == [True, True, False]


def test_one_in_twenty_is_drawn() -> None:
    """The draw is of the system's random source; 2,000 draws lie within six deviations."""
    draw = Tokeniser(anchor(), InProcess(), "publish")._draw
    assert 40 < sum(draw() for _ in range(2000)) < 160
