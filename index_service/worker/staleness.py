"""Stale partners: members whose publication is older than the partnership allows."""

from sqlalchemy import Connection

from foundation import logs
from index_service.installation import Installation
from index_service.spans import HOUR_MS


def stale_partners(connection: Connection, index: Installation, now: int) -> tuple[str, ...]:
    """Return the active members whose newest reading is too old in every live epoch, sorted.

    A member that has paused on purpose, or that has not published yet, is not among them: answers
    say that of it in other words.
    """
    standing = index.standing.read(connection)
    live = standing.live_epochs(now)
    oldest = now - index.settings.rules.stale_after_hours * HOUR_MS
    stale = []
    for row in standing.agencies.values():
        marks = [mark for mark in standing.published.get(row.agency, ()) if mark.epoch in live]
        if row.role != "member" or row.status != "active" or not marks:
            continue
        newest = max(marks, key=lambda mark: mark.read_at)
        if newest.state == "complete" and newest.read_at < oldest:
            stale.append(row.agency)
    return tuple(sorted(stale))


def report(stale: tuple[str, ...]) -> None:
    """Name each of them in the log, once per run: the steward phones them."""
    for agency in stale:
        logs.get_logger().warning("partner.stale", agency=agency)
