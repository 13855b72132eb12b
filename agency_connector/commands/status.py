"""`status` says in a line each how the connector stands with index, evaluator and partners."""

import sys
from pathlib import Path

import click

from agency_connector.alarms.showing import print_alarms
from agency_connector.installation import Installation
from agency_connector.trust import standing
from foundation.operator import EXIT_FAILED, cli_guard, one_line


@click.command()
@click.pass_obj
@cli_guard
def status(home: Path) -> None:
    """Say what is reachable, held, believed and doubted; exit code 1 if you have to act."""
    installation = Installation.open(home)
    lines = standing.lines(installation)
    alarmed = print_alarms(installation)
    for line in lines:
        click.echo(f"{'ok  ' if line.good else 'MEND'}  {line.about}: {one_line(line.sentence)}")
    installation.close()
    if alarmed or not all(line.good for line in lines):
        sys.exit(EXIT_FAILED)
