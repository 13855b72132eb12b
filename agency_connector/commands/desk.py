"""`desk` signs the agency's desks and lists them."""

from pathlib import Path

import click

from agency_connector.installation import Installation
from agency_connector.trust import own_desks, storage
from foundation.operator import OperatorError, cli_guard


@click.group()
def desk() -> None:
    """Desks: the teams that partners phone, as connector.toml describes them."""


@desk.command()
@click.pass_obj
@cli_guard
def sign(home: Path) -> None:
    """Sign the desks of connector.toml that changed, and publish them."""
    installation = Installation.open(home)
    if not installation.settings.desks:
        raise OperatorError("connector.toml has no [[desks]]: add the team that partners phone")
    for signed in own_desks.sign_all(installation):
        click.echo(f"{signed.desk.desk}  version {signed.desk.version}  {signed.outcome}")
    installation.close()


@desk.command(name="list")
@click.pass_obj
@cli_guard
def list_(home: Path) -> None:
    """List our desks as they were signed."""
    installation = Installation.open(home)
    with installation.database.read() as connection:
        rows = storage.own_desks(connection)
    for row in rows:
        told = row.desk
        state: str = "withdrawn" if told.withdrawn else told.visibility
        if row.acknowledged_at is None:
            state += "; not with the index yet: run `agency-connector desk sign`"
        click.echo(f"{told.desk}  version {told.version}  {told.name}  {told.phone}  {state}")
    if not rows:
        click.echo("No desk is signed: add [[desks]] to connector.toml, run `desk sign`.")
    installation.close()
