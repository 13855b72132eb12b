"""Signs requests to a Flask app as a connector does, and checks what comes back."""

from dataclasses import dataclass
from typing import Any

import msgspec
from flask.testing import FlaskClient

from protocol.http_signatures import sign_request, verify_response
from protocol.keys import SigningKey
from protocol.signature_base import Request, Response
from schemas.operations import Operation

AUDIENCE = "index/borsetshire"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer whose signature has been checked; `content` is its JSON."""

    status: int
    content: Any
    body: bytes
    headers: dict[str, str]

    @property
    def code(self) -> str:
        """The code of a problem document."""
        return str(self.content["type"]).rpartition(":")[2]


def signed(
    operation: Operation,
    body: bytes,
    key: SigningKey,
    *,
    at: int,
    nonce: bytes,
    audience: str = AUDIENCE,
) -> Request:
    """Return the signed request; `at` in milliseconds UTC."""
    content = (("Content-Type", "application/json"),) if body else ()
    request = Request(operation.method, operation.path, "", content, body)
    return request.with_headers(
        sign_request(request, key, audience=audience, created_s=at // 1000, nonce=nonce)
    )


def send(client: FlaskClient, request: Request, *, server: bytes, at: int) -> Reply:
    """Send `request` and check that the answer is signed by `server` and bound to it."""
    answer = client.open(
        request.path,
        method=request.method,
        query_string=request.query,
        headers=list(request.headers),
        data=request.body,
    )
    wire = Response(answer.status_code, tuple(answer.headers.items()), answer.data)
    verify_response(wire, request, public=server, now_s=at // 1000)
    return Reply(
        answer.status_code, msgspec.json.decode(answer.data), answer.data, dict(answer.headers)
    )
