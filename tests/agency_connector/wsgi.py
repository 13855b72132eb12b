"""Lets `requests` talk to WSGI apps in this process: real bytes and signatures, no sockets."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any
from unittest import mock

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse
from werkzeug.test import Client

Before = Callable[[requests.PreparedRequest], None]


class WsgiAdapter(HTTPAdapter):
    """Answers requests from `app`. `before` and `after` may raise, as a network does."""

    def __init__(self, app: Any) -> None:
        super().__init__()
        self.client = Client(app)
        self.before: Before = lambda _: None
        self.after: Before = lambda _: None
        self.bodies: list[tuple[str, bytes]] = []

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:  # type: ignore[override]  # what it takes beside is of no matter here
        self.before(request)
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        self.bodies.append((request.path_url, body))
        answer = self.client.open(
            request.path_url,
            method=request.method,
            headers=list(request.headers.items()),
            data=body,
        )
        self.after(request)
        response = HTTPResponse(
            body=BytesIO(answer.data),
            headers=HTTPHeaderDict(answer.headers.items()),
            status=answer.status_code,
            preload_content=False,
        )
        return self.build_response(request, response)


@contextmanager
def reaching(adapters: dict[str, WsgiAdapter]) -> Iterator[None]:
    """Make every new session reach the app behind each address."""
    real = requests.Session

    def session() -> requests.Session:
        made = real()
        for url, adapter in adapters.items():
            made.mount(url, adapter)
        return made

    with mock.patch("requests.Session", session):
        yield
