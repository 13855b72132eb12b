"""Trust files: C2SP's example and rules, a majority or nothing, and who has cosigned enough."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.keys import SigningKey
from protocol.log.checkpoints import sign_checkpoint
from protocol.log.errors import BadPolicy, NotCosigned, NotVerified, WrongLog
from protocol.log.notes import Note, cosign, with_signatures
from protocol.log.policies import MAX_POLICY_BYTES, majority_policy, read_policy
from protocol.log.proofs import Head
from protocol.verifier_keys import KeyType, VerifierKey
from tests.protocol.log.trees import leaf

ORIGIN = "borsetshire.ifi-log"
KEY = SigningKey.from_bytes(bytes(32))
LOG = VerifierKey(ORIGIN, KeyType.ED25519, KEY.public)
HEAD = Head(5, leaf(0))
CHECKPOINT = sign_checkpoint(ORIGIN, HEAD, KEY)
WITNESS_KEYS = {
    name: SigningKey.from_bytes(bytes([number]) * 32)
    for number, name in enumerate(("X1", "X2", "X3", "Y1", "Y2", "Y3"), start=1)
}


def vkey(name: str) -> str:
    return VerifierKey(f"{name}.example", KeyType.COSIGNATURE, WITNESS_KEYS[name].public).text


def cosigned(*names: str, time: int = 100) -> bytes:
    added = [cosign(CHECKPOINT.text, f"{name}.example", WITNESS_KEYS[name], time) for name in names]
    return with_signatures(CHECKPOINT, added).to_bytes()


WITNESS_LINES = "".join(f"witness {name} {vkey(name)}\n" for name in WITNESS_KEYS)
START = f"log {LOG.text}\n{WITNESS_LINES}"
# The example of tlog-policy with the thresholds that make it a majority.
EXAMPLE = f"""
# Two organisations.
log {LOG.text} https://log.example/

{WITNESS_LINES}
group X-witnesses 2 X1 X2 X3
\tgroup\tY-witnesses  all Y1 Y2 Y3\t
  # both
group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


def test_a_quorum_of_groups_is_met_when_every_group_is() -> None:
    policy = read_policy(EXAMPLE.encode())
    assert policy.logs == (LOG,)
    assert set(policy.witnesses) == set(WITNESS_KEYS)
    for enough in (("X1", "X3", "Y1", "Y2", "Y3"), tuple(WITNESS_KEYS)):
        standing = policy.require(cosigned(*enough))
        assert standing.verified
        assert dict(standing.cosigned) == dict.fromkeys(enough, 100)
        assert standing.signed.checkpoint.head == HEAD
    for few in ((), ("X1", "Y1", "Y2", "Y3"), ("X1", "X2", "X3", "Y1", "Y2")):
        assert not policy.assess(cosigned(*few)).verified
        with pytest.raises(NotCosigned, match=f"{len(few)} of 6"):
            policy.require(cosigned(*few))


@given(names=st.sets(st.sampled_from(sorted(WITNESS_KEYS))), signed=st.data())
def test_the_majority_policy_wants_more_than_half(names: set[str], signed: st.DataObject) -> None:
    if not names:
        with pytest.raises(BadPolicy):
            majority_policy(LOG, {})
        return
    keys = {
        name: VerifierKey(f"{name}.example", KeyType.COSIGNATURE, WITNESS_KEYS[name].public)
        for name in names
    }
    policy = read_policy(majority_policy(LOG, keys))
    who = signed.draw(st.sets(st.sampled_from(sorted(names))))
    assert policy.assess(cosigned(*who)).verified == (2 * len(who) > len(names))


@pytest.mark.parametrize(
    "rest",
    [
        "quorum none\n",
        "quorum X1\n",
        "group g any X1 X2 X3 Y1 Y2 Y3\nquorum g\n",
        "group g 3 X1 X2 X3 Y1 Y2 Y3\nquorum g\n",
        "group g all X1 X2 X3\nquorum g\n",
        # The example as tlog-policy has it: three of six may do.
        "group X 2 X1 X2 X3\ngroup Y any Y1 Y2 Y3\ngroup g all X Y\nquorum g\n",
        # Four by one way, but two by the other.
        "group X all X1 X2\ngroup Y all X3 Y1 Y2 Y3\ngroup g any X Y\nquorum g\n",
    ],
)
def test_a_quorum_that_half_of_the_witnesses_can_reach_is_refused(rest: str) -> None:
    with pytest.raises(BadPolicy, match="more than half"):
        read_policy((START + rest).encode())


def test_a_majority_of_one_is_one() -> None:
    text = f"log {LOG.text}\nwitness X1 {vkey('X1')} https://x1.example\nquorum X1"
    assert read_policy(text.encode()).require(cosigned("X1")).verified


