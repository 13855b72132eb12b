"""The worker as a process: APScheduler asks for each job in turn until the process is stopped."""

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Final

from apscheduler.executors.pool import (  # type: ignore[import-untyped]  # it ships no types
    ThreadPoolExecutor,
)
from apscheduler.schedulers.background import (  # type: ignore[import-untyped]  # as above
    BackgroundScheduler,
)

from foundation import health, logs
from foundation.database import require_migrated
from foundation.health import Readiness
from foundation.metrics import Metrics
from foundation.operator import PlainError, one_line
from foundation.service_manager import notify
from index_service.database import LOCATION
from index_service.installation import Installation
from index_service.worker.doing import Job, do
from index_service.worker.jobs import SEQUENCE, jobs_of

ASKED_EVERY_S: Final = 5
"""How often a copy asks whether a job is due, at most: it soon takes over from one that died."""

_THREADS: Final = 2

_SIGNALS: Final = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})


def asked_every_s(job: Job) -> float:
    """Return how many seconds a copy lets pass before it asks again whether `job` is due.

    Twice as often as it is due, or it would be asked for just too early and skip a turn.
    """
    return min(job.every_s / 2, ASKED_EVERY_S)


class Figures:
    """The worker's metrics: by job and outcome, and how many partners are stale."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics
        self._runs = metrics.counter("job_runs", "Jobs done by this copy.", "job", "outcome")
        self._rows = metrics.counter("job_rows", "Rows that jobs changed.", "job")
        self._took = metrics.histogram("job", "How long a job took.", "job")
        self._stale = metrics.gauge("stale_partners", "Partners out of date, as last seen here.")

    def ran(self, job: str, outcome: str, rows: int, seconds: float) -> None:
        """Count a job that this copy did."""
        self._runs.labels(job, outcome).inc()
        self._rows.labels(job).inc(rows)
        self._took.labels(job).observe(seconds)

    def show_stale(self, count: int) -> None:
        """Show how many partners are stale."""
        self._stale.set(count)


def work(
    open_index: Callable[[], Installation], watch: str | None, said: Callable[[str], object]
) -> None:
    """Do the jobs until SIGTERM or SIGINT; on SIGHUP open the index anew, and go on with that.

    A stop lets each piece at hand finish. An index that cannot be opened anew is said to `said`,
    and the worker goes on with the one it has. `watch` is where to be watched (foundation.health).
    """
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)  # jobs tell of themselves
    figures = Figures(Metrics())
    with _signals_wait(), ExitStack() as stack:
        index = open_index()
        if watch is not None:
            ready = Readiness({"database": lambda: require_migrated(index.database, LOCATION)})
            said(
                f"Watch it at {stack.enter_context(health.beside(watch, ready, figures.metrics))}."
            )
        notify("READY=1")
        logs.get_logger().info("worker.started")
        while True:
            with _scheduled(index, figures):
                to_reload = signal.sigwait(_SIGNALS) == signal.SIGHUP
                if not to_reload:
                    notify("STOPPING=1")
            if not to_reload:
                break
            index = _reopened(open_index, index, said)
    logs.get_logger().info("worker.stopped")


@contextmanager
def _signals_wait() -> Iterator[None]:
    """Let the signals wait until they are taken by sigwait(2): a handler could miss one.

    Python runs a handler when the main thread next runs, and a signal that arrives just before it
    begins to wait would be seen with the next one only. Threads started in here let them wait too.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _scheduled(index: Installation, figures: Figures) -> Iterator[None]:
    """Run the jobs of `index` on their schedule; on leaving, wait for the pieces at hand."""
    stopping = threading.Event()
    scheduler = BackgroundScheduler(
        timezone=UTC,
        # The log never waits for other jobs.
        executors={"default": ThreadPoolExecutor(_THREADS), SEQUENCE: ThreadPoolExecutor(1)},
    )

    def run(job: Job) -> None:
        outcome = do(job, index, stopping.is_set)
        if outcome is not None:
            figures.ran(job.name, outcome.word, outcome.rows, outcome.seconds)

    for job in jobs_of(index.settings.worker, figures.show_stale):
        # Whether a job is due stands in its lease; here it is only asked for often enough.
        scheduler.add_job(
            run,
            "interval",
            (job,),
            seconds=asked_every_s(job),
            executor=SEQUENCE if job.name == SEQUENCE else "default",
            next_run_time=datetime.now(UTC),
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )
    scheduler.start()
    try:
        yield
    finally:
        stopping.set()
        scheduler.shutdown(wait=True)
        index.database.close()


def _reopened(
    open_index: Callable[[], Installation], index: Installation, said: Callable[[str], object]
) -> Installation:
    try:
        reopened = open_index()
    except PlainError as error:
        said(f"error: not reloaded: {one_line(str(error))}")
        logs.get_logger().error("worker.reload_refused", exc_info=error)
        return index
    logs.get_logger().info("worker.reloaded")
    return reopened
