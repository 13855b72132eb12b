"""`mail password` keeps the password at the agency's mail server in the keyring."""

import getpass
import sys
from pathlib import Path

import click

from agency_connector.installation import Installation
from agency_connector.mailing.server import SECRET
from agency_connector.terminal import ask
from foundation.operator import OperatorError, cli_guard


@click.group()
def mail() -> None:
    """Notices by mail to the desks of this agency."""


@mail.command()
@click.pass_obj
@cli_guard
def password(home: Path) -> None:
    """Ask for the password at the mail server, and keep it in the keyring."""
    installation = Installation.open(home)
    told = installation.settings.mail
    if told is None or told.user is None:
        raise OperatorError(
            "connector.toml names no user at a mail server: add user under [mail], or nothing if "
            "the server wants no sign-in"
        )
    question = f"Password of {told.user} at {told.server}"
    typed = getpass.getpass(f"{question}: ") if sys.stdin.isatty() else ask(question)
    if not typed.strip():
        raise OperatorError("nothing was typed: the password stays as it was")
    installation.keyring.put(SECRET, typed.strip().encode())
    click.echo("The password is kept in the keyring. Next: `agency-connector doctor`.")
    installation.close()
