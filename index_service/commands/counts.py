"""`index-service counts add`: the evaluator's signed counts of a day enter the record."""

from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import click
import msgspec

from foundation.operator import OperatorError, cli_guard
from index_service.audit import counting
from index_service.commands.home import home_option, opened
from schemas.envelopes import Envelope


@click.group()
def counts() -> None:
    """What the evaluator evaluated, as it signs for it."""


@counts.command()
@home_option
@click.argument("file", type=click.File("rb"))
@cli_guard
def add(home: Path, file: BinaryIO) -> None:
    """Check the counts in FILE, as `index-service evaluator counts --sign` printed them; record it.

    FILE may be - for what is typed or piped in.
    """
    try:
        envelope = msgspec.json.decode(file.read(), type=Envelope)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise OperatorError(
            "this is not what `index-service evaluator counts --sign` printed: bring it as it is"
        ) from error
    index = opened(home)
    with index.database.write() as connection:
        told = counting.add(connection, index, envelope)
    day = f"{datetime.fromtimestamp(told.day / 1000, UTC):%Y-%m-%d}"
    elements = sum(one.elements for one in told.counts)
    click.echo(f"Recorded: {elements} elements evaluated on {day}, in {len(told.counts)} counts.")
