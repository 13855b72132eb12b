"""The witness's decision: the published exchanges, every status, and never two pasts."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.keys import SigningKey
from protocol.log.checkpoints import Checkpoint, sign_checkpoint
from protocol.log.errors import BadRequest
from protocol.log.notes import Note, read_signatures, sign, verify_note
from protocol.log.proofs import EMPTY, Head, consistency_proof
from protocol.log.witness import (
    MAX_REQUEST_BYTES,
    Accepted,
    Refused,
    decide,
    make_request,
    read_request,
)
from protocol.verifier_keys import KeyType, VerifierKey
from tests.protocol.log.trees import VECTORS, GrownLog, leaf, leaves, mth

PUBLISHED = json.loads((VECTORS / "witness_add_checkpoint.json").read_text())
TORCHWOODS_LOG = VerifierKey(
    "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562",
    KeyType.ED25519,
    bytes.fromhex(PUBLISHED["log_public_key_hex"]),
)
ORIGIN = "borsetshire.ifi-log"
KEY = SigningKey.generate()
LOG = VerifierKey(ORIGIN, KeyType.ED25519, KEY.public)
WITNESS_KEY = SigningKey.generate()
WITNESS = VerifierKey("example.com/witness", KeyType.COSIGNATURE, WITNESS_KEY.public)


def answer(body: str, last: Head | None) -> tuple[int, str, Head | None]:
    """What one witness answers, and what it has cosigned last afterwards."""
    decision = decide(read_request(body.encode()), [TORCHWOODS_LOG], last)
    if isinstance(decision, Refused):
        return decision.status, decision.body, last
    assert decision.before == (last or EMPTY)
    return 200, decision.cosignature(WITNESS.name, WITNESS_KEY, 1_700_000_000).line, decision.head


def test_the_nine_published_exchanges_get_their_statuses() -> None:
    """From FiloSottile/torchwood, in order, to one witness.

    The third is of an unknown log: torchwood 0.5 says 403, and c2sp.org/tlog-witness says 404.
    """
    last: Head | None = None
    statuses = []
    for exchange in PUBLISHED["requests"]:
        status, body, last = answer(exchange["request"], last)
        statuses.append(status)
        if exchange["status"] == 409:
            assert exchange["expect"] == f"== {json.dumps(body)}"
        if exchange["status"] == 200:
            text = read_request(exchange["request"].encode()).checkpoint.text
            assert (
                verify_note(Note(text, read_signatures(body)), [WITNESS])[0].time == 1_700_000_000
            )
    stated = [exchange["status"] for exchange in PUBLISHED["requests"]]
    assert stated == [200, 403, 403, 422, 422, 200, 409, 200, 409]
    assert statuses == [200, 403, 404, 422, 422, 200, 409, 200, 409]
    assert last is not None
    assert last.size == 5


def request(old: int, proof: tuple[bytes, ...], head: Head, key: SigningKey = KEY) -> bytes:
    return make_request(old, proof, sign_checkpoint(ORIGIN, head, key).to_bytes()).to_bytes()


def decided(body: bytes, last: Head | None) -> Accepted | Refused:
    return decide(read_request(body), [LOG], last)


GROWN = GrownLog(*([leaf(number)] for number in range(40)))


def head_at(size: int) -> Head:
    return Head(size, mth(leaves(size)))


@given(sizes=st.lists(st.integers(0, 40), min_size=1, max_size=5))
def test_a_log_that_only_grows_is_cosigned_at_each_step(sizes: list[int]) -> None:
    last: Head | None = None
    for size in sorted(sizes):
        old = last.size if last else 0
        proof = consistency_proof(GROWN.hashes(size), old, size)
        decision = decided(request(old, proof, head_at(size)), last)
        assert isinstance(decision, Accepted)
        assert decision.before == (last or EMPTY)
        last = decision.head
        assert last == head_at(size)


@given(old=st.integers(1, 39), data=st.data())
def test_a_witness_never_cosigns_two_pasts(old: int, data: st.DataObject) -> None:
    """A log that shows one entry otherwise, at any later size and with any of its own proofs."""
    size = data.draw(st.integers(old, 40))
    other = leaves(size)
    other[data.draw(st.integers(0, old - 1))] = leaf(1_000)
    rewritten = GrownLog(other)
    for proof in (
        consistency_proof(rewritten.hashes(), old, size),
        consistency_proof(GROWN.hashes(size), old, size),
        (),
    ):
        decision = decided(request(old, proof, rewritten.head), head_at(old))
        assert isinstance(decision, Refused)
        assert decision.status == 422


def proof_to(size: int, old: int) -> tuple[bytes, ...]:
    return consistency_proof(GROWN.hashes(size), old, size)


@pytest.mark.parametrize(
    ("body", "last", "status"),
    [
        # 400: an old size larger than the tree.
        (request(6, (), head_at(5)), head_at(6), 400),
        (request(6, (), head_at(5)), None, 400),
        # 403: a key that is not the log's, and the log's name with a wrong signature.
        (request(0, (), head_at(5), SigningKey.generate()), None, 403),
        # 409: an old size other than the last.
        (request(0, (), head_at(5)), head_at(3), 409),
        (request(3, proof_to(5, 3), head_at(5)), None, 409),
        (request(3, proof_to(5, 3), head_at(5)), head_at(4), 409),
        (request(0, (), head_at(0)), head_at(4), 409),
        # 422: proofs and roots that do not fit.
        (request(3, (), head_at(5)), head_at(3), 422),
        (request(3, proof_to(5, 3)[:-1], head_at(5)), head_at(3), 422),
        (request(3, (*proof_to(5, 3), leaf(0)), head_at(5)), head_at(3), 422),
        (request(5, (), Head(5, leaf(0))), head_at(5), 422),
        (request(5, (leaf(0),), head_at(5)), head_at(5), 422),
        (request(0, (leaf(0),), head_at(5)), None, 422),
        (request(0, (), Head(0, leaf(0))), None, 422),
        (request(0, (leaf(0),), EMPTY), None, 422),
        # 200: the same again, from nothing, and nothing.
        (request(5, (), head_at(5)), head_at(5), 200),
        (request(0, (), head_at(5)), None, 200),
        (request(0, (), EMPTY), None, 200),
        (request(0, (), head_at(5)), EMPTY, 200),
    ],
)
def test_each_status_has_its_cause(body: bytes, last: Head | None, status: int) -> None:
    decision = decided(body, last)
    assert (decision.status if isinstance(decision, Refused) else 200) == status
    if status == 409 and isinstance(decision, Refused):
        assert decision.body == f"{(last or EMPTY).size}\n"
        assert decision.content_type == "text/x.tlog.size"
    elif isinstance(decision, Refused):
        assert decision.content_type == "text/plain; charset=utf-8"


def test_a_checkpoint_of_another_log_is_unknown() -> None:
    note = sign_checkpoint("felpersham.ifi-log", head_at(5), KEY).to_bytes()
    decision = decide(make_request(0, (), note), [LOG], None)
    assert isinstance(decision, Refused)
    assert decision.status == 404


def test_signatures_of_others_are_passed_over() -> None:
    text = Checkpoint(ORIGIN, head_at(5)).text
    signatures = (sign(text, "other", SigningKey.generate()), sign(text, ORIGIN, KEY))
    decision = decide(make_request(0, (), Note(text, signatures).to_bytes()), [LOG], None)
    assert isinstance(decision, Accepted)


def test_a_request_reads_back() -> None:
    body = request(3, proof_to(5, 3), head_at(5))
    read = read_request(body)
    assert (read.old_size, read.proof, read.checkpoint.head) == (3, proof_to(5, 3), head_at(5))
    assert read.to_bytes() == body


NOTE = sign_checkpoint(ORIGIN, head_at(5), KEY).to_bytes()
LINE = b"KgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        NOTE,
        b"old 0\n" + NOTE,
        b"old 0\n\n",
        b"old\n\n" + NOTE,
        b"old 00\n\n" + NOTE,
        b"old -1\n\n" + NOTE,
        b"old  1\n\n" + NOTE,
        b"OLD 1\n\n" + NOTE,
        b"old 1\r\n\n" + NOTE,
        b"old 9223372036854775808\n\n" + NOTE,
        b"old 1\nAAAA\n\n" + NOTE,
        b"old 1\n" + LINE[:-2] + b"\n\n" + NOTE,
        b"old 1\n" + LINE + b"\n\n" + NOTE,
        b"old 1\n" + LINE * 64 + b"\n" + NOTE,
        b"old 1\n\xff\n\n" + NOTE,
        b"old 1\n" + LINE + b"\n" + NOTE[:-1],
        b"old 1\n" + LINE + b"\n" + b"text\n\n" + NOTE.partition(b"\n\n")[2],
        b"old 1\n" + LINE + b"\n" + NOTE + NOTE.partition(b"\n\n")[2] * 1_000,
        b"old 1\n\n" + b"x" * MAX_REQUEST_BYTES,
    ],
)
def test_a_malformed_or_huge_request_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        read_request(body)


def test_a_huge_body_is_refused_before_it_is_read() -> None:
    with pytest.raises(BadRequest, match=f"at most {MAX_REQUEST_BYTES} bytes"):
        read_request(b"old 1\n" + LINE * (MAX_REQUEST_BYTES // len(LINE) + 1) + b"\n" + NOTE)


def test_63_lines_of_proof_are_read_and_64_are_not() -> None:
    assert len(read_request(b"old 1\n" + LINE * 63 + b"\n" + NOTE).proof) == 63
    with pytest.raises(BadRequest, match="at most 63"):
        make_request(1, [leaf(0)] * 64, NOTE)
