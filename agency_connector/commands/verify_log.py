"""`verify-log` verifies the whole log from here, and says in plain words what is whole."""

from pathlib import Path

import click

from agency_connector.installation import Installation
from agency_connector.receipts import overdue, whole
from agency_connector.receipts.whole import Fault, Whole
from foundation.operator import cli_guard
from protocol.log.lines import write_base64


@click.command("verify-log")
@click.pass_obj
@cli_guard
def verify_log(home: Path) -> None:
    """Fetch the whole log, check it to the root that was signed, and find every entry of ours.

    Exit code 1, an alarm, and the first bad place if it is not whole.
    """
    installation = Installation.open(home)
    try:
        found = whole.verify(installation)
        name = installation.anchors().log_name
    except Fault as fault:
        overdue.raise_lie(installation, installation.anchors(), f"the log is NOT whole: {fault}")
        raise
    finally:
        installation.close()
    for line in lines(name, found):
        click.echo(line)


def lines(name: str, found: Whole) -> list[str]:
    """Return what is whole, as it is printed."""
    head = found.checkpoint.head
    read = f"tiles read: {found.tiles}"
    told = [
        f"The log {name} is whole: its {head.size} entries make the root that was signed ({read}).",
        f"Root {write_base64(head.root)}, {found.checkpoint.countersigned()}.",
    ]
    if found.heads:
        told.append(
            f"It continues every state of it that this connector had read or countersigned before: "
            f"{found.heads}, the latest with {found.longest} entries."
        )
    told.append(_entries(found.entries, head.size))
    told.append(f"{found.own} of our own entries stand where this connector had found them.")
    if found.waiting:
        told.append(
            f"{found.waiting} more have no place yet: `agency-connector receipts` looks for them."
        )
    return told


def _entries(read: int | None, size: int) -> str:
    if read is None:
        return "The entries themselves were not read: only an auditor may. Their hashes were."
    if read == 0:
        return (
            "The entries themselves were not read, only their hashes: let two people run "
            "`agency-connector audit everything`, and this again within the day."
        )
    checked = "are what was hashed, and what is signed in them is by keys that the log enrolled"
    if read < size:
        return (
            f"The first {read} entries, which two people scanned in the last day, were read, "
            f"{checked}. Of the others the hashes were."
        )
    return f"All {read} entries were read, {checked}."
