"""The command agency-connector: finds each word's module when it is asked for."""

import os
from importlib import import_module
from pathlib import Path
from typing import Final

import click

from foundation import logs

# Word: module, and the click command in it.
_COMMANDS: Final = {
    "init": ("init", "init"),
    "migrate": ("init", "migrate"),
    "keys": ("keys", "keys"),
    "change-keys": ("change_keys", "change_keys"),
    "enrol": ("enrol", "enrol"),
    "epoch": ("epoch", "epoch"),
    "handover": ("handover", "handover"),
    "desk": ("desk", "desk"),
    "lookup": ("lookup", "lookup"),
    "resolve": ("resolve", "resolve"),
    "token": ("token", "token"),
    "account": ("account", "account"),
    "sign-in": ("sign_in", "sign_in"),
    "run": ("run", "run"),
    "status": ("status", "status"),
    "doctor": ("doctor", "doctor"),
    "preview": ("preview", "preview"),
    "sync": ("sync", "sync"),
    "explain": ("explain", "explain"),
    "alarms": ("alarms", "alarms"),
    "audit": ("audit", "audit"),
    "witness": ("witness", "witness"),
    "receipts": ("receipts", "receipts"),
    "verify-log": ("verify_log", "verify_log"),
    "evidence": ("evidence", "evidence"),
    "verify-evidence": ("evidence", "verify_evidence"),
    "verify-export": ("verify_export", "verify_export"),
}


class _Words(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"agency_connector.commands.{module}"), name)
        return command


@click.group(cls=_Words, context_settings={"help_option_names": ["-h", "--help"]})
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
