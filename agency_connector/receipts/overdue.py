"""Alarms about receipts that are not honoured, and about a log that cannot be what it says."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection

from agency_connector.alarms import every_alarm, raise_alarm
from agency_connector.installation import Installation
from agency_connector.receipts import storage
from agency_connector.receipts.storage import Receipt
from agency_connector.trust.anchors import Anchors
from foundation import logs

SLACK_MS: Final = 300_000
"""By how much the clocks of index and connector may differ."""

DAY_MS: Final = 86_400_000
"""How long countersigning may take, and how long an alarm about an unreadable log is enough."""

_NAMED: Final = 5


def missing(installation: Installation, anchors: Anchors) -> tuple[Receipt, ...]:
    """Return the receipts past their deadline whose entries were not found, not yet alarmed."""
    now = installation.clock()
    with installation.database.read() as connection:
        return tuple(
            receipt
            for receipt in storage.unfound(connection, anchors.log_name)
            if receipt.alarmed_at is None and receipt.deadline + SLACK_MS < now
        )


def raise_overdue(installation: Installation, anchors: Anchors, size: int) -> int:
    """Raise an alarm for what is past its deadline, once; return for how many receipts.

    `size`: to which size the log was read.
    """
    now = installation.clock()
    gone = missing(installation, anchors)
    with installation.database.write() as connection:
        alone = tuple(
            receipt
            for receipt in storage.unproved(connection, anchors.log_name, size)
            if receipt.alarmed_at is None and receipt.deadline + DAY_MS < now
        )
        if gone:
            sentence = (
                f"the log did not keep its word: {named(gone)}, recorded at the index, had to be "
                f"in the log by {_time(gone[0].deadline)}, and its {size} entries do not hold "
                f"{_it(gone)}. Tell the steward and another member; the receipt, in the journal, "
                "is the proof"
            )
            _raise(connection, "receipt-overdue", gone, sentence, now)
        if alone:
            sentence = (
                f"{named(alone)}: in the log, but since {_time(alone[0].recorded_at)} too few "
                "partners have countersigned it, so nothing shows yet that all partners see the "
                "same log. Ask the members whether their connectors run"
            )
            _raise(connection, "not-countersigned", alone, sentence, now)
    return len(gone) + len(alone)


def raise_lie(installation: Installation, anchors: Anchors, sentence: str) -> None:
    """Raise the alarm that the log contradicts itself."""
    with installation.database.write() as connection:
        raise_alarm(
            connection,
            kind="log-lies",
            subject=anchors.log_name,
            sentence=sentence,
            now=installation.clock(),
        )
    logs.get_logger().error("log.alarm", trouble="log-lies")


def raise_unreadable(installation: Installation, anchors: Anchors) -> None:
    """Raise an alarm, once a day at most, if receipts are past their deadline meanwhile."""
    kind, now = "log-unreadable", installation.clock()
    waiting = missing(installation, anchors)
    if not waiting:
        return
    with installation.database.write() as connection:
        if any(
            alarm.kind == kind and alarm.raised_at > now - DAY_MS
            for alarm in every_alarm(connection)
        ):
            return
        raise_alarm(
            connection,
            kind=kind,
            subject=anchors.log_name,
            sentence=f"{named(waiting)}: due in the log by {_time(waiting[0].deadline)}, and "
            "the log cannot be read to see whether it is: `agency-connector receipts` says why",
            now=now,
        )
    logs.get_logger().error("log.alarm", trouble=kind)


def _raise(
    connection: Connection, kind: str, of: Sequence[Receipt], sentence: str, now: int
) -> None:
    raise_alarm(connection, kind=kind, subject=of[0].reference, sentence=sentence, now=now)
    storage.alarmed(connection, [receipt.leaf for receipt in of], now)
    logs.get_logger().error("log.alarm", trouble=kind)


def named(receipts: Sequence[Receipt]) -> str:
    """Return what the first few receipts are of, and how many more there are."""
    first = ", ".join(f"{one.kind} {one.reference}" for one in receipts[:_NAMED])
    more = len(receipts) - _NAMED
    return f"{first} and {more} more" if more > 0 else first


def _it(receipts: Sequence[Receipt]) -> str:
    return "it" if len(receipts) == 1 else "them"


def _time(millis: int) -> str:
    return f"{datetime.fromtimestamp(millis / 1000, UTC):%Y-%m-%d %H:%M UTC}"
