"""Proof files: what a complainant keeps, checked against a trust file and nothing else."""

import base64

import pytest

from protocol.keys import SigningKey
from protocol.log.checkpoints import sign_checkpoint
from protocol.log.errors import BadLogProof, BadProof, NotCosigned, NotVerified
from protocol.log.log_proofs import MAX_EXTRA_BYTES, LogProof, check_log_proof, read_log_proof
from protocol.log.notes import cosign, with_signatures
from protocol.log.policies import majority_policy, read_policy
from protocol.log.proofs import Head, inclusion_proof
from protocol.verifier_keys import KeyType, VerifierKey
from tests.protocol.log.trees import GrownLog, leaf, leaves

ORIGIN = "borsetshire.ifi-log"
KEY, WITNESS_KEY = SigningKey.generate(), SigningKey.generate()
POLICY = read_policy(
    majority_policy(
        VerifierKey(ORIGIN, KeyType.ED25519, KEY.public),
        {"police": VerifierKey("police", KeyType.COSIGNATURE, WITNESS_KEY.public)},
    )
)
GROWN = GrownLog(leaves(300))
CHECKPOINT = sign_checkpoint(ORIGIN, GROWN.head, KEY)
COSIGNED = with_signatures(CHECKPOINT, [cosign(CHECKPOINT.text, "police", WITNESS_KEY, 1_000)])


def proof_of(index: int, extra: bytes | None = None) -> LogProof:
    return LogProof(index, inclusion_proof(GROWN.hashes(), index, 300), COSIGNED.to_bytes(), extra)


@pytest.mark.parametrize("index", [0, 255, 299])
@pytest.mark.parametrize("extra", [None, b"", b"anything"])
def test_a_proof_file_reads_back_and_proves_its_entry(index: int, extra: bytes | None) -> None:
    proof = proof_of(index, extra)
    assert read_log_proof(proof.to_bytes()) == proof
    standing = check_log_proof(read_log_proof(proof.to_bytes()), leaf(index), POLICY)
    assert dict(standing.cosigned) == {"police": 1_000}
    for other in (leaf(index + 1), b""):
        with pytest.raises(BadProof):
            check_log_proof(proof, other, POLICY)


def test_the_file_has_the_lines_of_the_specification() -> None:
    lines = proof_of(299, b"x").to_bytes().decode().split("\n")
    assert lines[:3] == ["c2sp.org/tlog-proof@v1", "extra eA==", "index 299"]
    blank = lines.index("")
    assert [base64.b64decode(line) for line in lines[3:blank]] == list(proof_of(299).proof)
    assert "\n".join(lines[blank + 1 :]).encode() == COSIGNED.to_bytes()


def test_a_proof_for_a_checkpoint_that_too_few_have_cosigned_is_not_enough() -> None:
    proof = LogProof(0, proof_of(0).proof, CHECKPOINT.to_bytes())
    with pytest.raises(NotCosigned):
        check_log_proof(proof, leaf(0), POLICY)


def test_a_proof_to_another_root_or_under_another_key_is_refused() -> None:
    other = sign_checkpoint(ORIGIN, Head(300, leaf(0)), KEY)
    other = with_signatures(other, [cosign(other.text, "police", WITNESS_KEY, 1_000)])
    with pytest.raises(BadProof):
        check_log_proof(LogProof(0, proof_of(0).proof, other.to_bytes()), leaf(0), POLICY)
    forged = sign_checkpoint(ORIGIN, GROWN.head, SigningKey.generate())
    with pytest.raises(NotVerified):
        check_log_proof(LogProof(0, proof_of(0).proof, forged.to_bytes()), leaf(0), POLICY)


HASH = base64.b64encode(leaf(0)).decode()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "c2sp.org/tlog-proof@v1\n",
        "c2sp.org/tlog-proof@v1\n\nnote",
        "c2sp.org/tlog-proof@v2\nindex 0\n\nnote",
        "c2sp.org/tlog-proof@v1\nindex 0\n",
        "c2sp.org/tlog-proof@v1\nindex\n\nnote",
        "c2sp.org/tlog-proof@v1\nindex 00\n\nnote",
        "c2sp.org/tlog-proof@v1\nindex -1\n\nnote",
        "c2sp.org/tlog-proof@v1\nindex 0\nextra eA==\n\nnote",
        "c2sp.org/tlog-proof@v1\nextra eA=\nindex 0\n\nnote",
        "c2sp.org/tlog-proof@v1\nextra\nindex 0\n\nnote",
        f"c2sp.org/tlog-proof@v1\nextra {'A' * (4 * MAX_EXTRA_BYTES)}\nindex 0\n\nnote",
        f"c2sp.org/tlog-proof@v1\nindex 0\n{HASH[:-4]}\n\nnote",
        f"c2sp.org/tlog-proof@v1\nindex 0\n {HASH}\n\nnote",
        f"c2sp.org/tlog-proof@v1\nindex 0\n{HASH}\r\n\nnote",
        f"c2sp.org/tlog-proof@v1\r\nindex 0\n{HASH}\n\nnote",
        "c2sp.org/tlog-proof@v1\nindex 0\n" + f"{HASH}\n" * 64 + "\nnote",
        "c2sp.org/tlog-proof@v1\nindex \u0660\n\nnote",
        "c2sp.org/tlog-proof@v1\nindex 0\n\n" + "n" * 2_000_000,
    ],
)
def test_what_is_not_a_proof_file_is_refused(content: str) -> None:
    with pytest.raises(BadLogProof):
        read_log_proof(content.encode())
