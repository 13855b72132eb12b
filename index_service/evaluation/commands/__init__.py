"""The commands of the evaluator's operator: `index-service evaluator ...`."""

import click

from index_service.evaluation.commands.agencies import agency
from index_service.evaluation.commands.counts import counts
from index_service.evaluation.commands.epochs import epoch, identity
from index_service.evaluation.commands.init import init, migrate_command
from index_service.evaluation.commands.run import run


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def evaluator() -> None:
    """The evaluator: its keys, its agencies, and what it counted.

    Best run by another organisation than the index, on another machine.
    """


for command in (init, migrate_command, epoch, agency, identity, counts, run):
    evaluator.add_command(command)
