"""Reads the body of a request as the message its operation takes, and says what is wrong with it.

A refusal names the field and never repeats a value: what was sent may be personal data.
"""

import re
from typing import Any, Final

import msgspec

from foundation.problems import Problem
from schemas.operations import Operation

CONTENT_TYPE: Final = "application/json"
LARGEST_BODY: Final = 2 * 1024 * 1024  # bytes

_AT = re.compile(
    r"^(?P<fault>.*?)(?: - at `\$\.?(?P<place>[A-Za-z0-9_.\[\]]{0,200})`)?$", re.DOTALL
)
_UNKNOWN = re.compile(r"^Object contains unknown field `(?P<name>[A-Za-z0-9_-]{1,64})`$")
_MISSING = re.compile(r"^Object missing required field `(?P<name>[^`]+)`$")
# Of msgspec's sentences only those that begin so are made of the schema alone: the others, such as
# "Invalid enum value 'x'", quote what was sent.
_OF_THE_SCHEMA: Final = "Expected "


def read_body(operation: Operation, body: bytes, content_type: str) -> Any:
    """Return the message in `body`, of the type that `operation` takes, or None if it takes none.

    `content_type` is the header field's media type without parameters. Raises Problem: 400 for a
    body where none belongs or that is no JSON, 415 for another media type, 422 for a message that
    is not as the schema has it.
    """
    if operation.request is None:
        if body:
            raise Problem(400, "body-not-taken", f"{operation.path} takes no body: send none.")
        return None
    if content_type != CONTENT_TYPE:
        raise Problem(415, "unsupported-media-type", f"Send the body as {CONTENT_TYPE}.")
    try:
        return msgspec.json.decode(body, type=operation.request)
    except msgspec.ValidationError as error:
        name = operation.request.__name__
        raise Problem(422, "schema", f"The body is no {name}: {_fault(str(error))}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Problem(400, "json", "The body is not valid JSON.") from None


def _fault(message: str) -> str:
    """Return msgspec's message as the field it is about and what to do, without any value."""
    match = _AT.match(message)
    fault, where = (match["fault"], match["place"] or "") if match else (message, "")
    if unknown := _UNKNOWN.match(fault):
        return f"there is no field {_join(where, unknown['name'])}"
    if missing := _MISSING.match(fault):
        return f"the field {_join(where, missing['name'])} is missing"
    if fault.startswith(_OF_THE_SCHEMA):
        return f"{where or 'the body'} is wrong: {fault.replace('`', '').lower()}"
    return f"{where or 'a field'} has a value that the schema does not have"


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
