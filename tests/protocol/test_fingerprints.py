"""Names of keys: stable, domain separated, and different for every key and order of keys."""

import base64
import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.fingerprints import fingerprint40, key_id

KEYS = st.binary(min_size=32, max_size=32)


def test_a_key_id_is_the_documented_hash() -> None:
    public = bytes(range(32))
    digest = hashlib.sha256(b"ifi/1 key" + b"\n" + public).digest()[:16]
    assert key_id(public) == base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert key_id(public) == "W951jzo4_DOgOLwZe-204A"


def test_a_fingerprint_is_the_documented_hash_in_eight_groups_of_five_digits() -> None:
    """The vector is for other implementations; it may never change."""
    one, two = bytes(range(32)), bytes(range(32, 64))
    data = b"".join(
        len(part).to_bytes(4, "big") + part for part in (b"ifi/1 fingerprint", one, two)
    )
    number = int.from_bytes(hashlib.sha512(data).digest(), "big") % 10**40
    assert fingerprint40(one, two).replace(" ", "") == str(number).rjust(40, "0")
    assert fingerprint40(one, two) == "65469 87382 12973 75366 00082 62035 09717 83951"


@given(st.lists(KEYS, min_size=1, max_size=4))
def test_a_fingerprint_reads_as_eight_groups_of_five_digits(publics: list[bytes]) -> None:
    assert re.fullmatch(r"\d{5}( \d{5}){7}", fingerprint40(*publics))


@given(KEYS, KEYS)
def test_other_keys_or_another_order_are_another_fingerprint(one: bytes, two: bytes) -> None:
    seen = {fingerprint40(one), fingerprint40(one, one), fingerprint40(one, one, one)}
    assert len(seen) == 3
    if one != two:
        assert fingerprint40(one, two) != fingerprint40(two, one)
        assert key_id(one) != key_id(two)


def test_each_digit_is_as_likely_as_another() -> None:
    """2,000 fingerprints hold 80,000 digits: each within five standard deviations of 8,000."""
    text = "".join(fingerprint40(number.to_bytes(32, "big")) for number in range(2000))
    for digit in "0123456789":
        assert abs(text.count(digit) - 8000) < 425


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        key_id(bytes(length))
    with pytest.raises(ValueError, match="32 bytes"):
        fingerprint40(bytes(32), bytes(length))


def test_a_fingerprint_of_no_key_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        fingerprint40()
