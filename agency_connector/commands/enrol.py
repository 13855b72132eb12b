"""`enrol` gives the index the agency's keys, with the steward's one-time code."""

from pathlib import Path

import click

from agency_connector.installation import Installation
from agency_connector.terminal import ask
from agency_connector.trust import enrolment
from agency_connector.trust.comparing import fingerprint_of
from foundation.operator import cli_guard, one_line


@click.command()
@click.pass_obj
@cli_guard
def enrol(home: Path) -> None:
    """Enrol at the index. Asks for the one-time code; may be repeated with the same code."""
    installation = Installation.open(home)
    enrolled = enrolment.enrol(installation, ask)
    click.echo(
        f"Enrolled {enrolled.agency} ({one_line(enrolled.name)}, {enrolled.role}) in "
        f"{enrolled.partnership}; the index's key is pinned."
    )
    click.echo(
        "Next: phone a person at a member agency. They run `agency-connector handover send "
        f"{enrolled.agency}` and type these digits, which you read to them:"
    )
    click.echo(f"  {fingerprint_of(installation.keys)}")
    click.echo(
        "Then run `agency-connector handover receive` and type theirs. The first agency of a\n"
        "partnership runs `agency-connector epoch found` instead."
    )
    installation.close()
