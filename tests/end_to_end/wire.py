"""Stands between the connectors and a service: keeps all that passes, and can lie in its name."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import msgspec
from werkzeug.datastructures import Headers
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Request as HttpRequest

from foundation.clock import Clock
from protocol import canonical
from protocol.http_signatures import sign_response
from protocol.keys import SigningKey
from protocol.signature_base import Request, Response
from schemas.operations import Operation

# Checkpoints and tiles are no operations: they are plain files to whoever fetches them.
_LOG = Operation("log", "GET", "/log", "anyone", None, bytes, "")
Lie = Callable[[Any], Any]


@dataclass(frozen=True)
class Passed:
    """One exchange, every byte of it: request line and header fields, bodies, status."""

    operation: str
    head: bytes
    body: bytes
    status: int
    answer_head: bytes
    answer: bytes


@dataclass
class Middleman:
    """A WSGI app before another. It holds the service's own `key`, and so can sign what it likes.

    `lies` gives by operation what turns the honest answer into another one.
    """

    app: Any
    operations: tuple[Operation, ...]
    key: SigningKey
    clock: Clock
    lies: dict[str, Lie] = field(default_factory=dict)
    passed: list[Passed] = field(default_factory=list)
    asked: bytes = b""
    """The body of the request that is being answered, for a lie to go by."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        http = HttpRequest(environ)
        body = http.get_data()
        environ["wsgi.input"] = BytesIO(body)
        self.asked = body
        chunks, status, headers = run_wsgi_app(self.app, environ)
        answer = b"".join(chunks)
        operation = next(
            (o for o in self.operations if (o.method, o.path) == (http.method, http.path)), _LOG
        )
        lie = self.lies.get(operation.name)
        if lie is not None and status.startswith("200"):
            answer = canonical.encode(lie(msgspec.json.decode(answer, type=operation.response)))
            self._sign(http, body, answer, headers)
        self.passed.append(
            Passed(
                operation=operation.name,
                head=f"{http.method} {http.full_path}\n{http.headers}".encode(),
                body=body,
                status=int(status[:3]),
                answer_head=str(headers).encode(),
                answer=answer,
            )
        )
        start_response(status, list(headers))
        return [answer]

    def bodies_of(self, operation: str) -> list[bytes]:
        """The bodies of the requests of `operation`, in order."""
        return [one.body for one in self.passed if one.operation == operation]

    def _sign(self, http: HttpRequest, body: bytes, answer: bytes, headers: Headers) -> None:
        if "Signature" not in http.headers:
            return
        request = Request(
            http.method, http.path, http.query_string.decode(), tuple(http.headers), body
        )
        signature = sign_response(
            Response(200, (), answer), request, self.key, created_s=self.clock() // 1000
        )
        for name, value in signature.items():
            headers.set(name, value)
        headers.set("Content-Length", str(len(answer)))
