"""Logs that cannot hold a person's data: JSON lines on standard error, redacted by construction.

What reaches a line is chosen, not filtered: an event's name in the form `thing.happened`, fields
whose name is known and whose value has that field's type, and of an exception its type and the
places it passed. Everything else is dropped, and the line says so in `dropped`. That also holds
for other libraries' messages and for exceptions that nobody caught.

structlog, which brings rich and asyncio with it, and werkzeug are imported where they are used: a
command that ends without a line in the log would wait half a second for them at each start.
"""

import json
import logging
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from pathlib import PurePath
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import structlog

Value = bool | int | float | str
FieldRule = Callable[[object], Value | None]
"""Returns the value as it may stand in a line, or None if this is not a value for the field."""

_EVENT: Final = re.compile(r"[a-z][a-z0-9_]{0,31}(\.[a-z][a-z0-9_]{0,31}){1,3}")
_FIELD: Final = re.compile(r"[a-z][a-z_]{0,31}")
_IDENTIFIER: Final = re.compile(r"[a-z][a-z0-9-]{1,31}")
_ERROR_ID: Final = re.compile(r"[0-9a-f]{16}")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_DEEPEST_CHAIN: Final = 8
_UNNAMED: Final = "event.unnamed"


def whole(value: object) -> Value | None:
    """Allow a count, a size, a time in milliseconds: a whole number below 2^53."""
    return value if type(value) is int and abs(value) < 2**53 else None


def truth(value: object) -> Value | None:
    """Allow True and False."""
    return value if isinstance(value, bool) else None


def identifier(value: object) -> Value | None:
    """Allow an id that settings assign, such as `north-police`; use it for no other field."""
    return value if isinstance(value, str) and _IDENTIFIER.fullmatch(value) else None


def one_of(*words: str) -> FieldRule:
    """Allow these words and no others."""
    allowed = frozenset(words)
    return lambda value: value if isinstance(value, str) and value in allowed else None


def _error_id(value: object) -> Value | None:
    return value if isinstance(value, str) and _ERROR_ID.fullmatch(value) else None


def _route(value: object) -> Value | None:
    """A route is logged as its rule, `/flags/<handle>`; a requested path is never one."""
    from werkzeug.routing import Rule  # noqa: PLC0415 - see the first lines

    return value.rule if isinstance(value, Rule) else None


def _operation(value: object) -> Value | None:
    """An operation is the name of a route's endpoint, which stands in our code."""
    from werkzeug.routing import Rule  # noqa: PLC0415 - see the first lines

    return str(value.endpoint) if isinstance(value, Rule) else None


_FOUNDATION_FIELDS: Final[Mapping[str, FieldRule]] = MappingProxyType(
    {
        "attempt": whole,
        "check": identifier,
        "count": whole,
        "duration_ms": whole,
        "error_id": _error_id,
        "job": identifier,
        "method": one_of(*_METHODS),
        "operation": _operation,
        "port": whole,
        "route": _route,
        "rows": whole,
        "size": whole,
        "status": whole,
        "threads": whole,
        "watch_port": whole,
        "workers": whole,
    }
)

_program = "unnamed"
_fields: Mapping[str, FieldRule] = _FOUNDATION_FIELDS


def configure(program: str, fields: Mapping[str, FieldRule] = MappingProxyType({})) -> None:
    """Make this process log as `program`, for its whole life.

    `fields` are the program's own fields, each with the rule for its values. From here on other
    libraries' log records and uncaught exceptions come out as lines too, without their messages.
    """
    global _program, _fields  # noqa: PLW0603 - a process has one log
    _program = program
    _fields = MappingProxyType({**_FOUNDATION_FIELDS, **fields})
    logging.root.handlers = [RedactingHandler()]
    logging.root.setLevel(logging.WARNING)
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda args: _report(args.exc_value)
    sys.unraisablehook = lambda args: _report(args.exc_value)


def get_logger() -> "structlog.typing.FilteringBoundLogger":
    """Return a logger; `get_logger().info("flags.published", count=3)` writes one line.

    It redacts whether or not `configure` has been called.
    """
    import structlog  # noqa: PLC0415 - see the first lines

    logger: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        _StandardError(),
        processors=[structlog.processors.add_log_level, _redact],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=False,
    )
    return logger


class RedactingHandler(logging.Handler):
    """Takes other libraries' log records and writes where they come from, not what they say."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        line = _head("library.message", record.levelname.lower())
        line["source"] = f"{record.name}:{PurePath(record.pathname).name}:{record.lineno}"
        line.update(_of_exception(error))
        _write(line)


class _StandardError:
    """The last step of structlog: takes a finished line."""

    def msg(self, line: str) -> None:
        sys.stderr.write(line + "\n")

    debug = info = warning = error = critical = exception = msg


def _redact(_: object, __: str, raw: MutableMapping[str, Any]) -> str:
    """Build the line from what is allowed in `raw`; a structlog processor, and the last one."""
    dropped: list[str] = []
    event = raw.pop("event", None)
    if not (isinstance(event, str) and _EVENT.fullmatch(event)):
        event = _UNNAMED
        dropped.append("event")
    line = _head(event, str(raw.pop("level")))
    error = _exception_in(raw.pop("exc_info", None))
    for name, value in raw.items():
        rule = _fields.get(name)
        if value is None:
            continue
        allowed = rule(value) if rule else None
        if allowed is None:
            dropped.append(name if _FIELD.fullmatch(name) else "?")
        else:
            line[name] = allowed
    line.update(_of_exception(error))
    if dropped:
        line["dropped"] = sorted(dropped)
    return json.dumps(line)


def _head(event: str, level: str) -> dict[str, Any]:
    at = datetime.fromtimestamp(time.time(), UTC)
    return {
        "time": at.isoformat(timespec="milliseconds"),
        "level": level,
        "program": _program,
        "event": event,
    }


def _exception_in(given: object) -> BaseException | None:
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple) and len(given) == 3 and isinstance(given[1], BaseException):
        return given[1]
    return sys.exc_info()[1] if given else None


def _of_exception(error: BaseException | None) -> dict[str, Any]:
    """Return the types of `error` and what caused it, and the places it passed; no message."""
    if error is None:
        return {}
    types: list[str] = []
    link: BaseException | None = error
    while link is not None and len(types) < _DEEPEST_CHAIN:
        types.append(f"{type(link).__module__}.{type(link).__qualname__}")
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    places = [
        f"{PurePath(frame.filename).name}:{frame.lineno}:{frame.name}"
        for frame in traceback.extract_tb(error.__traceback__, limit=-20)
    ]
    return {"error": types, "where": places}


def _uncaught(
    kind: type[BaseException], error: BaseException, places: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    _report(error.with_traceback(places))


def _report(error: BaseException | None) -> None:
    _write(_head("program.failed", "critical") | _of_exception(error))


def _write(line: Mapping[str, Any]) -> None:
    sys.stderr.write(json.dumps(line) + "\n")
