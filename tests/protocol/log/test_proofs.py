"""Proofs: the published ones are judged as published, and ours are those of RFC 6962."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.log.errors import BadProof, BadTile, NoSuchProof
from protocol.log.proofs import (
    EMPTY,
    Head,
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
    tree_head,
)
from protocol.merkle import node_hash
from tests.protocol.log.trees import VECTORS, GrownLog, leaf, leaves, mth, path, subproof

INCLUSION = json.loads((VECTORS / "merkle_inclusion_proofs.json").read_text())
CONSISTENCY = json.loads((VECTORS / "merkle_consistency_proofs.json").read_text())
LARGEST = 40


def decoded(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def decoded_proof(vector: dict[str, Any]) -> list[bytes]:
    return [decoded(part) for part in vector["proof"] or []]


@pytest.fixture(scope="module")
def log() -> GrownLog:
    """A log that was published at each size up to LARGEST."""
    return GrownLog(*([leaf(number)] for number in range(LARGEST)))


def test_all_the_published_proofs_are_here() -> None:
    assert (len(INCLUSION), len(CONSISTENCY)) == (98, 98)


@pytest.mark.parametrize("vector", INCLUSION, ids=lambda vector: vector["name"])
def test_a_published_inclusion_proof_is_judged_as_published(vector: dict[str, Any]) -> None:
    head = Head(vector["treeSize"], decoded(vector["root"]))
    arguments = decoded(vector["leafHash"]), vector["leafIdx"], head, decoded_proof(vector)
    if vector["wantErr"]:
        with pytest.raises(BadProof):
            check_inclusion(*arguments)
    else:
        check_inclusion(*arguments)


@pytest.mark.parametrize("vector", CONSISTENCY, ids=lambda vector: vector["name"])
def test_a_published_consistency_proof_is_judged_as_published(vector: dict[str, Any]) -> None:
    old = Head(vector["size1"], decoded(vector["root1"]))
    new = Head(vector["size2"], decoded(vector["root2"]))
    if vector["wantErr"]:
        with pytest.raises(BadProof):
            check_consistency(old, new, decoded_proof(vector))
    else:
        check_consistency(old, new, decoded_proof(vector))


@pytest.mark.parametrize("size", range(1, LARGEST + 1))
def test_our_proofs_are_those_of_the_standard_and_are_accepted(log: GrownLog, size: int) -> None:
    """Every leaf, and every past, of every tree up to 40, against RFC 6962's own recursion."""
    hashes = log.hashes(size)
    head = tree_head(hashes, size)
    assert head.root == mth(leaves(size))
    for index in range(size):
        proof = inclusion_proof(hashes, index, size)
        assert list(proof) == path(index, leaves(size))
        check_inclusion(leaf(index), index, head, proof)
    for old in range(1, size + 1):
        proof = consistency_proof(hashes, old, size)
        assert list(proof) == subproof(old, leaves(size))
        check_consistency(Head(old, mth(leaves(old))), head, proof)


@given(size=st.integers(2, LARGEST), data=st.data())
def test_a_proof_with_anything_changed_is_refused(size: int, data: st.DataObject) -> None:
    log = GrownLog(leaves(size))
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size - 1))
    inclusion = inclusion_proof(log.hashes(), index, size)
    consistency = consistency_proof(log.hashes(), old, size)
    past = Head(old, mth(leaves(old)))
    for proof in changed(inclusion, data):
        with pytest.raises(BadProof):
            check_inclusion(leaf(index), index, log.head, proof)
    for proof in changed(consistency, data):
        with pytest.raises(BadProof):
            check_consistency(past, log.head, proof)
    with pytest.raises(BadProof):
        check_inclusion(leaf(index + 1), index, log.head, inclusion)
    with pytest.raises(BadProof):
        check_consistency(Head(old, leaf(99)), log.head, consistency)


def changed(proof: tuple[bytes, ...], data: st.DataObject) -> list[tuple[bytes, ...]]:
    """The proof with a bit flipped, a hash too few, too many, short or long."""
    place = data.draw(st.integers(0, len(proof) - 1))
    bit = data.draw(st.integers(0, 255))
    flipped = (int.from_bytes(proof[place], "big") ^ (1 << bit)).to_bytes(32, "big")
    return [
        (*proof[:place], flipped, *proof[place + 1 :]),
        (*proof[:place], *proof[place + 1 :]),
        (*proof, leaf(7)),
        (leaf(7), *proof),
        (*proof[:place], proof[place][:31], *proof[place + 1 :]),
        (*proof[:place], proof[place] + b"\x00", *proof[place + 1 :]),
    ]


def test_a_proof_that_goes_on_above_the_root_is_too_long() -> None:
    """Even to roots that a log made up for it: the size says how high a tree is."""
    above = leaf(99)
    with pytest.raises(BadProof, match="too long"):
        check_inclusion(leaf(0), 0, Head(1, node_hash(above, leaf(0))), (above,))
    old, new = (Head(size, node_hash(above, mth(leaves(size)))) for size in (3, 4))
    with pytest.raises(BadProof, match="too long"):
        check_consistency(old, new, (*subproof(3, leaves(4)), above))


def test_the_root_that_a_proof_leads_to_has_32_bytes_and_so_has_the_leaf() -> None:
    with pytest.raises(BadProof, match="32 bytes"):
        check_inclusion(b"", 0, Head(1, b""), ())
    with pytest.raises(BadProof, match="32 bytes"):
        check_consistency(Head(1, b""), Head(2, leaf(0)), (leaf(0),))


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 1), (2, 1), (-1, 1)])
def test_nothing_is_proved_from_size_0_or_backwards(old: int, new: int) -> None:
    """As transparency-dev/merkle has it; a witness that starts at size 0 decides for itself."""
    root = leaf(0)
    with pytest.raises(BadProof):
        check_consistency(Head(old, root), Head(new, root), ())


@pytest.mark.parametrize("index", [-1, 0, 1, 2**64 - 1])
def test_an_empty_tree_holds_nothing(index: int) -> None:
    with pytest.raises(BadProof):
        check_inclusion(leaf(0), index, EMPTY, ())


def test_a_proof_of_what_is_not_in_the_tree_is_not_made(log: GrownLog) -> None:
    with pytest.raises(NoSuchProof):
        inclusion_proof(log.hashes(3), 3, 3)
    with pytest.raises(NoSuchProof):
        inclusion_proof(log.hashes(3), -1, 3)
    with pytest.raises(NoSuchProof):
        consistency_proof(log.hashes(3), 4, 3)
    with pytest.raises(NoSuchProof):
        tree_head(log.hashes(3), -1)
    with pytest.raises(BadTile):
        inclusion_proof(log.hashes(3), 0, 4)
    assert consistency_proof(log.hashes(3), 0, 3) == ()
    assert consistency_proof(log.hashes(3), 3, 3) == ()
    assert tree_head(log.hashes(0), 0) == EMPTY
