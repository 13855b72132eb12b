"""Runs a WSGI app under gunicorn from a `run` command; nothing of a request reaches its log.

SIGTERM answers the requests under way and ends; SIGHUP starts new workers, which read settings
and keys anew, and then lets the old ones finish: no request is dropped by either.
"""

import os
import runpy
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from flask import Flask
from gunicorn import glogging
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.config import Config
from gunicorn.errors import AppImportError

from foundation import logs
from foundation.database import StorageUnavailable
from foundation.health import WATCH_ADDRESS
from foundation.metrics import SHARED_FOLDER
from foundation.operator import EXIT_FAILED, OperatorError, PlainError, one_line

BACKLOG: Final = 2048
WORKER_TIMEOUT_S: Final = 60
GRACEFUL_TIMEOUT_S: Final = 30
KEEP_ALIVE_S: Final = 15
DATABASE_WAIT_S: Final = 1.0
HIGHEST_PORT: Final = 65535

TUNABLE: Final = frozenset(
    {
        "graceful_timeout",
        "keepalive",
        "limit_request_field_size",
        "limit_request_fields",
        "limit_request_line",
        "max_requests",
        "max_requests_jitter",
        "timeout",
        "worker_connections",
        "worker_tmp_dir",
    }
)
"""What a gunicorn configuration file may set: not where it listens, nor what it logs or runs."""

_DEFAULTS: Final = {
    "timeout": WORKER_TIMEOUT_S,
    "graceful_timeout": GRACEFUL_TIMEOUT_S,
    "keepalive": KEEP_ALIVE_S,
}
_CONTENT_FREE: Final = "the program could not be made ready: its log has the place"


@dataclass(frozen=True, slots=True)
class Size:
    """How many worker processes, and how many requests each of them answers at a time."""

    workers: int
    threads: int


def serve(
    app_factory: Callable[[], Flask],
    bind: str,
    workers: int,
    threads: int,
    *,
    ready: Callable[[str], None] | None = None,
    watch: str | None = None,
    tuning: Path | None = None,
    reread: Callable[[], Size] | None = None,
) -> None:
    """Serve the app that `app_factory` makes until SIGTERM or Ctrl-C; ends with SystemExit.

    `bind` is `host:port` or `[IPv6]:port`; port 0 takes a free one. `app_factory` runs in every
    one of the `workers` processes, after the fork, so that no two share a database connection.
    `threads` is how many requests each of them answers at a time. `ready` is called once with the
    address, such as `http://127.0.0.1:8000`, when it takes connections. `watch` is the address for
    `foundation.health`. `tuning` is a gunicorn configuration file, which may set TUNABLE.

    `reread` is called on SIGHUP, before anything changes: it checks that new workers could start
    and returns their number. If it raises a PlainError, that is said and the old workers stay.

    Raises OperatorError if an address cannot be had, or the file sets anything else. If
    `app_factory` raises a PlainError the program prints it as one line and ends with exit code 1;
    if it raises StorageUnavailable, the worker is made anew each second until it can be made.
    """
    tuned = _tuned(tuning)
    listener = _listen(bind)
    host, port = listener.getsockname()[:2]
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    binds = [f"fd://{listener.detach()}"]
    watched: tuple[str, str] | None = None
    if watch is not None:
        watching = _listen(watch)
        watched = (watching.getsockname()[0], str(watching.getsockname()[1]))
        binds.append(f"fd://{watching.detach()}")

    def announce(_: object) -> None:
        logs.get_logger().info(
            "serving.started",
            port=port,
            watch_port=None if watched is None else int(watched[1]),
            workers=workers,
            threads=threads,
        )
        if ready is not None:
            ready(address)

    settings = {
        "bind": binds,
        "worker_class": "gthread",
        "accesslog": None,  # its lines would hold addresses and query strings
        "loglevel": "warning",
        "logger_class": _Logger,
        "control_socket_disable": True,  # gunicorn 25 opens a control socket otherwise
        "when_ready": announce,
    }
    master = os.getpid()
    application = _Application(
        app_factory, settings, Size(workers, threads), watched, reread, tuning, tuned
    )
    figures = tempfile.mkdtemp(prefix="ifi-metrics-")
    os.environ[SHARED_FOLDER] = figures
    try:
        application.run()
    except SystemExit as ended:
        if os.getpid() != master:
            raise  # a forked worker: its exit code tells gunicorn why it ended
        # gunicorn says 3 or 4 when a worker could not start, which is failure like any other.
        sys.exit(EXIT_FAILED if ended.code else 0)
    finally:
        if os.getpid() == master:
            shutil.rmtree(figures, ignore_errors=True)


