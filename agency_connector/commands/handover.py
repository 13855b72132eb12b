"""`handover` gives another agency the trust anchors, or takes them: both sides by phone."""

from pathlib import Path

import click

from agency_connector.installation import Installation
from agency_connector.terminal import ask
from agency_connector.trust import handover as handing_over
from agency_connector.trust.comparing import fingerprint_of
from foundation.operator import cli_guard, one_line


@click.group()
def handover() -> None:
    """Hand over the trust anchors to an agency, or receive them. A person does this, by phone."""


@handover.command()
@click.argument("agency")
@click.option("--epoch", type=click.IntRange(1), help="Without it, the epoch we publish in.")
@click.pass_obj
@cli_guard
def send(home: Path, agency: str, epoch: int | None) -> None:
    """Hand over to AGENCY, after typing the digits that its person reads to you."""
    installation = Installation.open(home)
    sent = handing_over.send(installation, agency, epoch, ask)
    click.echo(f"Handed over epoch {sent.epoch} to {one_line(sent.recipient.name)} ({agency}).")
    if sent.compared:
        click.echo(f"They run `agency-connector handover receive`; read them our digits:\n"
                   f"  {fingerprint_of(installation.keys)}")  # fmt: skip
    else:
        click.echo("They run `agency-connector handover receive`; no digits are needed.")
    installation.close()


@handover.command()
@click.option("--from", "sender", metavar="AGENCY", help="Take only what this agency sent.")
@click.pass_obj
@cli_guard
def receive(home: Path, sender: str | None) -> None:
    """Take what was handed over, after typing the digits that the sender's person reads to you."""
    installation = Installation.open(home)
    received = handing_over.receive(installation, sender, ask)
    if not received.epochs:
        click.echo(
            "Nothing new has been handed over. If you expect something, ask the member's person "
            f"to run `agency-connector handover send {installation.agency}`."
        )
    for number in received.epochs:
        click.echo(f"Received epoch {number} from {', '.join(received.senders)}.")
    for agency in received.kept_ours:
        click.echo(
            f"The sender knows other keys of {agency} than we do; we keep to ours. Phone {agency}."
        )
    if received.epochs:
        click.echo("Next: `agency-connector desk sign`, then `agency-connector status`.")
    installation.close()
