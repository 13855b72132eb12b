"""Which index a command is about: the home folder with index.toml."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from index_service.installation import Installation

F = TypeVar("F", bound=Callable[..., Any])

home_option: Final[Callable[[F], F]] = click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    envvar="INDEX_SERVICE_HOME",
    show_default="the current folder",
    help="The index's folder, with index.toml.",
)


def opened(home: Path) -> Installation:
    """Open the index in `home`."""
    return Installation.open(home)
