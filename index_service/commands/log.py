"""`index-service log-head`: how the log stands, and what to do when its head file was lost."""

from pathlib import Path

import click

from foundation.operator import OperatorError, cli_guard
from index_service.audit import sequencing, storage
from index_service.commands.home import home_option, opened


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
    if state.note is not None:
        click.echo(state.note.decode(), nl=False)
    if state.closed is not None:
        raise OperatorError(f"the log is closed: {state.closed}")
