"""`token` makes the local token with which a user of this machine uses API and pages."""

from pathlib import Path

import click

from agency_connector.installation import Installation
from agency_connector.pages import local_users
from foundation.operator import cli_guard


@click.command()
@click.option("--user", metavar="NAME", help="Make one for another user, and print it this once.")
@click.option(
    "--file",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to keep it.  [default: ~/.config/agency-connector/<agency>.token]",
)
@click.option("--new", "renew", is_flag=True, help="Make a new one; the earlier is good no longer.")
@click.pass_obj
@cli_guard
def token(home: Path, user: str | None, path: Path | None, renew: bool) -> None:
    """Print your local token, making it if need be; it is kept in a file that is yours alone.

    The connector stores only its hash. Whoever has it is taken for you.
    """
    installation = Installation.open(home)
    if user is not None:
        click.echo(local_users.new_token(installation, user))
    else:
        kept = path or Path.home() / ".config" / "agency-connector" / f"{installation.agency}.token"
        click.echo(local_users.token_in_file(installation, kept, renew=renew))
        click.echo(f"It is kept in {kept}, which only you can read.", err=True)
    installation.close()
