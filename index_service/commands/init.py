"""`index-service init` and `migrate`: make an index's home folder, and bring its database up."""

from pathlib import Path
from typing import Final

import click

from foundation import settings as toml
from foundation.clock import now_ms
from foundation.database import Database, migrate
from foundation.files import write_atomically
from foundation.homes import checked, keyring_of, new_home, toml_string, without_password
from foundation.keyring import Keyring, seal_from_setting
from foundation.operator import cli_guard
from index_service.audit import storage
from index_service.audit.administration import administer
from index_service.commands.home import home_option
from index_service.database import LOCATION
from index_service.installation import (
    LOG,
    SETTINGS_FILE,
    SIGNING,
    Installation,
    log_of,
    open_database,
)
from index_service.settings import IndexSettings
from protocol.fingerprints import fingerprint40
from protocol.keys import SigningKey

_TEMPLATE: Final = """\
# The settings of an index. `index-service --help` lists the commands.
partnership = {partnership}

# Shown to every partner: who runs the index, and who answers for it.
[steward]
organisation = {organisation}
accountable_officer = {accountable_officer}
data_protection_contact = {data_protection_contact}

[database]
# SQLite is enough to start with. For an index that matters: postgresql://user@host/name
url = {database}

[keys]
file = "keys.json"
# unsealed | credential:<name> | file:<path> | passphrase
seal = {seal}

[serve]
bind = {bind}
workers = {workers}
threads = 4

[limits]
agency_per_hour = 2000
agency_per_day = 20000
officer_per_hour = 60
officer_per_day = 300
failed_references_per_hour = 30

[rules]
longest_flag_days = 730
stale_after_hours = 48
reference_days = 30
log_deadline_minutes = 60
enrolment_code_hours = 72
# How long the tokens and the result of a lookup are kept: 1 to 6 years.
side_record_years = 2
handover_days = 30
"""


@click.command()
@home_option
@click.option("--partnership", prompt="Short name of the partnership", help="Such as northgate.")
@click.option("--organisation", prompt="Organisation that runs the index (the steward)")
@click.option("--accountable-officer", prompt="Its accountable officer, by name")
@click.option("--data-protection-contact", prompt="Its data protection contact")
@click.option("--database", default="sqlite:///index.db", show_default=True)
@click.option(
    "--seal",
    prompt="Seal of the keys (credential:<name>, file:<path>, passphrase or unsealed)",
    help="Where the key comes from that the keyring is sealed with.",
)
@click.option("--bind", default="127.0.0.1:8001", show_default=True)
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True)
@cli_guard
def init(
    home: Path,
    partnership: str,
    organisation: str,
    accountable_officer: str,
    data_protection_contact: str,
    database: str,
    seal: str,
    bind: str,
    workers: int,
) -> None:
    """Make an index: settings, keys and an empty database."""
    new_home(home, SETTINGS_FILE, "an index")
    text = _TEMPLATE.format(
        partnership=toml_string(partnership),
        organisation=toml_string(organisation),
        accountable_officer=toml_string(accountable_officer),
        data_protection_contact=toml_string(data_protection_contact),
        database=toml_string(without_password(database)),
        seal=toml_string(seal),
        bind=toml_string(bind),
        workers=workers,
    )
    settings = checked(home, SETTINGS_FILE, text, IndexSettings)
    keyring = keyring_of(home / settings.keys.file, seal_from_setting(settings.keys.seal))
    for name in {SIGNING, LOG}.difference(keyring.names()):
        keyring.put(name, SigningKey.generate().to_bytes())
    _open_log(open_database(home, settings), settings, keyring)
    # The settings last: a home without them is unfinished, and `init` goes on with it.
    write_atomically(home / SETTINGS_FILE, text.encode(), new=True)
    click.echo(f"Made the index of {settings.partnership} in {home}.")
    if not keyring.is_sealed:
        click.echo("Its keys are unsealed: whoever copies keys.json has them. See --seal.")
    click.echo(
        "A partner should not host the index: an operator that is also a partner can recognise\n"
        "people whose tokens it already has. Let another organisation run the evaluator."
    )
    click.echo(
        "Next: `index-service purpose add`, `agency add`, `agreement add`, then `run`, and\n"
        "`worker` beside it."
    )


def _open_log(database: Database, settings: IndexSettings, keyring: Keyring) -> None:
    """Bring the database up; the first entry of its log says which log it is."""
    migrate(database, LOCATION)
    signing, key = (SigningKey.from_bytes(keyring.get(name)) for name in (SIGNING, LOG))
    index = Installation(settings, database, signing, log_of(settings, key), now_ms)
    with database.write() as connection:
        if storage.is_empty(connection):
            administer(connection, index, "log-opened", None, note=index.log.name)


@click.command(name="migrate")
@home_option
@cli_guard
def migrate_command(home: Path) -> None:
    """Bring the database to what this version needs. Stop the index and back up first."""
    settings = toml.load(home / SETTINGS_FILE, IndexSettings)
    database = open_database(home, settings)
    migrate(database, LOCATION)
    click.echo(f"The database {database.name} is up to date.")


@click.command()
@home_option
@cli_guard
def fingerprint(home: Path) -> None:
    """Print the 40 digits of the index's keys, to be read to the founder by phone."""
    index = Installation.open(home)
    click.echo(f"Index of {index.partnership}; log {index.log.verifier_key}")
    click.echo(fingerprint40(index.signing_key.public, index.log.key.public))
