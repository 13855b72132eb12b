"""`resolve` says whom a quoted reference is about and who asked."""

import sys
from pathlib import Path

import click
import msgspec

from agency_connector.alarms.showing import print_alarms
from agency_connector.installation import Installation
from agency_connector.lookups import resolving
from agency_connector.lookups.printing import print_resolved
from agency_connector.pages.local_users import current_user
from foundation.operator import cli_guard


@click.command()
@click.argument("reference", nargs=-1, required=True)
@click.option(
    "--confirmed",
    is_flag=True,
    help="You have rung back and they told you whom they checked: show what was kept back.",
)
@click.option(
    "--output",
    type=click.Choice(["words", "json"]),
    default="words",
    show_default=True,
    help="How to print the answer.",
)
@click.pass_obj
@cli_guard
def resolve(home: Path, reference: tuple[str, ...], confirmed: bool, output: str) -> None:
    """Someone has quoted a REFERENCE: your own record, who asked, and where to ring back."""
    installation = Installation.open(home)
    user = current_user()
    answer = resolving.resolve(installation, user, " ".join(reference))
    if confirmed:
        answer = resolving.confirm(installation, user, answer)
    print_alarms(installation, err=output == "json")
    if output == "json":
        click.echo(msgspec.json.encode(answer))
    else:
        print_resolved(answer, sys.stdout)
    installation.close()
