"""Whether a program is alive and ready, and its metrics: three routes that tell nothing else.

    guard = Guard({**CHECKS, **health.CHECKS})
    health.serve(app, guard, Readiness({"database": ...}), metrics)

`/healthz` and `/readyz` are for anyone who can reach the program: a proxy has to ask them.
`/metrics` is answered only on the watch address, which `foundation.serving` opens beside the
public one and which is on loopback by default; and nothing but these three is answered there.
"""

import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from socketserver import TCPServer, ThreadingMixIn
from types import MappingProxyType
from typing import Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from flask import Flask, Response, current_app, request

from foundation import logs, problems
from foundation.metrics import UNOBSERVED, Metrics
from foundation.operator import OperatorError
from foundation.problems import Problem
from foundation.routes import Check, Guard

WATCH_ADDRESS: Final = "WATCH_ADDRESS"
"""The key of `app.config` under which the watch address stands, as (host, port) of its socket."""

KEPT_S: Final = 1.0
_HIGHEST_PORT: Final = 65_535


def watch_address(setting: str | None, bind: str, apart: int = 1_000) -> str | None:
    """Return where to be watched as a setting says: `host:port`, or None for `off`.

    Unset it is on loopback, `apart` ports above that of `bind`; a free port for port 0.
    """
    if setting is not None:
        return None if setting == "off" else setting
    port = bind.rpartition(":")[2]
    number = int(port) if port.isascii() and port.isdigit() else 0
    return f"127.0.0.1:{number + apart if 0 < number <= _HIGHEST_PORT - apart else 0}"


class Readiness:
    """Named checks; the program is ready while none of them raises.

    Whatever is asked within a second of the last answer gets that answer, so that nobody can
    load the program with questions about its load.
    """

    def __init__(self, checks: Mapping[str, Callable[[], object]]) -> None:
        self._checks = dict(checks)
        self._lock = threading.Lock()
        self._asked: tuple[float, tuple[str, ...]] | None = None

    def failing(self) -> tuple[str, ...]:
        """Return the names of the checks that fail; the log gets their types and places."""
        with self._lock:
            now = time.monotonic()
            if self._asked is None or now - self._asked[0] >= KEPT_S:
                names = tuple(name for name in self._checks if not self._passes(name))
                self._asked = (time.monotonic(), names)
            return self._asked[1]

    def _passes(self, name: str) -> bool:
        try:
            self._checks[name]()
        except Exception as error:
            logs.get_logger().error("health.failed", check=name, exc_info=error)
            return False
        return True


def _on_watch_address() -> None:
    """Refuse a request that came another way, as if the route were not there."""
    if not _came_to_watch_address():
        raise Problem(404, "not-found", "There is nothing at this address: check the path.")


CHECKS: Final[Mapping[Hashable, Check]] = MappingProxyType(
    {"prober": Guard.anyone, "watcher": _on_watch_address}
)
"""The kinds of caller of the three routes, for the program's `Guard`."""


def serve(app: Flask, guard: Guard, readiness: Readiness, metrics: Metrics) -> None:
    """Register `/healthz`, `/readyz` and `/metrics` with `app`, before the guard seals it."""

    @guard.route(app, "/healthz", may="prober", endpoint="alive")
    def alive() -> Response:
        return _plain(b"alive\n")

    @guard.route(app, "/readyz", may="prober", endpoint="ready")
    def ready() -> Response:
        failing = readiness.failing()
        if failing:
            raise Problem(
                503,
                "not-ready",
                "The program runs and cannot do its work at the moment: its log has the place.",
                failing=failing,
            )
        return _plain(b"ready\n")

    @guard.route(app, "/metrics", may="watcher", endpoint="metrics")
    def figures() -> Response:
        return _plain(metrics.render(), metrics.content_type)

    @app.before_request
    def _nothing_else_on_the_watch_address() -> None:
        if _came_to_watch_address() and request.endpoint not in UNOBSERVED:
            raise Problem(404, "not-found", "Only the program's health is told here.")


@contextmanager
def beside(bind: str, readiness: Readiness, metrics: Metrics) -> Iterator[str]:
    """Serve the three routes at `bind` from a thread, for programs that serve nothing else.

    Yields the address, such as `http://127.0.0.1:9103`. Raises OperatorError if it cannot be had.
    """
    app = Flask("watch", static_folder=None)
    problems.register(app)
    guard = Guard(CHECKS)
    serve(app, guard, readiness, metrics)
    guard.seal(app)
    host, _, port = bind.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()):
        raise OperatorError("the watch address is not host:port: write 127.0.0.1:9103")
    try:
        server = make_server(host, int(port), app, _Threads, _Silent)
    except (OSError, OverflowError):
        raise OperatorError(
            f"cannot listen on {bind}: stop what uses it, or set another watch address"
        ) from None
    app.config[WATCH_ADDRESS] = _written(server.server_address[0], server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, name="watch", daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Threads(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """Bind without looking the host's name up, which may take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()


class _Silent(WSGIRequestHandler):
    timeout = 10

    def log_message(self, *_: object) -> None:
        """Say nothing: its lines would hold addresses and paths."""


def _written(host: object, port: object) -> tuple[str, str]:
    return str(host), str(port)


def _came_to_watch_address() -> bool:
    # Both are of the socket that the connection came to, never of the request's Host field.
    came_to = _written(request.environ["SERVER_NAME"], request.environ["SERVER_PORT"])
    return bool(current_app.config.get(WATCH_ADDRESS) == came_to)


def _plain(body: bytes, content_type: str = "text/plain; charset=utf-8") -> Response:
    response = Response(body, content_type=content_type)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
