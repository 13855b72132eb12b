"""The command agency-connector: finds each word's module when it is asked for."""

import os
from pathlib import Path
from typing import Final

import click

from foundation import logs
from foundation.words import Words

_HERE: Final = "agency_connector.commands"
# Word: module, and the click command in it.
_COMMANDS: Final = {
    "init": (f"{_HERE}.init", "init"),
    "migrate": (f"{_HERE}.init", "migrate"),
    "keys": (f"{_HERE}.keys", "keys"),
    "change-keys": (f"{_HERE}.change_keys", "change_keys"),
    "enrol": (f"{_HERE}.enrol", "enrol"),
    "epoch": (f"{_HERE}.epoch", "epoch"),
    "handover": (f"{_HERE}.handover", "handover"),
    "desk": (f"{_HERE}.desk", "desk"),
    "lookup": (f"{_HERE}.lookup", "lookup"),
    "resolve": (f"{_HERE}.resolve", "resolve"),
    "contact": (f"{_HERE}.contact", "contact"),
    "token": (f"{_HERE}.token", "token"),
    "account": (f"{_HERE}.account", "account"),
    "sign-in": (f"{_HERE}.sign_in", "sign_in"),
    "mail": (f"{_HERE}.mail", "mail"),
    "run": (f"{_HERE}.run", "run"),
    "status": (f"{_HERE}.status", "status"),
    "doctor": (f"{_HERE}.doctor", "doctor"),
    "preview": (f"{_HERE}.preview", "preview"),
    "sync": (f"{_HERE}.sync", "sync"),
    "explain": (f"{_HERE}.explain", "explain"),
    "alarms": (f"{_HERE}.alarms", "alarms"),
    "audit": (f"{_HERE}.audit", "audit"),
    "witness": (f"{_HERE}.witness", "witness"),
    "receipts": (f"{_HERE}.receipts", "receipts"),
    "log": (f"{_HERE}.log", "log"),
    "verify-log": (f"{_HERE}.verify_log", "verify_log"),
    "evidence": (f"{_HERE}.evidence", "evidence"),
    "verify-evidence": (f"{_HERE}.evidence", "verify_evidence"),
    "verify-export": (f"{_HERE}.verify_export", "verify_export"),
}


@click.group(cls=Words, words=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    show_default="the current folder",
    envvar="AGENCY_CONNECTOR_HOME",
    help="The connector's folder, with connector.toml in it.",
)
@click.pass_context
def main(context: click.Context, home: Path) -> None:
    """Run an agency's part of the Interest Flag Index."""
    os.umask(0o077)
    logs.configure("agency-connector")
    context.obj = home
