"""Questions to the person who runs a command: prompts on standard error, answers from the input."""

import sys
from collections.abc import Callable
from typing import TypeAlias

from foundation.operator import OperatorError, one_line

Ask: TypeAlias = Callable[[str], str]
"""Puts a question to a person and returns what they typed, without outer white space."""


def ask(question: str) -> str:
    """Return the next line of standard input; OperatorError if there is none.

    The question goes to standard error, so that answers can come from a file or another program
    and what a command prints can go to one. It may hold names that came over the network.
    """
    sys.stderr.write(f"{one_line(question)}: ")
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not sys.stdin.isatty():
        sys.stderr.write("\n")
    if not line:
        raise OperatorError("the input ended before the question was answered: start again")
    return line.strip()
