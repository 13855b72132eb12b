"""What `run` does by itself: publish what changed, see what the index holds, tell desks by mail."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from apscheduler.executors.pool import (  # type: ignore[import-untyped]  # it ships no types
    ThreadPoolExecutor,
)
from apscheduler.schedulers.background import (  # type: ignore[import-untyped]  # as above
    BackgroundScheduler,
)

from agency_connector import retention
from agency_connector.contacts.exchange import exchange
from agency_connector.installation import Installation
from agency_connector.mailing import notices
from agency_connector.publishing import storage
from agency_connector.publishing import sync as publishing
from agency_connector.receipts import following
from agency_connector.succession import offered
from agency_connector.transport import Refused
from agency_connector.trust import directory
from agency_connector.trust import storage as trust
from agency_connector.witness import witnessing
from foundation import logs
from foundation.metrics import Metrics
from foundation.operator import PlainError
from protocol import documents
from schemas.handover import HandoverInbox, HandoverPackage
from schemas.operations import RECEIVE_HANDOVERS

_FIRST: Final = 12
"""A job is first due after this part of its interval, so that a restart does not put it off."""


_RETENTION_MINUTES: Final = 60
_AFTER_A_REFUSAL_MS: Final = 900_000


def sync(installation: Installation) -> bool:
    """Sync as `agency-connector sync` does; return whether nobody has to do anything about it.

    What a person has to do is kept in the words that `agency-connector sync` would print, and
    `status` shows them; the log names the kinds of trouble, no record and no reason.
    """
    try:
        report = publishing.sync(installation)
    except PlainError as error:
        _keep(installation, [str(error)])
        raise
    _keep(installation, report.troubles)
    logs.get_logger().info(
        "sync.finished",
        delivered=report.delivered,
        waiting=report.waiting,
        held=report.held,
        troubles=len(report.troubles),
    )
    for code in sorted(report.codes):
        logs.get_logger().warning("sync.trouble", trouble=code)
    return not report.troubles


def _keep(installation: Installation, troubles: Sequence[str]) -> None:
    with installation.database.write() as connection:
        storage.keep_scheduled(connection, installation.clock(), troubles)


def look(installation: Installation) -> bool:
    """Fetch the directory and the inbox; return whether there is nothing that a person must see.

    A person compares and receives a hand-over or takes up a successor of the log, never a job: here
    it is only said that one waits.
    """
    doubts = len(directory.refresh(installation).doubts)
    known = {anchor.descriptor.epoch for anchor in installation.anchors().epochs}
    client = installation.index()
    try:
        inbox: HandoverInbox = client.call(RECEIVE_HANDOVERS)
    finally:
        client.close()
    waiting = sum(
        documents.claimed(envelope, HandoverPackage).epoch not in known
        for envelope in inbox.packages
    )
    if doubts or waiting:
        logs.get_logger().warning("partnership.look", doubts=doubts, handovers=waiting)
    ended = bool(offered.notice(installation))
    return not (doubts or waiting or ended)


def read_log(installation: Installation) -> bool:
    """Read what is new of the log, and verify the receipts; return whether none became an alarm."""
    done = following.follow(installation)
    logs.get_logger().info("log.followed", size=done.newest.head.size, verified=done.verified)
    return not done.alarmed


def countersign(installation: Installation) -> bool:
    """Witness the log; return True: whatever is in the way is raised, and kept for `status`."""
    witnessing.witness(installation)
    return True


def exchange_contacts(installation: Installation) -> bool:
    """Send and fetch contact requests; return whether the index brought nothing doubtful."""
    done = exchange(installation)
    came = len(done.received) + len(done.stepped)
    if done.sent or came or done.doubts:
        logs.get_logger().info(
            "contacts.exchanged", delivered=done.sent, waiting=came, doubts=done.doubts
        )
    return not done.doubts


class Patiently:
    """Does a job that is due often, once somebody has handed over.

    A refusal is an entry of the log, so after one it waits before it asks again.
    """

    def __init__(self, job: Callable[[Installation], bool]) -> None:
        self._job = job
        self._not_before = 0

    def __call__(self, installation: Installation) -> bool:
        """Return what the job does, and True while it is not done."""
        with installation.database.read() as connection:
            handed_over = trust.pins(connection) is not None
        if not handed_over or installation.clock() < self._not_before:
            return True
        try:
            return self._job(installation)
        except Refused:
            self._not_before = installation.clock() + _AFTER_A_REFUSAL_MS
            raise


def start(installation: Installation, metrics: Metrics) -> BackgroundScheduler:
    """Do the jobs on their schedule, one at a time, in a thread beside the pages.

    The thread ends with the process. A sync that is cut off by that is taken up again where its
    outbox stands. Returns what the schedule can be stopped with.
    """
    runs = metrics.counter("job_runs", "Jobs done.", "job", "outcome")
    took = metrics.histogram("job", "How long a job took.", "job")

    def do(name: str, job: Callable[[Installation], bool]) -> None:
        started = time.monotonic()
        try:
            outcome = "done" if job(installation) else "attention"
        except Exception as error:
            outcome = "failed"
            logs.get_logger().error("job.failed", job=name, exc_info=error)
        runs.labels(name, outcome).inc()
        took.labels(name).observe(time.monotonic() - started)

    # Neither a witness, nor the mail, nor somebody who is to be phoned waits for a sync.
    executors = {name: ThreadPoolExecutor(1) for name in ("default", "witness", "contacts", "mail")}
    scheduler = BackgroundScheduler(timezone=UTC, executors=executors)
    told = installation.settings.schedule
    jobs: tuple[tuple[str, Callable[[Installation], bool], int], ...] = (
        ("sync", sync, told.sync_minutes),
        ("look", look, told.look_minutes),
        ("log", read_log, told.log_minutes),
        ("retention", retention.end, _RETENTION_MINUTES),
        ("mail", notices.deliver, told.mail_minutes if installation.settings.mail else 0),
    )
    for name, job, minutes in jobs:
        if minutes:
            scheduler.add_job(
                do,
                "interval",
                (name, job),
                minutes=minutes,
                next_run_time=datetime.now(UTC) + timedelta(minutes=minutes) / _FIRST,
                executor="mail" if name == "mail" else "default",
                max_instances=1,
                coalesce=True,
                misfire_grace_time=None,
            )
    for name, job, seconds in (
        ("witness", countersign, told.witness_seconds),
        ("contacts", exchange_contacts, told.contacts_seconds),
    ):
        if seconds:
            scheduler.add_job(
                do,
                "interval",
                (name, Patiently(job)),
                seconds=seconds,
                next_run_time=datetime.now(UTC),
                executor=name,
                max_instances=1,
                coalesce=True,
                misfire_grace_time=None,
            )
    scheduler.start()
    return scheduler
