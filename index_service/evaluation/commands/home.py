"""Which evaluator a command is about: the home folder with evaluator.toml."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

home_option: Final[Callable[[F], F]] = click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    envvar="EVALUATOR_HOME",
    show_default="the current folder",
    help="The evaluator's folder, with evaluator.toml.",
)
