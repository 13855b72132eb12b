"""The open alarms as every command and page shows them."""

from datetime import UTC, datetime

import click

from agency_connector.alarms.storage import Alarm, open_alarms
from agency_connector.installation import Installation
from foundation.operator import one_line


def standing(installation: Installation) -> tuple[Alarm, ...]:
    """Return the open alarms, oldest first; StorageUnavailable if the database is not there."""
    with installation.database.read() as connection:
        return open_alarms(connection)


def print_alarms(installation: Installation, *, err: bool = False) -> bool:
    """Print the open alarms, on standard error if `err`; return whether there are any."""
    found = standing(installation)
    for alarm in found:
        click.echo(f"ALARM {alarm.number}: {one_line(alarm.sentence)}", err=err)
    if found:
        click.echo("Once you have seen to it: agency-connector alarms --acknowledge N", err=err)
    return bool(found)


def line(alarm: Alarm) -> str:
    """Return all that there is to say about an alarm on one line."""
    said = f"{alarm.number}  {_time(alarm.raised_at)}  {alarm.sentence}"
    if alarm.acknowledged_at is not None:
        said += f" (acknowledged by {alarm.acknowledged_by}, {_time(alarm.acknowledged_at)})"
    return one_line(said)


def _time(millis: int) -> str:
    return datetime.fromtimestamp(millis / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
