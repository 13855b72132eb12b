"""What the demo prints: calm, short, plain text when it is not a terminal that reads."""

import sys
from collections.abc import Sequence
from textwrap import wrap
from typing import Final

from rich.console import Console
from rich.text import Text

_INDENT: Final = "    "
_WIDTH: Final = 90


class Telling:
    """Prints the demo's account, a step at a time."""

    def __init__(self) -> None:
        """Print to standard output, in colours only on a terminal."""
        self._console: Final = Console(file=sys.stdout, highlight=False, markup=False)
        self._steps = 0

    def title(self, text: str, *lines: str) -> None:
        """Print the demo's title and what has to be known before anything else."""
        self._print(Text(text, style="bold"))
        for line in lines:
            self._print(Text(line))

    def step(self, text: str) -> None:
        """Begin the next numbered step."""
        self._steps += 1
        self._print(Text(f"\n{self._steps}. {text}", style="bold"))

    def line(self, text: str) -> None:
        """Print a line of the step."""
        self._print(Text(f"{_INDENT}{text}".rstrip()))

    def heading(self, text: str) -> None:
        """Print what the following lines are about."""
        self._print(Text(_INDENT + text, style="bold"))

    def rows(self, rows: Sequence[tuple[str, ...]]) -> None:
        """Print rows in columns."""
        columns = list(zip(*rows, strict=True))
        widths = [max(map(len, column)) for column in columns]
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.line("  ".join(cells).rstrip())

    def quote(self, text: str) -> None:
        """Print what a program of ours printed, as it printed it but for the line breaks."""
        for line in text.rstrip().splitlines():
            indent = line[: len(line) - len(line.lstrip())]
            parts = wrap(line, _WIDTH, subsequent_indent=indent, break_on_hyphens=False) or [""]
            for part in parts:
                edge = f"{_INDENT}│ " if part else f"{_INDENT}│"
                self._print(Text(edge, style="dim").append(part, style="not dim"))

    def good(self, text: str) -> None:
        """Print that something is as it should be."""
        self._print(Text(f"{_INDENT}ok  ", style="green").append(text))

    def bad(self, text: str) -> None:
        """Print that something is not as it should be."""
        self._print(Text(f"{_INDENT}WRONG  ", style="bold red").append(text))

    def _print(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)
        self._console.file.flush()
