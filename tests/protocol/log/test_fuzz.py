"""Whatever bytes come, a parser of the log raises its own error or reads what it would write."""

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol import verifier_keys
from protocol.keys import SigningKey
from protocol.log.bundles import pack, unpack
from protocol.log.checkpoints import open_checkpoint, read_checkpoint, sign_checkpoint
from protocol.log.errors import (
    BadBundle,
    BadCheckpoint,
    BadLogProof,
    BadNote,
    BadPolicy,
    BadRequest,
    BadTile,
    LogError,
)
from protocol.log.log_proofs import LogProof, read_log_proof
from protocol.log.notes import cosign, read_note, read_signatures, with_signatures
from protocol.log.policies import majority_policy, read_policy
from protocol.log.proofs import Head
from protocol.log.tiles import Bundle, read_path
from protocol.log.witness import Accepted, Refused, decide, make_request, read_request
from protocol.verifier_keys import BadVerifierKey, KeyType, VerifierKey
from tests.protocol.log.trees import leaf, leaves

ORIGIN = "borsetshire.ifi-log"
KEY, WITNESS_KEY = SigningKey.from_bytes(b"l" * 32), SigningKey.from_bytes(b"w" * 32)
LOG = VerifierKey(ORIGIN, KeyType.ED25519, KEY.public)
WITNESS = VerifierKey("police", KeyType.COSIGNATURE, WITNESS_KEY.public)
POLICY_FILE = majority_policy(LOG, {"police": WITNESS})
POLICY = read_policy(POLICY_FILE)
CHECKPOINT = sign_checkpoint(ORIGIN, Head(5, leaf(0)), KEY)
NOTE = with_signatures(CHECKPOINT, [cosign(CHECKPOINT.text, "police", WITNESS_KEY, 9)]).to_bytes()


def safe_text(content: bytes) -> str:
    """The text of any bytes, with lone surrogates here and there: texts may come from JSON."""
    return content.decode("utf-8", "surrogateescape")


def note_again(content: bytes) -> None:
    # Up to the left-over bits of base64, which may be other than zero.
    note = read_note(content)
    assert read_note(note.to_bytes()) == note
    assert len(note.to_bytes()) == len(content)


def checkpoint_again(content: bytes) -> None:
    text = safe_text(content)
    assert read_checkpoint(text).text == text


def signatures_again(content: bytes) -> None:
    text = safe_text(content)
    signatures = read_signatures(text)
    assert read_signatures("".join(part.line for part in signatures)) == signatures


def path_again(content: bytes) -> None:
    text = safe_text(content)
    assert read_path(text).path == text


def bundle_again(content: bytes) -> None:
    assert pack(unpack(Bundle(0, 3), content)) == content


def proof_again(content: bytes) -> None:
    assert read_log_proof(content).to_bytes() == content


def request_again(content: bytes) -> None:
    assert read_request(content).to_bytes() == content


def key_again(content: bytes) -> None:
    text = safe_text(content)
    assert verifier_keys.read(text).text == text


def policy_read(content: bytes) -> None:
    assert read_policy(content).quorum


PARSERS: dict[str, tuple[Callable[[bytes], None], type[ValueError], bytes]] = {
    "note": (note_again, BadNote, NOTE),
    "signatures": (signatures_again, BadNote, CHECKPOINT.signatures[0].line.encode() * 2),
    "checkpoint": (checkpoint_again, BadCheckpoint, CHECKPOINT.text.encode()),
    "path": (path_again, BadTile, b"tile/0/x001/x234/067.p/12"),
    "bundle": (bundle_again, BadBundle, pack([b"one", b"", b"three"])),
    "proof": (proof_again, BadLogProof, LogProof(3, tuple(leaves(3)), NOTE, b"x").to_bytes()),
    "request": (request_again, BadRequest, make_request(2, leaves(3), NOTE).to_bytes()),
    "policy": (policy_read, BadPolicy, POLICY_FILE),
    "key": (key_again, BadVerifierKey, LOG.text.encode()),
}


def changed(content: bytes) -> st.SearchStrategy[bytes]:
    """`content` with a piece taken out and something else put in its place."""
    pieces = st.one_of(
        st.binary(max_size=4),
        st.sampled_from([b"\n", b"\n\n", b" ", b"+", b"\x00", "\u2014 ".encode(), b"=", b"0" * 30]),
        st.text(max_size=3).map(lambda text: text.encode("utf-8", "surrogatepass")),
    )
    cuts = st.tuples(st.integers(0, len(content)), st.integers(0, 5))
    return st.builds(
        lambda cut, piece: content[: cut[0]] + piece + content[cut[0] + cut[1] :], cuts, pieces
    )


@pytest.mark.parametrize("name", PARSERS)
def test_the_parsers_read_what_is_right(name: str) -> None:
    parse, _, right = PARSERS[name]
    parse(right)


@pytest.mark.parametrize("name", PARSERS)
@given(data=st.data())
def test_a_parser_raises_its_own_error_and_reads_what_it_would_write(
    name: str, data: st.DataObject
) -> None:
    parse, error, right = PARSERS[name]
    content = data.draw(st.one_of(changed(right), changed(right).flatmap(changed), st.binary()))
    with contextlib.suppress(error):
        parse(content)


@given(content=changed(NOTE).flatmap(changed))
@example(content=NOTE)
def test_a_changed_checkpoint_is_refused_or_says_the_same(content: bytes) -> None:
    """Nothing but the signature lines can be changed without the signature failing."""
    try:
        opened = open_checkpoint(content, [LOG], [WITNESS])
        assert POLICY.assess(content).signed == opened
    except LogError:
        return
    assert opened.note.text == CHECKPOINT.text


@given(content=changed(make_request(0, (), NOTE).to_bytes()).flatmap(changed))
def test_a_witness_decides_about_every_request_that_can_be_read(content: bytes) -> None:
    try:
        request = read_request(content)
    except BadRequest:
        return
    decision = decide(request, [LOG], None)
    assert isinstance(decision, Accepted | Refused)
    if isinstance(decision, Accepted):
        assert decision.checkpoint.text == CHECKPOINT.text
