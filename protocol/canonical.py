"""The one byte form of a message: canonical JSON (RFC 8785), for values without floats."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

import msgspec

T = TypeVar("T")

# RFC 8785 §3.2.2.3 writes numbers as ECMAScript does: beyond this an integer is not exact.
LARGEST_INTEGER = 2**53 - 1

# Types that msgspec would turn into text of its own choosing; the wire carries none of them.
_KEPT_AS_THEY_ARE = (
    bytes, bytearray, memoryview, date, datetime, time, timedelta, Decimal, UUID,
)  # fmt: skip


class NotCanonical(ValueError):
    """The value has no canonical form, or the bytes are not the canonical form of their value."""


def encode(value: object) -> bytes:
    """Return the canonical JSON of `value`, UTF-8 without a byte order mark.

    `value` is a msgspec struct, or made of dict, list, tuple, str, int, bool and None. Members
    are sorted by UTF-16 code units (RFC 8785 §3.2.3).

    Raises NotCanonical for floats, bytes, dates, sets, integers beyond 2**53 - 1 either way, keys
    that are not text, and lone surrogates.
    """
    try:
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
