"""Runs a WSGI app under gunicorn from a `run` command; nothing of a request reaches its log."""

import os
import socket
import sys
from collections.abc import Callable
from typing import Any, Final

from flask import Flask
from gunicorn import glogging
from gunicorn.app.base import BaseApplication
from gunicorn.errors import AppImportError

from foundation import logs
from foundation.operator import EXIT_FAILED, OperatorError, PlainError, one_line

BACKLOG: Final = 2048
WORKER_TIMEOUT_S: Final = 60
GRACEFUL_TIMEOUT_S: Final = 30
KEEP_ALIVE_S: Final = 15
HIGHEST_PORT: Final = 65535

_CONTENT_FREE: Final = "the program could not be made ready: its log has the place"


def serve(
    app_factory: Callable[[], Flask],
    bind: str,
    workers: int,
    threads: int,
    *,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve the app that `app_factory` makes until SIGTERM or Ctrl-C; ends with SystemExit.

    `bind` is `host:port` or `[IPv6]:port`; port 0 takes a free one. `app_factory` runs in every
    one of the `workers` processes, after the fork, so that no two share a database connection.
    `threads` is how many requests each of them answers at a time. `ready` is called once with the
    address, such as `http://127.0.0.1:8000`, when it takes connections.

    Raises OperatorError if the address cannot be had. If `app_factory` raises a PlainError the
    program prints it as one line and ends with exit code 1.
    """
    listener = _listen(bind)
    host, port = listener.getsockname()[:2]
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def announce(_: object) -> None:
        logs.get_logger().info("serving.started", port=port, workers=workers, threads=threads)
        if ready is not None:
            ready(address)

    settings = {
        "bind": f"fd://{listener.detach()}",
        "workers": workers,
        "threads": threads,
        "worker_class": "gthread",
        "timeout": WORKER_TIMEOUT_S,
        "graceful_timeout": GRACEFUL_TIMEOUT_S,
        "keepalive": KEEP_ALIVE_S,
        "accesslog": None,  # its lines would hold addresses and query strings
        "loglevel": "warning",
        "logger_class": _Logger,
        "control_socket_disable": True,  # gunicorn 25 opens a control socket otherwise
        "when_ready": announce,
    }
    master = os.getpid()
    try:
        _Application(app_factory, settings).run()
    except SystemExit as ended:
        if os.getpid() != master:
            raise  # a forked worker: its exit code tells gunicorn why it ended
        # gunicorn says 3 or 4 when a worker could not start, which is failure like any other.
        sys.exit(EXIT_FAILED if ended.code else 0)


def _listen(bind: str) -> socket.socket:
    """Return a listening socket, opened here so that a taken port is known at once."""
    host, _, port = bind.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdigit() or int(port) > HIGHEST_PORT:
        raise OperatorError("the address to listen on is not host:port: write 127.0.0.1:8000")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, int(port)), family=family, backlog=BACKLOG)
    except OSError as error:
        raise OperatorError(
            f"cannot listen on {bind} ({error.strerror}): stop what uses it, or set another address"
        ) from None


class _Application(BaseApplication):
    """Gunicorn with settings from here alone: no command line, no file, no environment."""

    def __init__(self, app_factory: Callable[[], Flask], settings: dict[str, Any]) -> None:
        self._app_factory = app_factory
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._settings.items():
            if name in self.cfg.settings:  # older gunicorns lack the control socket
                self.cfg.set(name, value)

    def load(self) -> Any:
        """Make the WSGI app in a worker; gunicorn prints an AppImportError and gives up."""
        try:
            return self._app_factory()
        except PlainError as error:
            raise AppImportError(f"error: {one_line(str(error))}") from None
        except Exception as error:
            logs.get_logger().error("serving.failed", exc_info=error)
            raise AppImportError(f"error: {_CONTENT_FREE}") from None


class _Logger(glogging.Logger):
    """Gunicorn's messages quote requests; this keeps where they come from and nothing else."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers = [logs.RedactingHandler()]
        self.error_log.propagate = False
