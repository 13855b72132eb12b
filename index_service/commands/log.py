"""`index-service log-head` and `log-successor`: how the log stands, and what a person decides."""

from pathlib import Path

import click
from sqlalchemy import Connection

from foundation.operator import OperatorError, cli_guard
from index_service.audit import sequencing, storage, succeeding
from index_service.audit.storage import LogState
from index_service.commands.home import home_option, opened
from index_service.installation import Installation, log_of, log_secret
from protocol.fingerprints import fingerprint40
from protocol.keys import SigningKey
from protocol.log.proofs import Head


@click.command(name="log-successor")
@home_option
@click.option("--why", required=True, help="One line; it stands in the new log's first entry.")
@click.confirmation_option(
    prompt="Index and worker are stopped, and no newer backup or mirror can be restored?"
)
@cli_guard
def log_successor(home: Path, why: str) -> None:
    """Open a successor to a log that is closed, with a key and an origin of its own.

    Its first entry names the old log and head and says how many entries are lost. Every agency
    has to be told by phone: connectors refuse the new log until a person has accepted it.
    """
    index = opened(home)
    if index.keyring is None:
        raise OperatorError("this index has no keyring")
    generation = index.log.generation + 1
    secret = log_secret(generation)
    # A run that was cut off behind this line goes on with the key that it made.
    if secret not in index.keyring.names():
        index.keyring.put(secret, SigningKey.generate().to_bytes())
    key = SigningKey.from_bytes(index.keyring.get(secret))
    successor = log_of(index.settings, key, generation)
    with index.database.write() as connection:
        told = succeeding.succeed(connection, index, successor, why)
    lost = told.head_size - told.kept
    click.echo(
        f"The log {index.log.name} has ended at {told.head_size} entries; {told.kept} of them are "
        f"kept, {lost} are lost.\nIts successor is {successor.verifier_key}\n"
        f"{fingerprint40(index.signing_key.public, key.public)}\n"
        "Start index and worker, and read these digits to a person at every agency by phone."
    )


@click.command(name="log-head")
@home_option
@click.option("--accept", is_flag=True, help="Write a lost head file anew from the database.")
@cli_guard
def log_head(home: Path, accept: bool) -> None:
    """Print the log's checkpoint and its state.

    --accept is for a head file that was lost while the database was not: after a backup was
    restored, it would let the index sign a second history, which every witness would refuse.
    """
    index = opened(home)
    if accept:
        with index.database.write() as connection:
            head = sequencing.accept_head(connection, index)
        click.echo(f"The head file says {head.size} entries.")
    with index.database.read() as connection:
        state = storage.state(connection)
        signed = [] if state.closed else _may_be_signed(connection, index, state)
    if state.note is not None:
        click.echo(state.note.decode(), nl=False)
    if state.closed is not None:
        raise OperatorError(f"the log is closed: {state.closed}")
    if isinstance(signed, OperatorError):
        raise signed
    behind = max((head.size for head in signed), default=0) - state.head.size
    if behind > 0:
        click.echo(f"The database lacks {behind} entries: the worker looks for them in the mirror.")


def _may_be_signed(
    connection: Connection, index: Installation, state: LogState
) -> list[Head] | OperatorError:
    """Return the heads, or why they cannot be read, to be said after the checkpoint is shown."""
    try:
        return sequencing.may_be_signed(connection, index, state)
    except OperatorError as error:
        return error
