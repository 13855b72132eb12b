"""The bytes that an HTTP message signature signs: components and signature base of RFC 9421 §2."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

_DERIVED_VALUE = re.compile(r"[!-~]+", re.ASCII)


class NotSignable(ValueError):
    """A covered component is missing from the message, or has a value that cannot be signed."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it is on the wire.

    `path` and `query` are as in the request line: percent-encoding kept, no "?", query "" if
    there is none. `headers` are the field lines in their order, names in any case.
    """

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def with_headers(self, added: Mapping[str, str]) -> Self:
        """Return the request with the field lines `added` behind its own."""
        return replace(self, headers=(*self.headers, *added.items()))


@dataclass(frozen=True, slots=True)
class Response:
    """A response as it is on the wire; `headers` are the field lines in their order."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def with_headers(self, added: Mapping[str, str]) -> Self:
        """Return the response with the field lines `added` behind its own."""
        return replace(self, headers=(*self.headers, *added.items()))


@dataclass(frozen=True, slots=True)
class Component:
    """One covered component: a derived one ("@...") or a header field in lower case.

    `of_request` takes it from the request that a response answers (RFC 9421 §2.4).
    """

    name: str
    of_request: bool = False

    @property
    def identifier(self) -> str:
        """The component identifier as it stands in the base and in Signature-Input."""
        return f'"{self.name}"' + (";req" if self.of_request else "")


def field_lines(message: Request | Response, name: str) -> tuple[str, ...]:
    """Return the values of the field lines called `name`, in order, without outer white space."""
    wanted = name.lower()
    return tuple([value.strip(" \t") for line, value in message.headers if line.lower() == wanted])


def component_value(component: Component, message: Request | Response) -> str:
    """Return the value of `component` in `message` (RFC 9421 §2.1 and §2.2).

    Raises NotSignable if the message has no such component or its value cannot be signed.
    """
    if not component.name.startswith("@"):
        lines = field_lines(message, component.name)
        value = ", ".join(lines)
        if not lines or not _is_field_value(value):
            raise NotSignable(f"the header field {component.name} is missing or not plain text")
        return value
    value = _derived(component.name, message)
    if not _DERIVED_VALUE.fullmatch(value):
        raise NotSignable(f"the value of {component.name} is empty or not plain ASCII")
    return value


def _derived(name: str, message: Request | Response) -> str:
    match name, message:
        case "@method", Request():
            return message.method  # §2.2.1: case-sensitive, not normalised
        case "@path", Request():
            return message.path or "/"  # §2.2.6
        case "@query", Request():
            return "?" + message.query  # §2.2.7: "?" alone if there is none
        case "@status", Response():
            return str(message.status)  # §2.2.9
    raise NotSignable(f"a {type(message).__name__.lower()} has no component {name}")


def inner_list(components: Iterable[str]) -> str:
    """Return the identifiers as the inner list that begins the signature parameters (§2.3)."""
    return "(" + " ".join(components) + ")"


def signature_base(lines: Sequence[tuple[str, str]], parameters: str) -> bytes:
    """Return the signature base (§2.5) of `lines`, each an identifier and its value.

    `parameters` is the serialised inner list with its parameters. Raises NotSignable if an
    identifier comes twice or a line is not ASCII without line breaks.
    """
    if len({identifier for identifier, _ in lines}) != len(lines):
        raise NotSignable("a component is covered twice")
    pairs = (*lines, ('"@signature-params"', parameters))
    lined = [f"{identifier}: {value}" for identifier, value in pairs]
    if not all(map(_is_field_value, lined)):
        raise NotSignable("a covered value holds a line break or is not ASCII")
    return "\n".join(lined).encode("ascii")


def _is_field_value(text: str) -> bool:
    """RFC 9421 §2.5: the base is ASCII; a value may hold spaces and tabs, and no line break."""
    return text.isascii() and text.replace("\t", " ").isprintable()
