"""protocol.encoding: one way to write bytes down, and nothing else is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.encoding import EncodingError, b64u_decode, b64u_encode, lp


def test_lp_is_four_big_endian_length_bytes_then_the_bytes() -> None:
    assert lp(b"abc") == b"\x00\x00\x00\x03abc"
    assert lp(b"") == b"\x00\x00\x00\x00"
    assert lp(b"x" * 300)[:4] == b"\x00\x00\x01\x2c"


def test_lp_takes_text_as_utf8_and_numbers_as_decimal_ascii() -> None:
    assert lp("é") == b"\x00\x00\x00\x02\xc3\xa9"
    assert lp(12) == b"\x00\x00\x00\x0212"


@given(st.lists(st.binary(max_size=6), max_size=5), st.lists(st.binary(max_size=6), max_size=5))
def test_lp_of_two_different_lists_differs(first: list[bytes], second: list[bytes]) -> None:
    assert (lp(*first) == lp(*second)) == (first == second)


@pytest.mark.parametrize("part", [-1, True, "\ud800"])
def test_lp_refuses_what_has_no_single_form(part: int | str) -> None:
    with pytest.raises(ValueError, match=r"number|surrogates"):
        lp(part)


@given(st.binary(max_size=70))
def test_base64url_reads_back_what_it_wrote_without_padding(octets: bytes) -> None:
    text = b64u_encode(octets)
    assert "=" not in text
    assert b64u_decode(text) == octets
    assert b64u_decode(text, len(octets)) == octets


def test_base64url_lengths_are_those_the_schemas_check() -> None:
    assert [len(b64u_encode(bytes(size))) for size in (16, 32, 64)] == [22, 43, 86]


@pytest.mark.parametrize(
    "text",
    [
        "AA==",
        "AA=",
        "A A",
        "AAA\n",
        "AA+A",
        "AA/A",
        "AAÀA",
        "A",
        "AAAAA",
        "AB",
        "AAB",
        "\uff21\uff21",
    ],
)
def test_base64url_refuses_every_second_spelling(text: str) -> None:
    with pytest.raises(EncodingError):
        b64u_decode(text)


@pytest.mark.parametrize("size", [15, 17, 0])
def test_base64url_refuses_a_wrong_length(size: int) -> None:
    with pytest.raises(EncodingError, match="expected 16 bytes"):
        b64u_decode(b64u_encode(bytes(size)), 16)


def test_a_refusal_does_not_repeat_the_text() -> None:
    with pytest.raises(EncodingError) as refusal:
        b64u_decode("c2VjcmV0=secret")
    assert "secret" not in str(refusal.value)
