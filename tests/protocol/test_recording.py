"""Entries, their hashes, receipts and commitments: one byte form each."""

import json
from pathlib import Path

import pytest

from protocol import commitments, receipts
from protocol.canonical import NotCanonical
from protocol.entries import EntryTooLarge, entry_bytes, new_entry_salt, read_entry
from protocol.keys import SigningKey
from protocol.merkle import leaf_hash, node_hash, tree_root
from protocol.receipts import BadReceipt
from protocol.verifier_keys import BadVerifierKey, read_verifier_key, verifier_key
from schemas.entries import Administration, Refusal
from schemas.envelopes import Envelope, Signature

ENTRY = Refusal(
    v=1,
    partnership="borsetshire",
    at=1,
    salt="A" * 22,
    agency="police",
    operation="look-up",
    code="too-wide",
    statement=None,
)
LOG = "borsetshire.ifi-log"


def test_an_entry_reads_back_from_exactly_its_bytes() -> None:
    assert read_entry(entry_bytes(ENTRY)) == ENTRY
    with pytest.raises(NotCanonical):
        read_entry(entry_bytes(ENTRY) + b" ")


def test_two_entries_of_one_act_have_different_bytes() -> None:
    assert new_entry_salt() != new_entry_salt()


def test_an_entry_that_fits_no_bundle_is_refused() -> None:
    document = Envelope(
        payload_type="x",
        payload="AAAA" * 20_000,
        signatures=(Signature(keyid="A" * 22, sig="A" * 86 + "=="),),
    )
    large = Administration(
        v=1, partnership="borsetshire", at=1, salt="A" * 22, act="desk-signed", agency="police",
        document=document, note=None,
    )  # fmt: skip
    with pytest.raises(EntryTooLarge):
        entry_bytes(large)


def test_a_receipt_is_for_one_entry_of_one_log_by_one_key() -> None:
    key = SigningKey.generate()
    receipt = receipts.issue(b"entry", LOG, 1, 2, key)
    assert receipts.check(receipt, b"entry", LOG, key.public).deadline == 2
    with pytest.raises(BadReceipt, match="another entry"):
        receipts.check(receipt, b"other", LOG, key.public)
    with pytest.raises(BadReceipt, match="another log"):
        receipts.check(receipt, b"entry", "felpersham.ifi-log", key.public)
    with pytest.raises(BadReceipt, match="not signed by the log"):
        receipts.check(receipt, b"entry", LOG, SigningKey.generate().public)


def test_a_commitment_opens_to_one_content_of_one_kind_with_one_salt() -> None:
    salt, other = commitments.new_salt(), commitments.new_salt()
    made = {
        commitments.commit(commitments.SHOWN, salt, b"a"),
        commitments.commit(commitments.WITHHELD, salt, b"a"),
        commitments.commit(commitments.SHOWN, other, b"a"),
        commitments.commit(commitments.SHOWN, salt, b"b"),
        commitments.commit_to_tokens(salt, 1, [b"a" * 16]),
        commitments.commit_to_tokens(salt, 2, [b"a" * 16]),
    }
    assert len(made) == 6
    with pytest.raises(ValueError, match="32 bytes"):
        commitments.commit(commitments.SHOWN, b"short", b"a")


def test_leaf_hashes_and_roots_are_those_of_a_real_log() -> None:
    """The 15 entries and 15 checkpoints of transparency-dev/tessera's test log (Apache-2.0)."""
    vectors = json.loads((Path(__file__).parent / "vectors" / "tessera_roots.json").read_text())
    leaves = [leaf_hash(bytes.fromhex(entry)) for entry in vectors["entries"]]
    for size, root in enumerate(vectors["roots"], start=1):
        assert tree_root(leaves[:size]).hex() == root
    assert tree_root([]).hex().startswith("e3b0c442")
    assert tree_root(leaves[:2]) == node_hash(leaves[0], leaves[1])


def test_a_published_verifier_key_is_read_and_written() -> None:
    """The verifier key of transparency-dev/tessera's test log."""
    text = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
    name, public = read_verifier_key(text)
    assert name == "example.com/log/testdata"
    assert verifier_key(name, public) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a+b",
        "example.com/log/testdata+33d7b497+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx",
        "example.com/log/other+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx",
        "example.com/log/testdata+33d7b496+AuHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx",
        "example.com/log/testdata+33d7b496+!!!",
    ],
)
def test_a_verifier_key_with_anything_changed_is_refused(text: str) -> None:
    with pytest.raises(BadVerifierKey):
        read_verifier_key(text)
