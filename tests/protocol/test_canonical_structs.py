"""Every message of the wire has the canonical form of RFC 8785, by whichever way it is encoded."""

from typing import Any

import msgspec
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import inspect

from protocol import canonical
from schemas import agencies, checks, entries, envelopes, flags, handover, lookups

MESSAGES = sorted(
    {
        kind
        for module in (agencies, checks, entries, envelopes, flags, handover, lookups)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
    },
    key=lambda kind: kind.__name__,
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
AS_LARGE_AS_CAN_BE = 2**53 - 1


def values(told: inspect.Type) -> st.SearchStrategy[Any]:
    """Return a strategy for what a type holds; text is any text, so that all of it is escaped."""
    match told:
        case inspect.Metadata(type=inner):
            return values(inner)
        case inspect.StrType():
            return TEXT
        case inspect.BoolType():
            return st.booleans()
        case inspect.NoneType():
            return st.none()
        case inspect.LiteralType(values=some):
            return st.sampled_from(some)
        case inspect.IntType(ge=least, le=most, lt=beyond):
            highest = beyond - 1 if beyond else AS_LARGE_AS_CAN_BE if most is None else most
            return st.integers(-AS_LARGE_AS_CAN_BE if least is None else least, highest)
        case inspect.VarTupleType(item_type=item):
            return st.lists(values(item), max_size=2).map(tuple)
        case inspect.TupleType(item_types=items):
            return st.tuples(*map(values, items))
        case inspect.UnionType(types=types):
            return st.one_of(*map(values, types))
        case inspect.DictType():
            return st.dictionaries(TEXT, TEXT, max_size=3)
        case inspect.AnyType():
            return TEXT
        case inspect.StructType(cls=kind, fields=fields):
            members = {field.name: values(field.type) for field in fields}
            return st.builds(kind, **members)
    raise TypeError(told)


@pytest.mark.parametrize("kind", MESSAGES, ids=lambda kind: kind.__name__)
def test_a_message_is_encoded_as_rfc_8785_has_it(kind: type[msgspec.Struct]) -> None:
    """The reference implementation is given the message as msgspec takes it apart, unsorted."""

    @settings(max_examples=15)
    @given(values(inspect.type_info(kind)))
    def check(message: msgspec.Struct) -> None:
        encoded = canonical.encode(message)
        assert encoded == rfc8785.dumps(msgspec.to_builtins(message))
        assert encoded == canonical.encode(msgspec.to_builtins(message))

    check()


class Unbounded(msgspec.Struct, frozen=True):
    """Its number may be one that JSON does not hold."""

    number: int


class Foreign(msgspec.Struct, frozen=True, rename={"first": "\U0001f600", "second": "\ufb33"}):
    """Its names have another order by UTF-16 code units than by code points."""

    first: str
    second: str


class Octets(msgspec.Struct, frozen=True):
    """msgspec would write its content as base64 of its own choosing."""

    content: bytes


def test_a_struct_that_may_hold_too_large_a_number_is_looked_through() -> None:
    assert canonical.encode(Unbounded(number=1)) == b'{"number":1}'
    with pytest.raises(canonical.NotCanonical):
        canonical.encode(Unbounded(number=2**53))


def test_a_struct_whose_types_have_no_canonical_form_is_refused() -> None:
    with pytest.raises(canonical.NotCanonical):
        canonical.encode(Octets(content=b"x"))


def test_names_beyond_ascii_are_sorted_by_utf_16_code_units() -> None:
    value = Foreign(first="a", second="b")
    expected = rfc8785.dumps({"\U0001f600": "a", "\ufb33": "b"})
    assert canonical.encode(value) == expected


def test_a_lone_surrogate_in_a_message_is_refused() -> None:
    with pytest.raises(canonical.NotCanonical):
        canonical.encode(
            lookups.PartnerState(agency="\ud800", searched="searched", because=None, read_at=None)
        )
