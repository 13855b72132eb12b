"""Problem documents (RFC 9457): the one place where an error becomes an HTTP answer.

Flask is imported where it is used: a command that serves nothing has problems too, and would wait
a third of a second for it at each start.
"""

import secrets
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from foundation import logs
from foundation.database import StorageUnavailable
from foundation.operator import PlainError

if TYPE_CHECKING:
    from flask import Flask, Response
    from werkzeug.exceptions import HTTPException

CONTENT_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:ifi:problem:"
RETRY_AFTER_S: Final = 5

_MEMBERS: Final = frozenset({"type", "title", "status", "detail", "instance"})

_KEPT_HEADERS: Final = ("Allow", "Retry-After", "WWW-Authenticate")

_DETAILS: Final[Mapping[int, tuple[str, str]]] = {
    400: ("bad-request", "The request cannot be read: check its syntax against the schema."),
    401: ("unauthenticated", "Sign the request, or sign in, and send it again."),
    403: ("forbidden", "This caller may not do this."),
    404: ("not-found", "There is nothing at this address: check the path."),
    405: ("method-not-allowed", "This address does not take this method."),
    408: ("timed-out", "The request took too long to arrive: send it again."),
    411: ("length-required", "Send a Content-Length with the body."),
    413: ("too-large", "The body is larger than this address takes: send less at once."),
    415: ("unsupported-media-type", "Send the body as application/json."),
    429: ("too-many-requests", "Too many requests: wait and send it again."),
}


class Problem(PlainError):
    """A refusal or failure that the caller is told about as an RFC 9457 document.

    Arguments: HTTP `status`; `code`, the last part of `urn:ifi:problem:<code>`; `detail`, one
    sentence that says what to do; `extras`, further members of the document (RFC 9457 §3.2),
    which must be JSON values and not personal data. A `headers` mapping may be set on it.
    """

    def __init__(self, status: int, code: str, detail: str, **extras: object) -> None:
        super().__init__(detail)
        if taken := _MEMBERS & extras.keys():
            raise ValueError(f"an extension member may not be called {sorted(taken)[0]}")
        self.status = status
        self.code = code
        self.detail = detail
        self.extras = extras
        self.headers: dict[str, str] = {}

    @property
    def title(self) -> str:
        """The status in words, as RFC 9110 has them."""
        return HTTPStatus(self.status).phrase

    def document(self) -> dict[str, object]:
        """Return the members of the document in the order of RFC 9457 §3.1; no `instance`."""
        return {
            "type": TYPE_PREFIX + self.code,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            **self.extras,
        }


def problem_response(problem: Problem) -> "Response":
    """Return `problem` as a response of type application/problem+json that nobody may store."""
    from flask import Response  # noqa: PLC0415 - see the first lines

    response = Response(
        msgspec.json.encode(problem.document()), status=problem.status, content_type=CONTENT_TYPE
    )
    response.headers.update(problem.headers)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


Answer: TypeAlias = "Callable[[Problem], Response]"
"""Makes the response of a problem: a document for a program, or a page for a person."""


def register(app: "Flask", answer: Answer = problem_response) -> None:
    """Answer every error of `app` in one way, with a problem document unless told otherwise."""
    from werkzeug.exceptions import HTTPException  # noqa: PLC0415 - see the first lines

    def of_http(error: HTTPException) -> "Response | HTTPException":
        status = error.code or 500
        if status < 400:  # a redirect to the canonical address is no error
            return error
        return answer(_unexpected(error) if status >= 500 else _http(error, status))

    app.register_error_handler(Problem, answer)
    app.register_error_handler(HTTPException, of_http)
    app.register_error_handler(StorageUnavailable, lambda error: answer(_storage(error)))
    app.register_error_handler(Exception, lambda error: answer(_unexpected(error)))


def _http(error: "HTTPException", status: int) -> Problem:
    """Flask's and Werkzeug's own refusals: 404, 405, 413 and the rest."""
    code, detail = _DETAILS.get(status, ("bad-request", "The request cannot be answered as sent."))
    headers = error.get_response().headers
    if status == 405 and "Allow" in headers:
        detail = f"{detail} It takes {headers['Allow']}."
    problem = Problem(status, code, detail)
    problem.headers |= {name: headers[name] for name in _KEPT_HEADERS if name in headers}
    return problem


def _storage(error: StorageUnavailable) -> Problem:
    logs.get_logger().error("storage.unavailable", exc_info=error)
    problem = Problem(
        503,
        "storage-unavailable",
        "The service cannot use its storage at the moment: send the request again later.",
    )
    problem.headers["Retry-After"] = str(RETRY_AFTER_S)
    return problem


def _unexpected(error: Exception) -> Problem:
    """A mistake of ours: the caller gets a number to quote, the log gets types and places."""
    from flask import request  # noqa: PLC0415 - see the first lines

    error_id = secrets.token_hex(8)
    logs.get_logger().error(
        "request.failed",
        exc_info=error,
        error_id=error_id,
        method=request.method,
        route=request.url_rule,
    )
    return Problem(
        500,
        "internal",
        f"Something went wrong here. Quote {error_id} to whoever runs this service.",
        error_id=error_id,
    )
