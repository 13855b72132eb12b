"""protocol.voprf: RFC 9497's own vectors, and what a cheating client or evaluator may not do."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import ristretto, voprf
from protocol.voprf import InvalidElement, InvalidScalar, Mode, ProofError, VoprfError

VECTORS = json.loads((Path(__file__).parent / "vectors" / "rfc9497_vectors.json").read_text())
SUITES = {suite["mode"]: suite for suite in VECTORS["suites"]}
CASES = [
    pytest.param(SUITES[mode], vector, id=f"mode{mode}-{number}")
    for mode in (0, 1)
    for number, vector in enumerate(SUITES[mode]["vectors"])
]
ONE = (1).to_bytes(32, "little")
KEYS = voprf.derive_key_pair(bytes(32), b"test")
OTHER_KEYS = voprf.derive_key_pair(bytes(32), b"another")


def joined(values: str | list[str]) -> bytes:
    return bytes.fromhex("".join(values))


def exchange(inputs: list[bytes]) -> tuple[voprf.Blinded, bytes, bytes]:
    blinded = voprf.blind(inputs)
    evaluated = voprf.evaluate(KEYS.private_key, blinded.elements)
    return blinded, evaluated, voprf.prove(KEYS.private_key, blinded.elements, evaluated)


def test_the_vectors_of_both_modes_are_all_there() -> None:
    assert [len(SUITES[mode]["vectors"]) for mode in (0, 1)] == [2, 3]
    assert max(vector["batch"] for vector in SUITES[1]["vectors"]) == 2


@pytest.mark.parametrize("mode", list(Mode))
def test_rfc9497_key_derivation(mode: Mode) -> None:
    suite = SUITES[mode]
    keys = voprf.derive_key_pair(
        bytes.fromhex(suite["seed"]), bytes.fromhex(suite["keyInfo"]), mode=mode
    )
    assert keys.private_key.hex() == suite["skSm"]
    assert voprf.public_key(keys.private_key) == keys.public_key
    assert keys.public_key.hex() == suite.get("pkSm", keys.public_key.hex())


@pytest.mark.parametrize(("suite", "vector"), CASES)
def test_rfc9497_blinding_evaluation_and_output(
    suite: dict[str, Any], vector: dict[str, Any]
) -> None:
    inputs = [bytes.fromhex(text) for text in vector["input"]]
    blinded = voprf.blind(inputs, blinds=joined(vector["blind"]), mode=Mode(suite["mode"]))
    assert blinded.elements == joined(vector["blindedElement"])
    evaluated = voprf.evaluate(bytes.fromhex(suite["skSm"]), blinded.elements)
    assert evaluated == joined(vector["evaluationElement"])
    outputs = voprf.finalize(inputs, blinded.blinds, evaluated)
    assert [output.hex() for output in outputs] == vector["output"]


@pytest.mark.parametrize("vector", SUITES[1]["vectors"])
def test_rfc9497_proofs_single_and_batched(vector: dict[str, Any]) -> None:
    elements, evaluated = joined(vector["blindedElement"]), joined(vector["evaluationElement"])
    private_key, public_key = (bytes.fromhex(SUITES[1][name]) for name in ("skSm", "pkSm"))
    proof = voprf.prove(
        private_key, elements, evaluated, r=bytes.fromhex(vector["proofRandomScalar"])
    )
    assert proof == joined(vector["proof"])
    voprf.verify(public_key, elements, evaluated, proof)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.binary(max_size=80), min_size=1, max_size=6))
def test_blinding_changes_nothing_in_the_outputs(inputs: list[bytes]) -> None:
    """The round trip gives the evaluation of inputs that nobody blinded (blinds of one)."""
    blinded, evaluated, proof = exchange(inputs)
    voprf.verify(KEYS.public_key, blinded.elements, evaluated, proof)
    plain = voprf.blind(inputs, blinds=ONE * len(inputs))
    assert voprf.finalize(inputs, blinded.blinds, evaluated) == voprf.finalize(
        inputs, plain.blinds, voprf.evaluate(KEYS.private_key, plain.elements)
    )
    assert blinded.elements != plain.elements


@settings(max_examples=15, deadline=None)
@given(st.lists(st.binary(max_size=20), min_size=1, max_size=4), st.binary(max_size=8))
def test_another_keys_evaluation_is_refused(inputs: list[bytes], name: bytes) -> None:
    """Whatever key is used, alone or for a single element, the pinned key's proof is needed."""
    other = voprf.derive_key_pair(b"\x01" * 32, name)
    blinded, evaluated, proof = exchange(inputs)
    theirs = voprf.evaluate(other.private_key, blinded.elements)
    their_proof = voprf.prove(other.private_key, blinded.elements, theirs)
    voprf.verify(other.public_key, blinded.elements, theirs, their_proof)
    for output, shown in (
        (theirs, their_proof),
        (theirs, proof),
        (evaluated, their_proof),
        (theirs[:32] + evaluated[32:], proof),
    ):
        with pytest.raises(ProofError):
            voprf.verify(KEYS.public_key, blinded.elements, output, shown)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.binary(max_size=20), min_size=2, max_size=6, unique=True), st.data())
