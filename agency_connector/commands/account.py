"""`account` adds, renews, changes and removes local accounts: a password and codes from a phone."""

import getpass
import io
import sys
from datetime import datetime
from pathlib import Path
from typing import Final

import click
import segno

from agency_connector.installation import Installation
from agency_connector.pages.local_users import current_user
from agency_connector.sign_in import accounts, codes, passwords
from agency_connector.sign_in.accounts import Credentials, Profile
from agency_connector.sign_in.roles import Role, words
from agency_connector.terminal import ask
from foundation.operator import OperatorError, cli_guard

_ROLES: Final = click.Choice([role.value for role in Role])
_DAY: Final = click.DateTime(["%Y-%m-%d"])


@click.group()
def account() -> None:
    """Local accounts, where no identity provider signs people in."""


@account.command()
@click.argument("user")
@click.option("--given", required=True, help="Given name.")
@click.option("--family", required=True, help="Family name.")
@click.option("--role", "roles", type=_ROLES, multiple=True, required=True, help="May be repeated.")
@click.option("--trained", type=_DAY, metavar="YYYY-MM-DD", help="When they were last trained.")
@click.pass_obj
@cli_guard
def add(
    home: Path,
    user: str,
    given: str,
    family: str,
    roles: tuple[str, ...],
    trained: datetime | None,
) -> None:
    """Add an account for USER. The password is asked for, or made and printed this once."""
    installation = Installation.open(home)
    made, told = _credentials(installation, user)
    profile = Profile(
        name=f"{given} {family}",
        given_name=given,
        family_name=family,
        roles=frozenset(Role(role) for role in roles),
        trained_on=trained.date() if trained else None,
    )
    accounts.add(installation, made, profile, current_user())
    _show(installation, made, told=told)
    installation.close()


@account.command()
@click.argument("user")
@click.pass_obj
@cli_guard
def reset(home: Path, user: str) -> None:
    """Give USER another password and other codes, when either is lost; sessions end."""
    installation = Installation.open(home)
    accounts.find(installation, user)
    made, told = _credentials(installation, user)
    accounts.reset(installation, made, current_user())
    _show(installation, made, told=told)
    installation.close()


@account.command()
@click.argument("user")
@click.option("--role", "roles", type=_ROLES, multiple=True, help="In place of all roles so far.")
@click.option("--trained", type=_DAY, metavar="YYYY-MM-DD", help="When they were last trained.")
@click.pass_obj
@cli_guard
def change(home: Path, user: str, roles: tuple[str, ...], trained: datetime | None) -> None:
    """Change USER's roles or training date; sessions end."""
    installation = Installation.open(home)
    before = accounts.find(installation, user).profile
    if not roles and trained is None:
        raise OperatorError("there is nothing to change: name --role or --trained")
    after = Profile(
        name=before.name,
        given_name=before.given_name,
        family_name=before.family_name,
        roles=frozenset(Role(role) for role in roles) or before.roles,
        trained_on=trained.date() if trained else before.trained_on,
    )
    accounts.change(installation, user, after, current_user())
    click.echo(_line(user, after))
    installation.close()


@account.command()
@click.argument("user")
@click.pass_obj
@cli_guard
def remove(home: Path, user: str) -> None:
    """Remove USER's account; sessions end. What the journal holds of them stays."""
    installation = Installation.open(home)
    accounts.remove(installation, user, current_user())
    click.echo(f"The account {user} is removed.")
    installation.close()


@account.command(name="list")
@click.pass_obj
@cli_guard
def list_(home: Path) -> None:
    """List the accounts with their roles."""
    installation = Installation.open(home)
    listed = accounts.every_account(installation)
    for each in listed:
        click.echo(_line(each.user, each.profile))
    if not listed:
        click.echo("There is no account: `account add` makes one.")
    installation.close()


@account.command()
@click.argument("user")
@click.pass_obj
@cli_guard
def code(home: Path, user: str) -> None:
    """Print USER's code of this moment; only where `[agency] demo = true`."""
    installation = Installation.open(home)
    if not installation.settings.agency.demo:
        raise OperatorError("codes come from a person's own phone, except in a demo")
    click.echo(accounts.current_code(installation, user))
    installation.close()


def _credentials(installation: Installation, user: str) -> tuple[Credentials, bool]:
    """Return password and code secret, and whether the password was typed.

    In a demo the secret may be typed too, so that it can be printed in a guide.
    """
    typed = _hidden("Password (empty: one is made)")
    if typed and sys.stdin.isatty() and typed != _hidden("The same again"):
        raise OperatorError("the two are not the same: start again")
    secret = ""
    if installation.settings.agency.demo:
        secret = _hidden("Secret for codes, base32 (empty: one is made)")
    made = Credentials(
        user=user,
        password=typed or passwords.new_password(),
        code_secret=codes.require_secret(secret) if secret else codes.new_secret(),
    )
    return made, bool(typed)


def _hidden(question: str) -> str:
    """Return what is typed, unseen on a terminal; otherwise the next line of standard input."""
    return getpass.getpass(f"{question}: ").strip() if sys.stdin.isatty() else ask(question)


def _show(installation: Installation, made: Credentials, *, told: bool) -> None:
    agency = installation.settings.agency.name
    address = codes.uri(made.code_secret, made.user, agency)
    click.echo(f"user      {made.user}")
    if not told:
        click.echo(f"password  {made.password}")
    click.echo(f"codes     {address}")
    drawn = io.StringIO()
    segno.make(address, error="m").terminal(drawn, border=2, compact=True)
    click.echo(drawn.getvalue())
    click.echo(
        "Give this to the person alone: it is shown once. The picture is for an authenticator app.",
        err=True,
    )


def _line(user: str, profile: Profile) -> str:
    trained = profile.trained_on.isoformat() if profile.trained_on else "never"
    return f"{user}  {profile.name}  {words(profile.roles)}  trained {trained}"
