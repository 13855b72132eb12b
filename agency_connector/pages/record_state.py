"""How far the record is whole, for the head of a reading: who countersigned it, or the alarm."""

from agency_connector.auditing.reading import Report
from agency_connector.installation import Installation
from agency_connector.pages.kept_readings import Whole
from agency_connector.receipts import checkpoints
from agency_connector.witness import standing
from foundation.operator import PlainError


def state_of(installation: Installation, report: Report) -> Whole:
    """Return what is to be said of the record at the head of `report`.

    If too few have countersigned the checkpoint of the reading, the newest one that enough have is
    fetched, and compared with what this connector countersigned itself.
    """
    if report.every_alarm:
        alarms = tuple(_sentence(alarm) for alarm in report.every_alarm)
        return Whole("alarm", "Alarm: do not rely on this reading", alarms)
    read = checkpoints.opened(report.checkpoint.encode(), installation.anchors())
    if read.witnesses and read.enough:
        return Whole("whole", *_whole(read))
    reached = f"This reading covers {report.size:,} entries, which the log's own key signs"
    if not read.witnesses:
        nobody = "No witness is agreed, so nobody but the log itself vouches for it."
        return Whole("signed", f"{reached}.", (nobody,))
    try:
        newest = standing.verified_checkpoint(installation)
    except PlainError as error:
        return Whole("alarm", "Alarm: the countersignatures could not be checked", (str(error),))
    if not newest.enough:
        return Whole("signed", f"{reached}.", (_sentence(newest.countersigned()),))
    title, told = _whole(newest)
    beyond = f"{reached}: what comes after {newest.head.size:,} waits for countersignatures."
    return Whole("whole", title, (*told, beyond) if newest.head.size < report.size else told)


def _whole(found: checkpoints.Published) -> tuple[str, tuple[str, ...]]:
    return f"The record is whole to {found.head.size:,}", (_sentence(found.countersigned()),)


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."
