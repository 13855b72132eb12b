"""`sync` publishes what changed in the sources and withdraws what is over."""

import sys
from collections import Counter
from pathlib import Path
from typing import Final

import click

from agency_connector.installation import Installation
from agency_connector.publishing import sync as publishing
from agency_connector.publishing.reading import ToMend
from agency_connector.publishing.sync import SyncReport
from foundation.operator import EXIT_FAILED, cli_guard, counted, one_line

_LINES_PER_CODE: Final = 20


@click.command()
@click.option(
    "--confirm-withdrawals",
    "confirmed",
    type=click.IntRange(min=1),
    metavar="N",
    help="Withdraw N flags, the number that an earlier sync named, although that is many.",
)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Publish unchanged flags again too: after an older backup was restored.",
)
@click.pass_obj
@cli_guard
def sync(home: Path, confirmed: int | None, everything: bool) -> None:
    """Read every source, publish what changed, withdraw what is over.

    Exit code 0 if all of it is done and delivered, 1 if somebody has to do something: the lines
    that begin with "error:" say what.
    """
    installation = Installation.open(home)
    try:
        report = publishing.sync(
            installation,
            confirmed_withdrawals=confirmed,
            everything=everything,
            tell=_Told(),
        )
    finally:
        installation.close()
    for line in lines(report):
        click.echo(line)
    for line in report.troubles:
        click.echo(f"error: {one_line(line)}", err=True)
    if report.troubles:
        sys.exit(EXIT_FAILED)


def lines(report: SyncReport) -> list[str]:
    """Return the report as it is printed."""
    found = report.difference
    told = [
        f"{one.source}: {one.read} read, {one.publishable} may be flagged"
        + "".join(f", {count} {code}" for code, count in sorted(one.refused.items()))
        + (": FAILED, nothing concluded from it" if one.failed else "")
        for one in report.sources
    ]
    told.append(
        f"epoch {report.epoch}: {found.new} new, {found.changed} changed, "
        f"{found.unchanged} unchanged, {report.withdrawn.total()} withdrawn"
        + (f" ({report.withdrawn['wrong']} as wrong)" if report.withdrawn["wrong"] else "")
        + (f", {found.too_common} not published: keys too common" if found.too_common else "")
        + (f", {report.held} withdrawals held back" if report.held else "")
    )
    told.append(
        f"{counted(report.delivered, 'batch', 'batches')} delivered, {report.waiting} waiting"
        + ("; partners see a complete reading" if report.marked else "")
    )
    told += [f"epoch {epoch} was left: all our flags in it are withdrawn" for epoch in report.left]
    return told + report.notices


class _Told:
    """Prints records to be mended as they are met, up to so many of each kind."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[str, str]] = Counter()

    def __call__(self, record: ToMend) -> None:
        kind = (record.source, record.code)
        self._seen[kind] += 1
        if self._seen[kind] <= _LINES_PER_CODE:
            click.echo(f"to mend: {one_line(str(record))}", err=True)
        elif self._seen[kind] == _LINES_PER_CODE + 1:
            click.echo(
                f"to mend: {record.source}: more of {record.code}: `agency-connector preview` "
                "lists them all",
                err=True,
            )
