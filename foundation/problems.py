"""Problem documents (RFC 9457): the one place where an error becomes an HTTP answer."""

import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import msgspec
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from foundation import logs
from foundation.database import StorageUnavailable
from foundation.operator import PlainError

CONTENT_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:ifi:problem:"
RETRY_AFTER_S: Final = 5

_MEMBERS: Final = frozenset({"type", "title", "status", "detail", "instance"})

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

    def document(self) -> dict[str, object]:
        """Return the members of the document in the order of RFC 9457 §3.1; no `instance`."""
        return {
            "type": TYPE_PREFIX + self.code,
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            **self.extras,
        }


def problem_response(problem: Problem) -> Response:
    """Return `problem` as a response of type application/problem+json that nobody may store."""
    response = Response(
        msgspec.json.encode(problem.document()), status=problem.status, content_type=CONTENT_TYPE
    )
    response.headers.update(problem.headers)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def register(app: Flask) -> None:
    """Answer every error of `app` with a problem document."""
    app.register_error_handler(Problem, problem_response)
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(msgspec.DecodeError, _of_json)
    app.register_error_handler(StorageUnavailable, _of_storage)
    app.register_error_handler(Exception, _of_unexpected)


def _of_http(error: HTTPException) -> Response | HTTPException:
    """Flask's and Werkzeug's own errors: 404, 405, 413 and the rest."""
    status = error.code or 500
    if status < 400:  # a redirect to the canonical address is no error
        return error
    if status >= 500:
        return _of_unexpected(error)
    code, detail = _DETAILS.get(status, ("bad-request", "The request cannot be answered as sent."))
    problem = Problem(status, code, detail)
    answer = error.get_response()
    for name in ("Allow", "Retry-After", "WWW-Authenticate"):
        if name in answer.headers:
            problem.headers[name] = answer.headers[name]
    if status == 405 and "Allow" in problem.headers:
        problem.detail = f"{detail} It takes {problem.headers['Allow']}."
    return problem_response(problem)


def _of_json(error: msgspec.DecodeError) -> Response:
    """A body that is no JSON, or not as the schema has it. msgspec names fields, not values."""
    if isinstance(error, msgspec.ValidationError):
        where = str(error).replace("`", "")
        return problem_response(
            Problem(422, "schema", f"The body is not as the schema has it: {where}.")
        )
    return problem_response(Problem(400, "json", "The body is not valid JSON."))


def _of_storage(error: StorageUnavailable) -> Response:
    logs.get_logger().error("storage.unavailable", exc_info=error)
    problem = Problem(
        503,
        "storage-unavailable",
        "The service cannot use its storage at the moment: send the request again later.",
    )
    problem.headers["Retry-After"] = str(RETRY_AFTER_S)
    return problem_response(problem)


def _of_unexpected(error: Exception) -> Response:
    """A mistake of ours: the caller gets a number to quote, the log gets types and places."""
    error_id = secrets.token_hex(8)
    rule = request.url_rule
    logs.get_logger().error(
        "request.failed",
        exc_info=error,
        error_id=error_id,
        method=request.method,
        route=rule.rule if rule else None,
    )
    return problem_response(
        Problem(
            500,
            "internal",
            f"Something went wrong here. Quote {error_id} to whoever runs this service.",
            error_id=error_id,
        )
    )
