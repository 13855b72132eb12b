"""`evaluator init` and `migrate`: make an evaluator's home folder, and bring its database up."""

from pathlib import Path
from typing import Final

import click

from foundation.database import migrate
from foundation.files import write_atomically
from foundation.homes import checked, keyring_of, new_home, toml_string, without_password
from foundation.keyring import seal_from_setting
from foundation.operator import cli_guard
from index_service.evaluation.commands.home import home_option
from index_service.evaluation.installation import (
    SETTINGS_FILE,
    SIGNING,
    load_settings,
    open_database,
)
from index_service.evaluation.settings import EvaluatorSettings
from index_service.evaluation.storage import LOCATION
from protocol.keys import SigningKey

_TEMPLATE: Final = """\
# The settings of an evaluator. `index-service evaluator --help` lists the commands.
partnership = {partnership}

[database]
# SQLite is enough to start with. For one that matters: postgresql://user@host/name
url = {database}

[keys]
file = "keys.json"
# unsealed | credential:<name> | file:<path> | passphrase
seal = {seal}

[serve]
bind = {bind}
workers = {workers}
threads = 4

# Elements that an agency may have evaluated in one epoch on one day (UTC), by use.
[quotas]
publish = 20000000
lookup = 5000000
audit = 200000
"""

_ADVICE: Final = """\
If this machine is the index's, or is run by the same people: it works, but whoever holds both can
test guesses against the index without leaving a count that somebody else sees, as soon as they
also get hold of one partner's partnership key. Run by another organisation, each such test is
counted here, where they cannot reach it."""

_NEXT: Final = """\
Next:
  index-service evaluator epoch open 1      make the key of the first epoch
  index-service evaluator agency add ...    for each agency, with what its connector prints
  index-service evaluator run               and back up evaluator.toml and keys.json
"""


@click.command()
@home_option
@click.option("--partnership", prompt="Short name of the partnership", help="Such as northgate.")
@click.option(
    "--seal",
    prompt="Seal of the keys (credential:<name>, file:<path>, passphrase or unsealed)",
    help="Where the key comes from that the keyring is sealed with.",
)
@click.option("--database", default="sqlite:///evaluator.db", show_default=True)
@click.option("--bind", default="127.0.0.1:8002", show_default=True)
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True)
@cli_guard
def init(home: Path, partnership: str, seal: str, database: str, bind: str, workers: int) -> None:
    """Make an evaluator: settings, signing key and an empty database."""
    new_home(home, SETTINGS_FILE, "an evaluator")
    text = _TEMPLATE.format(
        partnership=toml_string(partnership),
        database=toml_string(without_password(database)),
        seal=toml_string(seal),
        bind=toml_string(bind),
        workers=workers,
    )
    settings = checked(home, SETTINGS_FILE, text, EvaluatorSettings)
    keyring = keyring_of(home / settings.keys.file, seal_from_setting(settings.keys.seal))
    if SIGNING not in keyring.names():
        keyring.put(SIGNING, SigningKey.generate().to_bytes())
    migrate(open_database(home, settings), LOCATION)
    # The settings last: a home without them is unfinished, and `init` goes on with it.
    write_atomically(home / SETTINGS_FILE, text.encode(), new=True)
    click.echo(f"Made the evaluator of {settings.partnership} in {home}.")
    if not keyring.is_sealed:
        click.echo("Its keys are unsealed: whoever copies keys.json has them. See --seal.")
    click.echo(_ADVICE)
    click.echo(_NEXT, nl=False)


@click.command(name="migrate")
@home_option
@cli_guard
def migrate_command(home: Path) -> None:
    """Bring the database to what this version needs. Stop the evaluator and back up first."""
    database = open_database(home, load_settings(home))
    migrate(database, LOCATION)
    click.echo(f"The database {database.name} is up to date.")
