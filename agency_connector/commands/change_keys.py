"""`change-keys` replaces the agency's keys, vouched for by the old ones."""

from pathlib import Path

import click

from agency_connector.installation import Installation
from agency_connector.trust import key_change
from agency_connector.trust.comparing import fingerprint_of
from foundation.operator import cli_guard


@click.command(name="change-keys")
@click.pass_obj
@cli_guard
def change_keys(home: Path) -> None:
    """Replace this agency's keys. Stop `run` first; may be repeated after a crash."""
    installation = Installation.open(home)
    keys = key_change.change(installation)
    installation.close()
    click.echo("The index has taken the new keys, and partners follow by themselves.")
    click.echo(f"signing  {keys.signing}")
    click.echo(f"sealing  {keys.sealing}")
    click.echo(f"digits   {fingerprint_of(keys)}")
    click.echo(
        "Next: run `agency-connector desk sign`, and phone the evaluator's operator, who runs\n"
        f"`index-service evaluator agency replace-key {installation.agency}` with the new key.\n"
        "Until then nothing can be published or checked."
    )
