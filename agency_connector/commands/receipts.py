"""`receipts` reads the log for the entries of our receipts, and says which are verified."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from agency_connector.alarms.showing import print_alarms
from agency_connector.installation import Installation
from agency_connector.receipts import following, storage
from agency_connector.receipts.storage import Receipt
from foundation.operator import cli_guard

_LISTED: Final = 50


@click.command()
@click.pass_obj
@cli_guard
def receipts(home: Path) -> None:
    """Fetch the proof for each receipt that has none yet, and list those still without.

    `run` does the same on its schedule. Exit code 1 if the log cannot be read or lies.
    """
    installation = Installation.open(home)
    try:
        done = following.follow(installation)
        print_alarms(installation)
        with installation.database.read() as connection:
            log = installation.anchors().log_name
            counts = storage.counts(connection, log)
            waiting = storage.unverified(connection, log)
            lost = storage.lost(connection, log)
    finally:
        installation.close()
    click.echo(f"The log has {done.newest.head.size} entries; {done.newest.countersigned()}.")
    click.echo(
        f"Receipts: {counts.verified} verified ({done.verified} of them now), {counts.found} in "
        f"the log and waiting for witnesses, {counts.waiting} not in it yet."
    )
    for receipt in waiting[:_LISTED]:
        click.echo(f"  {_line(receipt)}")
    if len(waiting) > _LISTED:
        click.echo(f"  and {len(waiting) - _LISTED} more")
    if lost:
        click.echo(f"Lost with an earlier log: {counts.lost}. Receipts and proofs are kept.")
    for receipt in lost[:_LISTED]:
        click.echo(f"  {receipt.kind} {receipt.reference}, recorded {_time(receipt.recorded_at)}")
    if len(lost) > _LISTED:
        click.echo(f"  and {len(lost) - _LISTED} more")


def _line(receipt: Receipt) -> str:
    named = f"{receipt.kind} {receipt.reference}, recorded {_time(receipt.recorded_at)}"
    if receipt.position is None:
        return f"{named}: due in the log by {_time(receipt.deadline)}"
    return f"{named}: entry {receipt.position}, not countersigned by enough yet"


def _time(millis: int) -> str:
    return f"{datetime.fromtimestamp(millis / 1000, UTC):%Y-%m-%d %H:%M UTC}"