def _tuned(path: Path | None) -> Mapping[str, object]:
    """Return what the gunicorn configuration file at `path` sets, checked."""
    if path is None:
        return {}
    try:
        told = runpy.run_path(str(path))
    except OSError as error:
        raise OperatorError(
            f"{path}: cannot be read ({error.strerror}): give the path of a gunicorn configuration"
        ) from None
    except Exception as error:
        raise OperatorError(
            f"{path}: is no gunicorn configuration ({type(error).__name__}): correct it"
        ) from None
    settings = {name: value for name, value in told.items() if not name.startswith("_")}
    if others := sorted(settings.keys() - TUNABLE):
        raise OperatorError(
            f"{path}: {others[0]}: is not to be set here: it takes {', '.join(sorted(TUNABLE))}"
        )
    trial = Config()
    for name, value in settings.items():
        try:
            trial.set(name, value)
        except (TypeError, ValueError):
            raise OperatorError(
                f"{path}: {name}: gunicorn does not take this value: correct it"
            ) from None
    return settings


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
    """Gunicorn with settings from here and its tuning file: no command line, no environment."""

    def __init__(
        self,
        app_factory: Callable[[], Flask],
        settings: dict[str, Any],
        size: Size,
        watched: tuple[str, str] | None,
        reread: Callable[[], Size] | None,
        tuning: Path | None,
        tuned: Mapping[str, object],
    ) -> None:
        self._app_factory = app_factory
        self._settings = settings
        self._size = size
        self._watched = watched
        self._reread = reread
        self._tuning = tuning
        self._tuned = tuned
        super().__init__()

    def load_config(self) -> None:
        told = {
            **_DEFAULTS,
            **self._tuned,
            **self._settings,
            "workers": self._size.workers,
            "threads": self._size.threads,
        }
        for name, value in told.items():
            if name in self.cfg.settings:  # older gunicorns lack the control socket
                self.cfg.set(name, value)

    def run(self) -> None:
        _Arbiter(self).run()

    def may_reload(self) -> bool:
        """Return whether new workers could start, and take up their number; if not, say why."""
        try:
            tuned = _tuned(self._tuning)
            size = self._size if self._reread is None else self._reread()
        except PlainError as error:
            sys.stderr.write(f"error: not reloaded: {one_line(str(error))}\n")
            logs.get_logger().error("serving.reload_refused", exc_info=error)
            return False
        self._tuned = tuned
        self._size = size
        logs.get_logger().info("serving.reloading", workers=size.workers, threads=size.threads)
        return True

    def load(self) -> Any:
        """Make the WSGI app in a worker; gunicorn prints an AppImportError and gives up."""
        try:
            app = self._app_factory()
            app.config[WATCH_ADDRESS] = self._watched
            return app
        except StorageUnavailable as error:
            # The database was there when the program started, and this worker replaces one that
            # ended: the others answer as well as they can, and must not be ended with it.
            logs.get_logger().error("serving.waits_for_database", exc_info=error)
            time.sleep(DATABASE_WAIT_S)
            sys.exit(EXIT_FAILED)
        except PlainError as error:
            raise AppImportError(f"error: {one_line(str(error))}") from None
        except Exception as error:
            logs.get_logger().error("serving.failed", exc_info=error)
            raise AppImportError(f"error: {_CONTENT_FREE}") from None


class _Arbiter(Arbiter):
    """Gunicorn's master; a reload that could not succeed is not begun, since it would end it."""

    def reload(self) -> None:
        if isinstance(self.app, _Application) and self.app.may_reload():
            super().reload()


class _Logger(glogging.Logger):
    """Gunicorn's messages quote requests; this keeps where they come from and nothing else."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers = [logs.RedactingHandler()]
        self.error_log.propagate = False
