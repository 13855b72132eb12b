"""`sign-in` sets the agency's identity provider up, and shows the trail of sign-ins."""

import getpass
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from agency_connector.installation import Installation
from agency_connector.sign_in import trail
from agency_connector.sign_in.provider import CALLBACK, Provider
from agency_connector.sign_in.routes import CLIENT_SECRET
from agency_connector.sign_in.settings import ProviderSettings
from agency_connector.terminal import ask
from foundation.operator import OperatorError, cli_guard, one_line


@click.group(name="sign-in")
def sign_in() -> None:
    """Signing in: the identity provider, and who signed in."""


@sign_in.command()
@click.pass_obj
@cli_guard
def secret(home: Path) -> None:
    """Ask for the client's secret from the identity provider, and keep it in the keyring."""
    installation = Installation.open(home)
    _, provider = _provider(installation)
    if provider.public:
        raise OperatorError("connector.toml says public = true: such a client has no secret")
    question = "Client secret"
    typed = getpass.getpass(f"{question}: ") if sys.stdin.isatty() else ask(question)
    if not typed.strip():
        raise OperatorError("nothing was typed: the secret stays as it was")
    installation.keyring.put(CLIENT_SECRET, typed.strip().encode())
    click.echo("The secret is kept in the keyring. Next: `agency-connector sign-in check`.")
    installation.close()


@sign_in.command()
@click.pass_obj
@cli_guard
def check(home: Path) -> None:
    """Ask the identity provider about itself, and say what it has to know of us."""
    installation = Installation.open(home)
    address, provider = _provider(installation)

    if not provider.public and CLIENT_SECRET not in installation.keyring.names():
        raise OperatorError(
            "the keyring has no secret of our client: run `agency-connector sign-in secret`"
        )
    known = Provider(
        provider, address, lambda: installation.keyring.get(CLIENT_SECRET).decode()
    ).metadata()
    click.echo(f"issuer          {one_line(known.issuer)}")
    click.echo(f"signs in at     {one_line(known.authorization_endpoint)}")
    click.echo(f"our client      {provider.client_id}")
    click.echo(f"comes back to   {address.rstrip('/')}{CALLBACK}")
    installation.close()


@sign_in.command()
@click.option("--most", type=click.IntRange(1, trail.LONGEST_READ), default=100, show_default=True)
@click.pass_obj
@cli_guard
def events(home: Path, most: int) -> None:
    """List the last sign-ins, refusals and changes of roles. Each holds a person's name."""
    installation = Installation.open(home)
    for event in trail.events(installation, most=most):
        at = datetime.fromtimestamp(event.at / 1000, UTC).isoformat(timespec="seconds")
        told = (event.user, event.name, event.roles, event.way, event.address, event.because)
        by = f"by {event.by}" if event.by else ""
        click.echo(one_line(" | ".join(filter(None, (at, event.kind, *told, by)))))
    installation.close()


def _provider(installation: Installation) -> tuple[str, ProviderSettings]:
    told = installation.settings.sign_in
    if told is None or told.provider is None or told.address is None:
        raise OperatorError("connector.toml names no identity provider: add [sign_in.provider]")
    return told.address, told.provider
