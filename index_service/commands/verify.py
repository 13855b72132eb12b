"""`index-service verify`: check the whole log of an index, or of a backup of its database."""

from pathlib import Path

import click

from foundation.database import Database, require_migrated
from foundation.operator import OperatorError, cli_guard
from index_service.audit.verifying import Fault, verify_log
from index_service.commands.home import home_option, opened
from index_service.database import LOCATION
from protocol.verifier_keys import BadVerifierKey, VerifierKey, read

_SUFFIX = ".ifi-log"


@click.command()
@home_option
@click.option("--database", help="A restored backup, sqlite:////... or postgresql://...")
@click.option("--log-key", help="The log's verifier key, as `index-service fingerprint` prints it.")
@cli_guard
def verify(home: Path, database: str | None, log_key: str | None) -> None:
    """Check every entry, tile, checkpoint, statement, side record and commitment.

    Without options, the log of the index in --home. With --database and --log-key any copy of its
    database, without the index's settings and keys.
    """
    if (database is None) != (log_key is None):
        raise OperatorError("--database and --log-key go together: give both, or neither")
    if database is not None and log_key is not None:
        held, key = Database(database), _key(log_key)
        require_migrated(held, LOCATION)
    else:
        index = opened(home)
        held, key = index.database, _key(index.log.verifier_key)
    try:
        with held.read() as connection:
            found = verify_log(connection, key, key.name.removesuffix(_SUFFIX))
    except Fault as fault:
        raise OperatorError(f"the log does not verify. {fault}") from fault
    click.echo(f"{found.entries} entries and {found.tiles} tiles verified.")
    click.echo(f"{found.side_records} side records verified; {found.erased} erased by retention.")
    if found.waiting or found.unsigned:
        click.echo(f"{found.waiting} entries wait for a number, {found.unsigned} for a checkpoint.")
    if found.closed is not None:
        raise OperatorError(f"what is there is whole, but the log is closed: {found.closed}")


def _key(text: str) -> VerifierKey:
    try:
        return read(text)
    except BadVerifierKey as error:
        raise OperatorError(f"--log-key: {error}") from error
