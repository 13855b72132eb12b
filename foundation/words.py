"""A command made of words, each of which is imported when it is asked for: others cost no time."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class Words(click.Group):
    """A click group. `words` names for each word, in the order of the help, module and command."""

    def __init__(self, *, words: Mapping[str, tuple[str, str]], **options: Any) -> None:
        super().__init__(**options)
        self._words = words

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the words, in the order in which they were named."""
        return list(self._words)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the command that `cmd_name` stands for, or None."""
        if cmd_name not in self._words:
            return None
        module, name = self._words[cmd_name]
        command: click.Command = getattr(import_module(module), name)
        return command
