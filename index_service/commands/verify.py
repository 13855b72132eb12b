"""`index-service verify`: check the whole log of an index, or of a backup of its database."""

import re
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import click

from foundation.database import Database, require_migrated
from foundation.operator import OperatorError, cli_guard
from index_service.audit.verifying import verify_log
from index_service.commands.home import home_option, opened
from index_service.database import LOCATION
from protocol import signature_checks
from protocol.exports import check_export
from protocol.verification import Fault
from protocol.verifier_keys import BadVerifierKey, VerifierKey, read

# A successor's origin ends in its number.
_ORIGIN: Final = re.compile(r"(.+)\.ifi-log(-[0-9]+)?", re.ASCII)


@click.command()
@home_option
@click.option("--database", help="A restored backup, sqlite:////... or postgresql://...")
@click.option(
    "--export",
    "exported",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A file that `index-service export` wrote; nothing else is needed.",
)
@click.option("--log-key", help="The log's verifier key, as `index-service fingerprint` prints it.")
@click.option("--tree-only", is_flag=True, help="Pass over the signatures in entries; much faster.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="How many processes check signatures in entries of a database.",
)
@cli_guard
def verify(
    home: Path,
    database: str | None,
    exported: Path | None,
    log_key: str | None,
    tree_only: bool,
    jobs: int,
) -> None:
    """Check every entry, tile, checkpoint, statement, side record and commitment.

    Without options, the log of the index in --home. With --log-key, and --database or --export, a
    copy of its database or an export, without the index's settings and keys.
    """
    if database is not None and exported is not None:
        raise OperatorError("--database and --export are two things to check: give one of them")
    if (database is None and exported is None) != (log_key is None):
        raise OperatorError(
            "--log-key goes with --database or --export: the key has to come from somewhere else "
            "than what is checked"
        )
    try:
        if exported is not None:
            _verify_export(exported, _key(log_key or ""), signatures=not tree_only)
        else:
            _verify_database(home, database, log_key, signatures=not tree_only, jobs=jobs)
    except Fault as fault:
        raise OperatorError(f"the log does not verify. {fault}") from fault


def _verify_export(path: Path, key: VerifierKey, *, signatures: bool) -> None:
    with path.open("rb") as file:
        found = check_export(file, key, signatures=signatures)
    click.echo(found.sentence)


def _verify_database(
    home: Path, database: str | None, log_key: str | None, *, signatures: bool, jobs: int
) -> None:
    if database is not None and log_key is not None:
        held, key = Database(database), _key(log_key)
        require_migrated(held, LOCATION)
    else:
        index = opened(home)
        held, key = index.database, _key(index.log.verifier_key)
    named = _ORIGIN.fullmatch(key.name)
    if named is None:
        raise OperatorError(f"--log-key: {key.name} is no log of an index")
    with ExitStack() as stack:
        beside = signatures and jobs > 1
        checks = stack.enter_context(signature_checks.running(jobs)) if beside else None
        connection = stack.enter_context(held.read())
        found = verify_log(connection, key, named[1], signatures=signatures, checks=checks)
    click.echo(f"{found.entries} entries and {found.tiles} tiles verified.")
    click.echo(f"{found.cosignatures} cosignatures verified.")
    click.echo(f"{found.side_records} side records verified; {found.erased} erased by retention.")
    if found.lost:
        click.echo(f"{found.lost} side records were lost: their entries came from the mirror.")
    if found.waiting or found.unsigned:
        click.echo(f"{found.waiting} entries wait for a number, {found.unsigned} for a checkpoint.")
    if not signatures:
        click.echo("Signatures in entries were not checked (--tree-only).")
    if found.closed is not None:
        raise OperatorError(f"what is there is whole, but the log is closed: {found.closed}")


def _key(text: str) -> VerifierKey:
    try:
        return read(text)
    except BadVerifierKey as error:
        raise OperatorError(f"--log-key: {error}") from error