ALL = "group g all X1 X2 X3 Y1 Y2 Y3\n"
END = ALL + "quorum g\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "names no log"),
        (WITNESS_LINES + END, "names no log"),
        (START + ALL, "no quorum"),
        (START + END + "quorum g\n", "one quorum"),
        (START + "quorum g\n" + ALL, "before it is used"),
        (START + ALL + "quorum h\n", "before it is used"),
        (START + ALL + "quorum g h\n", "a line is"),
        (START + ALL + "quorum\n", "a line is"),
        (START + "logs x\n" + END, "a line is"),
        (START + "log\n" + END, "a line is"),
        (START + "group h all\n" + END, "a line is"),
        (START + "group h 0 X1\n" + END, "at least 1"),
        (START + "group h 2 X1\n" + END, "at least 1"),
        (START + "group h 01 X1\n" + END, "decimal"),
        (START + "group h most X1\n" + END, "decimal"),
        (START + "group h all none\n" + END, "before it is used"),
        (START + "group h all h\n" + END, "before it is used"),
        (START + "group h all X1 X1\n" + END, "member once"),
        (START + "group h all X1\n" + END, "member once"),
        (START + END + "group X1 all g\n", "defined once"),
        (START + END + "group none all g\n", "defined once"),
        (START + f"witness X1 {vkey('X1')}\n" + END, "defined once"),
        (START + f"witness X9 {vkey('X1')}\n" + END, "key of its own"),
        (START + f"log {LOG.text}\n" + END, "key of its own"),
        (START + f"witness X9 {LOG.text}\n" + END, "not of type 04"),
        (START + f"log {vkey('X1')}\n" + END, "not of type 01"),
        (START + "log a+b+c\n" + END, "Line 8 .*verifier key"),
        (START + f"log {LOG.text[:-1]}\n" + END, "verifier key"),
        ("log " + LOG.text + "\r\n", "control"),
        (START + END + "\x00", "control"),
        (START + END + "# \x7f", "control"),
        (START + END + "\x0b", "control"),
        (START + "group\u00a0h all X1\n" + END, "a line is"),
        ("#" * (MAX_POLICY_BYTES + 1), "at most"),
    ],
)
def test_any_other_trust_file_is_refused_at_load(text: str, why: str) -> None:
    with pytest.raises(BadPolicy, match=why):
        read_policy(text.encode())


def test_a_witness_may_not_be_the_log_itself() -> None:
    own = VerifierKey("other", KeyType.COSIGNATURE, KEY.public)
    text = f"log {LOG.text}\nwitness X1 {own.text}\nquorum X1\n"
    with pytest.raises(BadPolicy, match="key of its own"):
        read_policy(text.encode())


def test_names_are_octets() -> None:
    """A Latin-1 name, which is not UTF-8, is a name like any other, and no other's."""
    text = b"log %s\nwitness \xe9 %s\nquorum \xe9\n" % (LOG.text.encode(), vkey("X1").encode())
    assert read_policy(text).require(cosigned("X1")).verified
    with pytest.raises(BadPolicy, match="before it is used"):
        read_policy(text.replace(b"quorum \xe9", b"quorum \xc3\xa9"))


def test_thirty_two_of_everything_are_accepted() -> None:
    lines = []
    for kind, word in ((KeyType.ED25519, "log"), (KeyType.COSIGNATURE, "witness")):
        for number in range(32):
            key = VerifierKey(f"{word}{number}", kind, SigningKey.generate().public)
            lines.append(f"log {key.text}" if word == "log" else f"witness {number} {key.text}")
    lines.append(f"group g0 all {' '.join(str(number) for number in range(32))}")
    lines += [f"group g{number} all g{number - 1}" for number in range(1, 400)]
    policy = read_policy("\n".join([*lines, "quorum g399"]).encode())
    assert len(policy.logs) == len(policy.witnesses) == 32


def test_a_checkpoint_must_be_of_a_log_in_the_trust_file_and_every_known_signature_right() -> None:
    policy = read_policy((START + END).encode())
    with pytest.raises(WrongLog):
        policy.assess(sign_checkpoint("felpersham.ifi-log", HEAD, KEY).to_bytes())
    with pytest.raises(NotVerified):
        policy.assess(sign_checkpoint(ORIGIN, HEAD, SigningKey.generate()).to_bytes())
    other = sign_checkpoint(ORIGIN, Head(5, leaf(1)), KEY)
    moved = cosign(other.text, "X1.example", WITNESS_KEYS["X1"], 100)
    with pytest.raises(NotVerified, match="X1"):
        policy.assess(Note(CHECKPOINT.text, (*CHECKPOINT.signatures, moved)).to_bytes())


def test_of_two_cosignatures_by_one_witness_the_later_counts_and_both_count_once() -> None:
    policy = read_policy((START + END).encode())
    later = cosign(CHECKPOINT.text, "X1.example", WITNESS_KEYS["X1"], 200)
    earlier = cosign(CHECKPOINT.text, "X1.example", WITNESS_KEYS["X1"], 100)
    for added in ([earlier, later], [later, earlier]):
        standing = policy.assess(with_signatures(CHECKPOINT, added).to_bytes())
        assert dict(standing.cosigned) == {"X1": 200}
