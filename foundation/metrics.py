"""Counts and durations of a program for Prometheus; by operation and status class, nothing else.

No label ever holds what came in a request: an operation is the name of a route, a status is its
hundred, a job is a word of ours. docs/decisions/service.md says why agencies are no label either.
"""

import os
import time
from typing import TYPE_CHECKING, Any, Final

from flask import Flask, Response, g, request

from foundation import logs

if TYPE_CHECKING:
    from prometheus_client import Counter, Gauge, Histogram

SHARED_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable with the folder in which several processes share their figures.

It has to be set before the first `Metrics` of a process is made, and never changes after that.
"""

UNOBSERVED: Final = frozenset({"alive", "ready", "metrics"})
"""Routes for those who watch the program: they are asked all day, and not what it is for."""

_NONE: Final = "none"
_STARTED: Final = "request_started"
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The figures of one process, or of all processes that share a folder."""

    def __init__(self) -> None:
        # The library decides when it is imported whether its values are shared.
        import prometheus_client  # noqa: PLC0415 - after the folder is known

        self._library = prometheus_client
        self._folder = os.environ.get(SHARED_FOLDER)
        self._registry = prometheus_client.CollectorRegistry()

    @property
    def content_type(self) -> str:
        """What `render` returns, as a media type."""
        return str(self._library.CONTENT_TYPE_LATEST)

    def counter(self, name: str, told: str, *labels: str) -> "Counter":
        """Return a new count called `ifi_<name>_total`."""
        return self._library.Counter(f"ifi_{name}", told, labels, registry=self._registry)

    def gauge(self, name: str, told: str, *labels: str) -> "Gauge":
        """Return a new gauge called `ifi_<name>`; only for programs of one process."""
        if self._folder is not None:
            raise RuntimeError("a gauge has no meaning over several processes")
        return self._library.Gauge(f"ifi_{name}", told, labels, registry=self._registry)

    def histogram(self, name: str, told: str, *labels: str) -> "Histogram":
        """Return a new histogram of seconds called `ifi_<name>_seconds`."""
        return self._library.Histogram(
            f"ifi_{name}_seconds", told, labels, buckets=_BUCKETS, registry=self._registry
        )

    def render(self) -> bytes:
        """Return every figure in Prometheus's text format, over all processes that share it."""
        registry: Any = self._registry
        if self._folder is not None:
            from prometheus_client import multiprocess  # noqa: PLC0415 - as in __init__

            registry = self._library.CollectorRegistry()
            multiprocess.MultiProcessCollector(registry, path=self._folder)  # type: ignore[no-untyped-call]  # the library leaves it untyped
        return bytes(self._library.generate_latest(registry))


def observe(app: Flask, metrics: Metrics) -> None:
    """Count, time and log every request of `app`; call it first, so that it times the rest too.

    The log gets one line per request with operation, method, status and duration: not who asked,
    which the program's own records say to those who may know.
    """
    answered = metrics.counter("requests", "Requests answered.", "operation", "status")
    took = metrics.histogram("request", "From a request's arrival to its answer.", "operation")
    logger = logs.get_logger().bind()  # once: an unbound one is made anew for each line

    @app.before_request
    def _start() -> None:
        setattr(g, _STARTED, time.perf_counter())

    @app.after_request
    def _finish(response: Response) -> Response:
        rule = request.url_rule
        operation = _NONE if rule is None else rule.endpoint
        if operation in UNOBSERVED:
            return response
        seconds = time.perf_counter() - getattr(g, _STARTED, time.perf_counter())
        answered.labels(operation, f"{response.status_code // 100}xx").inc()
        took.labels(operation).observe(seconds)
        logger.info(
            "request.answered",
            operation=rule,
            method=request.method,
            status=response.status_code,
            duration_ms=round(seconds * 1000),
        )
        return response
