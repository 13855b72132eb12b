"""protocol.tokens: bytes that every connector and auditor gets alike, sizes that tell little.

The expected bytes are computed here from the formulas, not by the code under test.
"""

import hashlib
import hmac
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import tokens
from protocol.tokens import TokenError

KEY = bytes(range(32))
SALT = bytes(range(16))
TOKENS = st.binary(min_size=16, max_size=16)


def mac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def prefixed(octets: bytes) -> bytes:
    return len(octets).to_bytes(4, "big") + octets


def test_match_input_follows_its_formula() -> None:
    message = (
        prefixed(b"northshire")
        + prefixed(b"12")
        + prefixed(b"f+s+D")
        + prefixed("zoë|smith|19900101".encode())
    )
    assert tokens.match_input(KEY, "northshire", 12, "f+s+D", "zoë|smith|19900101") == mac(
        KEY, message
    )


def test_match_input_is_pinned() -> None:
    """A change of these bytes is a new epoch for everybody."""
    made = tokens.match_input(KEY, "northshire", 1, "s+D", "khan|19800203")
    assert made.hex() == "6356177de68f2d4d643701a7aa844a33a31e7eb785f9f4b97b2c7db9101a2d97"


@pytest.mark.parametrize(
    "changed",
    [
        (bytes(32), "p", 1, "k", "m"),
        (KEY, "q", 1, "k", "m"),
        (KEY, "p", 2, "k", "m"),
        (KEY, "p", 1, "l", "m"),
        (KEY, "p", 1, "k", "n"),
        (KEY, "p", 1, "km", ""),
    ],
)
def test_match_input_depends_on_each_part(changed: tuple[bytes, str, int, str, str]) -> None:
    assert tokens.match_input(*changed) != tokens.match_input(KEY, "p", 1, "k", "m")


def test_a_token_is_the_first_16_bytes_of_the_output() -> None:
    output = bytes(range(64))
    assert tokens.token(output) == output[:16]


@given(st.sets(TOKENS, min_size=1, max_size=16), st.integers(1, 9))
def test_a_record_is_16_distinct_sorted_tokens_with_its_own_among_them(
    own: set[bytes], epoch: int
) -> None:
    record = tokens.pad_record(own, KEY, b"handle", epoch)
    parts = [record[i : i + 16] for i in range(0, 256, 16)]
    assert len(record) == 256
    assert parts == sorted(set(parts))
    label = prefixed(b"ifi/1 pad") + prefixed(b"handle") + prefixed(b"%d" % epoch)
    padding = {mac(KEY, label + i.to_bytes(4, "big"))[:16] for i in range(16 - len(own))}
    assert set(parts) == own | padding


def test_a_records_padding_is_its_own() -> None:
    """Two records, or two epochs of one, share no padding, which would tie them together."""
    one = [b"\x07" * 16]
    records = [
        tokens.pad_record(one, key, handle, epoch)
        for key, handle, epoch in (
            (KEY, b"a", 1),
            (KEY, b"b", 1),
            (KEY, b"a", 2),
            (SALT * 2, b"a", 1),
        )
    ]
    seen = [r[i : i + 16] for r in records for i in range(0, 256, 16) if r[i : i + 16] != one[0]]
    assert len(seen) == len(set(seen)) == 4 * 15
    assert tokens.pad_record(one, KEY, b"a", 1) == records[0], "nothing changes on publishing again"


@given(st.lists(TOKENS, min_size=1, max_size=60))
def test_a_lookup_is_a_fixed_size_sorted_distinct_and_recomputable(own: list[bytes]) -> None:
    padded = tokens.pad_lookup(own, SALT)
    distinct = set(own)
    size = 32 if len(distinct) <= 32 else 64
    dummies = {
        mac(SALT, prefixed(b"ifi/1 dummy") + i.to_bytes(4, "big"))[:16]
        for i in range(size - len(distinct))
    }
    assert padded == tuple(sorted(distinct | dummies))
    assert len(padded) == size
    assert tokens.pad_lookup(reversed(own), SALT) == padded


@pytest.mark.parametrize(
    ("count", "size"), [(1, 32), (32, 32), (33, 64), (64, 64), (65, 128), (129, 192), (192, 192)]
)
def test_a_lookup_is_padded_to_the_next_size(count: int, size: int) -> None:
    own = [i.to_bytes(16, "big") for i in range(count)]
    assert len(tokens.pad_lookup(own, SALT)) == size


@pytest.mark.parametrize(("count", "size"), [(1, 64), (65, 128), (193, 1024), (1025, 4096)])
def test_evaluation_batches_have_few_sizes(count: int, size: int) -> None:
    assert tokens.padded_size(count, tokens.EVALUATION_SIZES) == size


def test_dummy_inputs_follow_their_formula() -> None:
    assert tokens.dummy_inputs(SALT, 2) == tuple(
        mac(SALT, prefixed(b"ifi/1 dummy input") + i.to_bytes(4, "big")) for i in range(2)
    )
    assert tokens.dummy_inputs(SALT, 0) == ()


TOO_MANY = [i.to_bytes(16, "big") for i in range(193)]
REFUSED: dict[str, Callable[[], object]] = {
    "a partnership key of 31 bytes": lambda: tokens.match_input(KEY[:31], "p", 1, "k", "m"),
    "an output of 63 bytes": lambda: tokens.token(bytes(63)),
    "a record of 17 tokens": lambda: tokens.pad_record(TOO_MANY[:17], KEY, b"h", 1),
    "a record of none": lambda: tokens.pad_record([], KEY, b"h", 1),
    "a record's token of 15 bytes": lambda: tokens.pad_record([bytes(15)], KEY, b"h", 1),
    "a padding key of 16 bytes": lambda: tokens.pad_record([bytes(16)], SALT, b"h", 1),
    "a lookup of 193 tokens": lambda: tokens.pad_lookup(TOO_MANY, SALT),
    "a lookup of none": lambda: tokens.pad_lookup([], SALT),
    "a lookup's token of 17 bytes": lambda: tokens.pad_lookup([bytes(17)], SALT),
    "a dummy salt of 15 bytes": lambda: tokens.pad_lookup([bytes(16)], SALT[:15]),
    "a dummy inputs' salt of 32 bytes": lambda: tokens.dummy_inputs(KEY, 1),
    "a batch of none": lambda: tokens.padded_size(0, tokens.EVALUATION_SIZES),
    "a batch of 4097": lambda: tokens.padded_size(4097, tokens.EVALUATION_SIZES),
}


@pytest.mark.parametrize("attempt", REFUSED.values(), ids=REFUSED.keys())
def test_wrong_sizes_are_refused(attempt: Callable[[], object]) -> None:
    with pytest.raises(TokenError):
        attempt()


def test_a_refusal_shows_no_key() -> None:
    with pytest.raises(TokenError) as refusal:
        tokens.match_input(b"secret key of the wrong size", "p", 1, "k", "m")
    assert "secret" not in str(refusal.value)
