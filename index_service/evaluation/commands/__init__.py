"""The commands of the evaluator's operator: `index-service evaluator ...`."""

from typing import Final

import click

from foundation.words import Words

_HERE: Final = "index_service.evaluation.commands"
# Word: module, and the click command in it.
_COMMANDS: Final = {
    "init": (f"{_HERE}.init", "init"),
    "migrate": (f"{_HERE}.init", "migrate_command"),
    "epoch": (f"{_HERE}.epochs", "epoch"),
    "agency": (f"{_HERE}.agencies", "agency"),
    "identity": (f"{_HERE}.epochs", "identity"),
    "counts": (f"{_HERE}.counts", "counts"),
    "run": (f"{_HERE}.run", "run"),
}


@click.group(cls=Words, words=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
def evaluator() -> None:
    """The evaluator: its keys, its agencies, and what it counted.

    Best run by another organisation than the index, on another machine.
    """
