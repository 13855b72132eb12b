"""The one byte form of a message: canonical JSON (RFC 8785), for values without floats."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import TypeVar
from uuid import UUID

import msgspec
from msgspec import inspect

T = TypeVar("T")

# RFC 8785 §3.2.2.3 writes numbers as ECMAScript does: beyond this an integer is not exact.
LARGEST_INTEGER = 2**53 - 1

# Types that msgspec would turn into text of its own choosing; the wire carries none of them.
_KEPT_AS_THEY_ARE = (
    bytes, bytearray, memoryview, date, datetime, time, timedelta, Decimal, UUID,
)  # fmt: skip


_SORTED = msgspec.json.Encoder(order="sorted")


class NotCanonical(ValueError):
    """The value has no canonical form, or the bytes are not the canonical form of their value."""


def encode(value: object) -> bytes:
    """Return the canonical JSON of `value`, UTF-8 without a byte order mark.

    `value` is a msgspec struct that holds what its types say, or made of dict, list, tuple, str,
    int, bool and None. Members are sorted by UTF-16 code units (RFC 8785 §3.2.3).

    Raises NotCanonical for floats, bytes, dates, sets, integers beyond 2**53 - 1 either way, keys
    that are not text, and lone surrogates.
    """
    try:
        if _is_plain(type(value)):  # type: ignore[arg-type]  # every type is hashable
            return _SORTED.encode(value)
        plain = msgspec.to_builtins(value, builtin_types=_KEPT_AS_THEY_ARE)
        return msgspec.json.encode(_ordered(plain))
    except (TypeError, UnicodeEncodeError, RecursionError) as error:
        raise NotCanonical(f"This value has no canonical JSON form: {error}.") from error


def decode(data: bytes, as_type: type[T]) -> T:
    """Return the value of type `as_type` whose canonical JSON is exactly `data`.

    Raises NotCanonical if `data` is not JSON, does not fit `as_type`, or is not byte for byte what
    `encode` makes of the value (white space, member order, unknown or doubled members, escapes).
    """
    try:
        value = msgspec.json.decode(data, type=as_type)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotCanonical(f"This is not a valid {_name(as_type)}: {error}.") from error
    if encode(value) != data:
        raise NotCanonical(
            f"These bytes hold a {_name(as_type)} but are not its canonical JSON (RFC 8785)."
        )
    return value


def _name(as_type: object) -> str:
    return getattr(as_type, "__name__", None) or str(as_type)


@cache
def _is_plain(kind: type) -> bool:
    """Return whether msgspec's own order of members is the canonical one for every such struct.

    It sorts by code points, which for ASCII is the order by UTF-16 code units; and nothing that
    would have to be refused fits the struct's types.
    """
    return issubclass(kind, msgspec.Struct) and _fits(inspect.type_info(kind), ())


def _fits(told: inspect.Type, within: tuple[type, ...]) -> bool:
    match told:
        case inspect.Metadata(type=described):
            return _fits(described, within)
        case inspect.StrType() | inspect.BoolType() | inspect.NoneType() | inspect.LiteralType():
            return True
        case inspect.IntType(ge=int() as least, le=int() as most):
            return least >= -LARGEST_INTEGER and most <= LARGEST_INTEGER
        case inspect.IntType(ge=int() as least, lt=int() as beyond):
            return least >= -LARGEST_INTEGER and beyond <= LARGEST_INTEGER
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            return _fits(item, within)
        case inspect.UnionType(types=types) | inspect.TupleType(item_types=types):
            return all(_fits(one, within) for one in types)
        case inspect.StructType(cls=kind):
            if kind in within:
                return True
            names = [field.encode_name for field in told.fields] + [told.tag_field or ""]
            inner = (*within, kind)
            return all(map(str.isascii, names)) and all(_fits(f.type, inner) for f in told.fields)
    return False


def _ordered(plain: object) -> object:
    """Return `plain` with every object's members in canonical order."""
    if plain is None or isinstance(plain, bool | str):
        return plain
    if isinstance(plain, int):
        if abs(plain) > LARGEST_INTEGER:
            raise NotCanonical("An integer beyond 2^53 - 1 has no canonical JSON form.")
        return plain
    if isinstance(plain, list | tuple):
        return [_ordered(item) for item in plain]
    if isinstance(plain, dict):
        return dict(_members(plain))
    raise NotCanonical(f"A value of type {type(plain).__name__} has no canonical JSON form.")


def _members(plain: dict[object, object]) -> Iterator[tuple[str, object]]:
    keys = [key for key in plain if isinstance(key, str)]
    if len(keys) != len(plain):
        raise NotCanonical("Every member of a JSON object needs a name that is text.")
    for key in sorted(keys, key=lambda name: name.encode("utf-16-be")):
        yield key, _ordered(plain[key])
