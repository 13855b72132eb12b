"""`keys` prints the agency's public keys, and the digits to read out by phone."""

from pathlib import Path

import click

from agency_connector.installation import Installation
from agency_connector.trust.comparing import fingerprint_of
from foundation.operator import cli_guard


@click.command()
@click.pass_obj
@cli_guard
def keys(home: Path) -> None:
    """Print the public keys for the evaluator's operator, and the 40 digits to read out."""
    installation = Installation.open(home)
    public = installation.keys
    click.echo(f"agency   {installation.agency}")
    click.echo(f"signing  {public.signing}")
    click.echo(f"sealing  {public.sealing}")
    click.echo(f"digits   {fingerprint_of(public)}")
    click.echo("The digits are read out by phone, from person to person, and never sent.", err=True)
    installation.close()
