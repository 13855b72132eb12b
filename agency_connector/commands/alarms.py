"""`alarms` lists what somebody has to look at, and takes note that somebody has."""

import sys
from pathlib import Path

import click

from agency_connector.alarms import acknowledge, every_alarm, open_alarms
from agency_connector.alarms.showing import line
from agency_connector.installation import Installation
from agency_connector.pages.local_users import current_user
from foundation.operator import EXIT_FAILED, OperatorError, cli_guard


@click.command()
@click.option(
    "--acknowledge",
    "number",
    type=click.IntRange(min=1),
    metavar="N",
    help="Say that you have seen alarm N; it is kept under your user name and shown no more.",
)
@click.option("--all", "everything", is_flag=True, help="List the acknowledged ones too.")
@click.pass_obj
@cli_guard
def alarms(home: Path, number: int | None, everything: bool) -> None:
    """List the alarms that nobody has acknowledged; exit code 1 if there are any."""
    installation = Installation.open(home)
    try:
        if number is not None:
            _acknowledge(installation, number)
            return
        with installation.database.read() as connection:
            standing = open_alarms(connection)
            listed = every_alarm(connection) if everything else standing
    finally:
        installation.close()
    for alarm in listed:
        click.echo(line(alarm))
    if not standing:
        click.echo("There is no alarm.")
    else:
        sys.exit(EXIT_FAILED)


def _acknowledge(installation: Installation, number: int) -> None:
    with installation.database.write() as connection:
        done = acknowledge(connection, number, current_user(), installation.clock())
    if not done:
        raise OperatorError(
            f"there is no open alarm {number}: `agency-connector alarms` lists those there are"
        )
    click.echo(f"Alarm {number} is acknowledged.")
