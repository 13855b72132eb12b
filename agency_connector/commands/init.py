"""`init` makes a connector's folder; `migrate` brings its database to what this version needs."""

import json
import secrets
from pathlib import Path
from typing import Final

import click

from agency_connector import settings as settings_file
from agency_connector.database import LOCATION
from agency_connector.installation import (
    HANDLES,
    JOURNAL,
    PADDING,
    SEALING,
    SIGNING,
    keyring_path,
)
from agency_connector.settings import FILE_NAME, Settings
from agency_connector.transport import Wire
from agency_connector.witness.key import WITNESS
from foundation import settings as toml
from foundation.database import Database
from foundation.database import migrate as migrate_database
from foundation.files import write_atomically
from foundation.keyring import Keyring, seal_from_setting
from foundation.operator import OperatorError, cli_guard
from protocol.keys import SealingKey, SigningKey

_SECRET_BYTES: Final = 32

_TEMPLATE: Final = """\
# The settings of an agency's connector. `agency-connector --help` lists the commands,
# `agency-connector doctor` says what is wrong with this file.

[agency]
# The short name under which the steward has registered the agency, and its name on pages.
id = {agency}
name = {name}

[index]
url = {index}

[evaluator]
url = {evaluator}

[keys]
# How the file with the connector's keys is sealed:
#   passphrase          asked for at each start
#   credential:<name>   from systemd (LoadCredentialEncrypted=<name>)
#   file:/absolute/path a key on a mount of its own
#   unsealed            not sealed: for trying out only
seal = {seal}

# The connector's own database. Without this it is state/connector.db in this folder.
# [database]
# url = "postgresql://user@host/name"
{database}
[publishing]
# A sync that would withdraw a larger share of the flags than this asks for a confirmation.
withdrawal_share = 0.2

[pages]
# Where officers' page and local API listen; this machine only.
bind = "127.0.0.1:8300"

# How people sign in to the page; without this, with local tokens (`agency-connector token`).
# docs/decisions/sign-in.md tells how an identity provider is named here.
#
# [sign_in]
# accounts = true    # made with `agency-connector account add`

[schedule]
# Every how many minutes `agency-connector run` syncs, and looks at the index; 0 for never.
sync_minutes = 60
look_minutes = 15
# Every how many seconds it countersigns the index's log, 1 to 60; 0 for never.
witness_seconds = 15

# Tells desks by mail that a request to phone waits, without personal data (docs/operations.md).
# Then `agency-connector mail password`, and `agency-connector doctor`.
#
# [mail]
# server = "smtp.agency.example"
# sender = "connector@agency.example"
# user = "connector"

# The team that partners phone. Its name may not tell what a person is known for.
# After a change run `agency-connector desk sign`.
#
# [[desks]]
# id = "front-desk"
# name = "Front desk"
# phone = "0161 496 0000"
# email = "front.desk@agency.example"
# hours = ["mon-fri 09:00-17:00"]
# out_of_hours_phone = "0161 496 0001"

# What the connector reads, and whom of it the agency flags: docs/policy.md.
#
# [[sources]]
# name = "cases"
# kind = "csv"
# path = "cases.csv"
"""


@click.command()
@click.option("--agency", prompt="The agency's short name, as registered", help="Such as oakshire.")
@click.option("--name", prompt="The agency's name on pages")
@click.option("--index", "index_url", prompt="Address of the index (https://...)")
@click.option("--evaluator", "evaluator_url", prompt="Address of the evaluator (https://...)")
@click.option(
    "--seal",
    prompt="How the keys are sealed (passphrase, credential:<name>, file:<path>, unsealed)",
    default="passphrase",
    show_default=True,
)
@click.option("--database", default=None, help="SQLAlchemy URL; without it a file in the folder.")
@click.pass_obj
@cli_guard
def init(
    home: Path,
    agency: str,
    name: str,
    index_url: str,
    evaluator_url: str,
    seal: str,
    database: str | None,
) -> None:
    """Make a connector: its folder, settings, keys and database. Never overwrites anything."""
    path = home / FILE_NAME
    _require_nothing_there(home)
    text = _TEMPLATE.format(
        agency=_quoted(agency),
        name=_quoted(name),
        index=_quoted(index_url),
        evaluator=_quoted(evaluator_url),
        seal=_quoted(seal),
        database="" if database is None else f"[database]\nurl = {_quoted(database)}\n",
    )
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings = _checked(home, text)
    sealed_with = seal_from_setting(settings.keys.seal)
    keys = keyring_path(settings, home)
    keys.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    keyring = Keyring.create(keys, sealed_with)
    keyring.put(SIGNING, SigningKey.generate().to_bytes())
    keyring.put(SEALING, SealingKey.generate().to_bytes())
    keyring.put(WITNESS, SigningKey.generate().to_bytes())
    for secret in (PADDING, HANDLES, JOURNAL):
        keyring.put(secret, secrets.token_bytes(_SECRET_BYTES))
    _migrate(settings, home)
    write_atomically(path, text.encode(), new=True)
    click.echo(f"Made the connector of {settings.agency.id} in {home.absolute()}.")
    if not keyring.is_sealed:
        click.echo(f"Its keys are unsealed: whoever copies {keys} has them. Not for real use.")
    click.echo(f"Back up {keys}: without it nothing that the agency published can be taken back.")
    click.echo(
        "Next: `agency-connector keys` (send them to the evaluator's operator), then\n"
        "`agency-connector enrol` with the one-time code from the steward."
    )


@click.command()
@click.pass_obj
@cli_guard
def migrate(home: Path) -> None:
    """Bring the database to what this version needs. Stop the connector and back up first."""
    database = _migrate(settings_file.load(home), home)
    click.echo(f"The database {database.name} is up to date.")


def _migrate(settings: Settings, home: Path) -> Database:
    database = Database(settings_file.database_url(settings, home))
    migrate_database(database, LOCATION)
    database.close()
    return database


def _require_nothing_there(home: Path) -> None:
    if (home / FILE_NAME).exists():
        raise OperatorError(
            f"{home / FILE_NAME}: there is a connector already: choose another --home"
        )
    state = home / "state"
    if state.exists() and any(state.iterdir()):
        raise OperatorError(
            f"{state}: is not empty, though there is no {FILE_NAME}: if an earlier init was cut "
            "off here, remove the folder; otherwise restore the settings from a backup"
        )


def _checked(home: Path, text: str) -> Settings:
    """Return the settings in `text` after trying them as a file, so that a slip is told at once."""
    trial = home / f".{FILE_NAME}.trial"
    write_atomically(trial, text.encode())
    try:
        settings = toml.load(trial, Settings)
    finally:
        trial.unlink(missing_ok=True)
    for service, told in (("index", settings.index), ("evaluator", settings.evaluator)):
        Wire(told.url, service).close()
    return settings


def _quoted(text: str) -> str:
    """Return `text` as a TOML basic string."""
    return json.dumps(text, ensure_ascii=False)
