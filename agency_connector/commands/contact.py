"""`contact` asks a team to phone, lists contact requests, and answers them, without pages.

What people write is asked for, or read from standard input, never taken from the command line,
which others on this machine can see.
"""

import secrets
from pathlib import Path
from typing import Final, get_args

import click

from agency_connector.alarms.showing import print_alarms
from agency_connector.contacts import requests
from agency_connector.contacts.contact import Contact, NewContact, NewStep
from agency_connector.contacts.exchange import exchange
from agency_connector.contacts.printing import lines_of
from agency_connector.installation import Installation
from agency_connector.pages.local_users import current_user
from agency_connector.terminal import ask as ask_person
from foundation.operator import OperatorError, cli_guard, one_line
from protocol.contacts import CLOSING
from protocol.encoding import b64u_encode
from schemas.contacts import NOT_A_CRIME_REPORT, ContactStep, CrimeAnswer

_ID_BYTES: Final = 16
_STEPS: Final = tuple(step for step in get_args(ContactStep) if step != "asked")
_WITH_CRIME: Final = CLOSING | {"crime-answered"}


@click.group()
def contact() -> None:
    """Ask a team to phone you, and answer those who ask yours."""


@contact.command()
@click.argument("check")
@click.argument("reference")
@click.pass_obj
@cli_guard
def ask(home: Path, check: str, reference: str) -> None:
    """Ask the team to phone that the answer to your CHECK named with this REFERENCE."""
    installation = Installation.open(home)
    click.echo(NOT_A_CRIME_REPORT, err=True)
    asked = requests.ask(
        installation,
        current_user(),
        NewContact(
            id=b64u_encode(secrets.token_bytes(_ID_BYTES)),
            check=check,
            reference=reference,
            text=ask_person("What they should know, in up to 300 characters"),
            name=ask_person("Your name"),
            phone=ask_person("Your phone number (empty: your agency's desk)") or None,
        ),
    )
    _finish(installation, asked)


@contact.command(name="list")
@click.option("--received", is_flag=True, help="Those that ask your agency.")
@click.option("--all", "everything", is_flag=True, help="Of those, closed ones too.")
@click.option("--overdue", is_flag=True, help="Open ones, sent and received, that are overdue.")
@click.pass_obj
@cli_guard
def list_(home: Path, received: bool, everything: bool, overdue: bool) -> None:
    """List the requests that you sent, or those that your agency received."""
    installation = Installation.open(home)
    if overdue:
        found = requests.overdue(installation)
    elif received:
        found = requests.received(installation, open_only=not everything)
    else:
        found = requests.sent_by(installation, current_user())
    print_alarms(installation)
    for one in found:
        _print(one, installation.clock())
    if not found:
        click.echo("There are none.")
    installation.close()


@contact.command()
@click.argument("request")
@click.argument("taken", metavar="STEP", type=click.Choice(_STEPS))
@click.pass_obj
@cli_guard
def step(home: Path, request: str, taken: ContactStep) -> None:
    """Take a STEP of a REQUEST: say that you will phone, or close it and say why or what came."""
    installation = Installation.open(home)
    told = NewStep(
        step=taken,
        name=ask_person("Your name"),
        text=ask_person("Why" if taken == "refused" else "A remark (may be empty)") or None,
        crime=_crime() if taken in _WITH_CRIME else None,
    )
    _finish(installation, requests.step(installation, current_user(), request, told))


@contact.command()
@click.pass_obj
@cli_guard
def fetch(home: Path) -> None:
    """Send what waits and fetch what came, as `run` does on its schedule."""
    installation = Installation.open(home)
    done = exchange(installation)
    print_alarms(installation)
    click.echo(
        f"{done.sent} sent, {done.refused} refused, {len(done.received)} new, "
        f"{len(done.stepped)} answered"
    )
    installation.close()


def _crime() -> CrimeAnswer | None:
    said = ask_person("Was a crime disclosed (yes, no, or not known yet)").lower()
    if said == "no":
        return CrimeAnswer(disclosed=False, reference=None, recorded_by=None)
    if said != "yes":
        return None
    reference = ask_person("Its reference (may be empty)") or None
    recorded_by = None if reference else ask_person("Who records it") or None
    if reference is None and recorded_by is None:
        raise OperatorError("say the crime's reference or who records it: start again")
    return CrimeAnswer(disclosed=True, reference=reference, recorded_by=recorded_by)


def _finish(installation: Installation, told: Contact) -> None:
    print_alarms(installation, err=True)
    _print(told, installation.clock())
    installation.close()
    if told.trouble is not None and not told.waiting:
        raise OperatorError(f"nothing was sent: {told.trouble}")


def _print(told: Contact, now: int) -> None:
    for line in lines_of(told, now):
        # A partner's words could otherwise steer the terminal.
        indent = len(line) - len(line.lstrip())
        click.echo(" " * indent + one_line(line.lstrip()))
