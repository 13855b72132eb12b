"""Reads a program's TOML file into a typed value, and says plainly what is wrong with it."""

import difflib
import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from foundation.operator import OperatorError

T = TypeVar("T", bound=msgspec.Struct)

_AT = re.compile(r"^(?P<fault>.*?)(?: - at `(?P<key>[^`]*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"^Object contains unknown field `(?P<name>[^`]*)`$")
_MISSING = re.compile(r"^Object missing required field `(?P<name>[^`]*)`$")


def load(path: Path, settings_type: type[T]) -> T:
    """Return the settings in the TOML file at `path` as a `settings_type`.

    Every struct in `settings_type` has to be declared with `forbid_unknown_fields=True`, so that a
    misspelt key is an error and never a default; otherwise this raises TypeError. Raises
    OperatorError with the file, the key and what to do. No value of the file is ever repeated.
    """
    known = _known(settings_type)
    try:
        document = tomllib.loads(path.read_bytes().decode())
    except FileNotFoundError:
        raise OperatorError(
            f"{path}: there is no such file: give the path of the settings"
        ) from None
    except OSError as error:
        raise OperatorError(
            f"{path}: cannot be read ({error.strerror}): let this user read it"
        ) from None
    except UnicodeDecodeError:
        raise OperatorError(f"{path}: is not UTF-8 text: save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise OperatorError(f"{path}: is not TOML: {error}: correct that place") from None
    try:
        return msgspec.convert(document, settings_type)
    except msgspec.ValidationError as error:
        raise OperatorError(f"{path}: {_mend(str(error), known)}") from None


def _mend(message: str, known: frozenset[str]) -> str:
    """Turn msgspec's message into the key and what to do about it."""
    match = _AT.match(message)
    fault, where = (match["fault"], match["key"] or "$") if match else (message, "$")
    prefix = where.removeprefix("$").removeprefix(".")
    if unknown := _UNKNOWN.match(fault):
        near = difflib.get_close_matches(unknown["name"], known, n=1)
        hint = f"did you mean {near[0]}?" if near else "remove it"
        return f"{_join(prefix, unknown['name'])}: there is no such key: {hint}"
    if missing := _MISSING.match(fault):
        return f"{_join(prefix, missing['name'])}: is missing: add it"
    return f"{prefix or 'the file'}: {fault.replace('`', '')}: correct the value"


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


@lru_cache
def _known(settings_type: type[msgspec.Struct]) -> frozenset[str]:
    """Return the keys a settings type knows, after checking that it refuses all others."""
    return frozenset(_field_names(inspect.type_info(settings_type), set()))


def _field_names(kind: inspect.Type, seen: set[type]) -> Iterator[str]:
    """Yield the keys of the structs in `kind`, except those of the structs in `seen`."""
    if isinstance(kind, inspect.StructType):
        if kind.cls in seen:
            return
        seen.add(kind.cls)
        if not kind.forbid_unknown_fields:
            raise TypeError(f"{kind.cls.__name__} must be declared with forbid_unknown_fields=True")
        for field in kind.fields:
            yield field.encode_name
            yield from _field_names(field.type, seen)
        return
    for nested in _nested(kind):
        yield from _field_names(nested, seen)


def _nested(kind: inspect.Type) -> Iterator[inspect.Type]:
    for name in ("types", "item_types", "item_type", "key_type", "value_type"):
        value: Any = getattr(kind, name, None)
        if isinstance(value, inspect.Type):
            yield value
        elif isinstance(value, tuple):
            yield from value
