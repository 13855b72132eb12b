"""Canonical JSON: one value, one byte string, the same in every implementation."""

import datetime
import decimal
from typing import Any

import msgspec
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from protocol import canonical

LARGEST = 2**53 - 1
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-LARGEST, LARGEST) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=5),
    max_leaves=12,
)


class Pet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    legs: int
    also_called: str | None = None


class Box(msgspec.Struct, frozen=True, rename="camel"):
    open_door: tuple[Any, ...]


@given(VALUES)
def test_the_bytes_are_those_of_rfc_8785(value: Any) -> None:
    assert canonical.encode(value) == rfc8785.dumps(value)


@given(VALUES)
def test_what_is_encoded_decodes_to_the_same_value(value: Any) -> None:
    assert canonical.decode(canonical.encode(value), object) == value


@given(VALUES)
def test_structs_are_encoded_like_their_members(value: Any) -> None:
    box = Box(open_door=(value, 1))
    assert canonical.encode(box) == rfc8785.dumps({"openDoor": [value, 1]})
    assert canonical.decode(canonical.encode(box), Box) == Box(open_door=(value, 1))


def test_members_are_sorted_by_utf_16_code_units_as_rfc_8785_3_2_3_shows() -> None:
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    encoded = canonical.encode(dict.fromkeys(keys, 0))
    ordered = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert list(msgspec.json.decode(encoded)) == ordered


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        2**53,
        -(2**53),
        b"bytes",
        "\ud800",
        {"\udfff": 1},
        {1: "one"},
        decimal.Decimal("1.5"),
        datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        [{"deep": [0.5]}],
        object(),
    ],
)
def test_a_value_without_a_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(canonical.NotCanonical):
        canonical.encode(value)


@pytest.mark.parametrize(
    "data",
    [
        b'{"name":"Rex","legs":4,"also_called":null}',  # members out of order
        b'{"also_called":null,"legs":4,"name":"Rex"} ',  # white space
        b'{"also_called": null,"legs":4,"name":"Rex"}',
        b'{"legs":4,"name":"Rex"}',  # a member with a default left out
        b'{"also_called":null,"legs":4,"legs":4,"name":"Rex"}',  # a member twice
        b'{"also_called":null,"legs":4,"name":"\\u0052ex"}',  # an escape that is not needed
        b'{"also_called":null,"legs":-0,"name":"Rex"}',
        b'{"also_called":null,"legs":4.0,"name":"Rex"}',
        b'{"also_called":null,"legs":9007199254740992,"name":"Rex"}',
        b'{"also_called":null,"legs":4,"name":"Rex","wings":0}',  # an unknown member
        b'\xef\xbb\xbf{"also_called":null,"legs":4,"name":"Rex"}',  # a byte order mark
        b'{"also_called":null,"legs":4,"name":"R\xffx"}',  # not UTF-8
        b'{"also_called":null,"legs":4}',
        b"",
        b"[" * 100_000,
    ],
)
def test_bytes_that_are_not_the_canonical_form_are_refused(data: bytes) -> None:
    with pytest.raises(canonical.NotCanonical):
        canonical.decode(data, Pet)


def test_the_one_canonical_form_is_accepted() -> None:
    data = b'{"also_called":null,"legs":4,"name":"Rex"}'
    assert canonical.decode(data, Pet) == Pet(name="Rex", legs=4)


def test_nesting_too_deep_is_refused_and_not_a_crash() -> None:
    with pytest.raises(canonical.NotCanonical):
        canonical.decode(b"[" * 5000 + b"]" * 5000, object)