def test_swapped_elements_are_refused(inputs: list[bytes], data: st.DataObject) -> None:
    blinded, evaluated, proof = exchange(inputs)
    order = data.draw(st.permutations(range(len(inputs))).filter(lambda o: list(o) != sorted(o)))
    swapped = b"".join(evaluated[32 * i : 32 * i + 32] for i in order)
    with pytest.raises(ProofError):
        voprf.verify(KEYS.public_key, blinded.elements, swapped, proof)
    with pytest.raises(ProofError):
        voprf.verify(
            KEYS.public_key,
            blinded.elements,
            swapped,
            voprf.prove(KEYS.private_key, blinded.elements, swapped),
        )


@pytest.mark.parametrize("half", [0, 32])
@pytest.mark.parametrize("bit", [0, 7, 251])
def test_a_proof_with_one_bit_changed_is_refused(half: int, bit: int) -> None:
    blinded, evaluated, proof = exchange([b"a", b"b"])
    changed = bytearray(proof)
    changed[half + bit // 8] ^= 1 << bit % 8
    with pytest.raises(ProofError):
        voprf.verify(KEYS.public_key, blinded.elements, evaluated, bytes(changed))


@pytest.mark.parametrize("half", [0, 1])
def test_a_proofs_scalars_have_one_encoding(half: int) -> None:
    """Adding the order, or setting bit 255, means the same to libsodium: both are refused."""
    blinded, evaluated, proof = exchange([b"a"])
    halves = [proof[:32], proof[32:]]
    value = int.from_bytes(halves[half], "little")
    for second in (value + ristretto.ORDER, value + 2**255):
        halves[half] = second.to_bytes(32, "little")
        with pytest.raises(ProofError, match="two scalars"):
            voprf.verify(KEYS.public_key, blinded.elements, evaluated, b"".join(halves))


@pytest.mark.parametrize("size", [0, 63, 65, 96])
def test_a_proof_of_another_length_is_refused(size: int) -> None:
    blinded, evaluated, proof = exchange([b"a"])
    with pytest.raises(ProofError, match="64 bytes"):
        voprf.verify(KEYS.public_key, blinded.elements, evaluated, (proof * 2)[:size])


@pytest.mark.parametrize(
    "public_key", [b"", KEYS.public_key[:31], KEYS.public_key * 2, bytes(32), b"\xff" * 32]
)
def test_a_public_key_that_is_no_element_is_refused(public_key: bytes) -> None:
    blinded, evaluated, proof = exchange([b"a"])
    with pytest.raises(InvalidElement):
        voprf.verify(public_key, blinded.elements, evaluated, proof)


def test_a_public_key_has_one_encoding() -> None:
    """libsodium ignores bit 255; a proof made for the second spelling is refused all the same."""
    blinded, evaluated, proof = exchange([b"a"])
    second = KEYS.public_key[:31] + bytes([KEYS.public_key[31] | 0x80])
    with pytest.raises(InvalidElement, match="canonical"):
        voprf.verify(second, blinded.elements, evaluated, proof)


def test_sums_that_cancel_are_a_wrong_proof() -> None:
    """s*A + c*B = 0 is what c = 1, s = -k gives: it must not pass through additions as a value."""
    blinded, evaluated, _ = exchange([b"a"])
    minus = ristretto.ORDER - int.from_bytes(KEYS.private_key, "little")
    with pytest.raises(ProofError, match="identity"):
        voprf.verify(
            KEYS.public_key, blinded.elements, evaluated, ONE + minus.to_bytes(32, "little")
        )


def test_batches_of_unequal_length_are_refused() -> None:
    inputs = [b"a", b"b"]
    blinded, evaluated, proof = exchange(inputs)
    with pytest.raises(InvalidElement, match="expected 2 evaluated"):
        voprf.verify(KEYS.public_key, blinded.elements, evaluated[:32], proof)
    with pytest.raises(InvalidElement, match="expected 2 evaluated"):
        voprf.prove(KEYS.private_key, blinded.elements, evaluated + evaluated)
    with pytest.raises(InvalidElement, match="expected 2 evaluated"):
        voprf.finalize(inputs, blinded.blinds, evaluated[:32])
    with pytest.raises(InvalidScalar, match="expected 2 scalars"):
        voprf.finalize(inputs, blinded.blinds[:32], evaluated)
    with pytest.raises(InvalidScalar, match="expected 2 scalars"):
        voprf.blind(inputs, blinds=ONE)


def test_an_empty_batch_is_refused() -> None:
    with pytest.raises(VoprfError):
        voprf.blind([])
    with pytest.raises(VoprfError):
        voprf.finalize([], b"", b"")
    with pytest.raises(InvalidElement):
        voprf.evaluate(KEYS.private_key, b"")


def test_what_two_bytes_cannot_count_is_refused() -> None:
    """Positions and lengths are two bytes in every hash (RFC 9497 §2.2.1, §3.3.1)."""
    element = KEYS.public_key
    with pytest.raises(InvalidElement, match="at most 65535"):
        voprf.evaluate(KEYS.private_key, element * 65536)
    with pytest.raises(InvalidElement, match="at most 65535"):
        voprf.prove(KEYS.private_key, element * 65536, element * 65536)
    with pytest.raises(VoprfError, match="1 to 65535 inputs"):
        voprf.blind([b""] * 65536)
    with pytest.raises(VoprfError, match="longer"):
        voprf.blind([bytes(65536)])
    with pytest.raises(VoprfError, match="longer"):
        voprf.finalize([bytes(65536)], ONE, element)
    with pytest.raises(VoprfError, match="65535 bytes of info"):
        voprf.derive_key_pair(bytes(32), bytes(65536))
    assert len(voprf.blind([bytes(65535)]).elements) == 32


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_seed_is_32_bytes(size: int) -> None:
    with pytest.raises(VoprfError, match="seed"):
        voprf.derive_key_pair(bytes(size), b"")


def test_key_derivation_takes_the_next_scalar_when_one_is_zero(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    honest, calls = ristretto.reduce_scalar, []

    def zero_first(uniform: bytes) -> bytes:
        calls.append(uniform)
        return bytes(32) if len(calls) == 1 else honest(uniform)

    monkeypatch.setattr(ristretto, "reduce_scalar", zero_first)
    keys = voprf.derive_key_pair(bytes(32), b"test")
    assert any(keys.private_key)
    assert keys.private_key != KEYS.private_key
    monkeypatch.setattr(ristretto, "reduce_scalar", lambda _: bytes(32))
    with pytest.raises(VoprfError, match="draw another"):
        voprf.derive_key_pair(bytes(32), b"test")


def test_proofs_and_blinds_are_drawn_afresh() -> None:
    """One r in two proofs gives the key away; one blind for two inputs shows they are equal."""
    blinded, evaluated, proof = exchange([b"a", b"a"])
    assert voprf.prove(KEYS.private_key, blinded.elements, evaluated) != proof
    assert blinded.blinds[:32] != blinded.blinds[32:]
    assert blinded.elements[:32] != blinded.elements[32:]


def test_one_bad_element_refuses_the_batch_and_is_named_by_position() -> None:
    elements = KEYS.public_key + bytes(32) + KEYS.public_key
    with pytest.raises(InvalidElement, match="element 1 of 3"):
        voprf.evaluate(KEYS.private_key, elements)


def test_no_repr_shows_a_secret() -> None:
    keys, blinded = KEYS, voprf.blind([b"a"])
    for shown in (repr(keys), str(keys), repr(blinded), f"{blinded}"):
        for secret in (keys.private_key, blinded.blinds):
            assert repr(secret) not in shown
            assert secret.hex() not in shown
            assert str(int.from_bytes(secret, "little")) not in shown
    assert "private_key" not in repr(keys)
    assert "blinds" not in repr(blinded)


@pytest.mark.parametrize("suffix", [b"", b"\xff"])
def test_no_error_shows_a_secret(suffix: bytes) -> None:
    """A key out of range, and one of a wrong length: the message holds no form of its bytes."""
    secret = bytes(range(200, 231)) + b"\xee" + suffix
    element = KEYS.public_key
    attempts = [
        lambda: voprf.public_key(secret),
        lambda: voprf.evaluate(secret, element),
        lambda: voprf.prove(secret, element, element),
        lambda: voprf.prove(KEYS.private_key, element, element, r=secret),
        lambda: voprf.blind([b"a"], blinds=secret),
        lambda: voprf.finalize([b"a"], secret, element),
    ]
    for attempt in attempts:
        with pytest.raises(InvalidScalar) as refusal:
            attempt()
        shown = repr(refusal.value) + str(refusal.value)
        assert secret[:4].hex() not in shown
        assert repr(secret)[2:10] not in shown
        assert str(int.from_bytes(secret, "little"))[:6] not in shown


def test_every_refusal_is_one_family() -> None:
    assert issubclass(VoprfError, ValueError)
    for error in (InvalidElement, InvalidScalar, ProofError):
        assert issubclass(error, VoprfError)
