"""Errors that a person at the keyboard can act on, and how a command prints them."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


class PlainError(Exception):
    """An error whose message is one plain line: what is wrong and what to do about it.

    The message is written by us for a person and holds no personal data, password or key.
    """


class OperatorError(PlainError):
    """Something that whoever runs the program has to put right before it can go on."""


def one_line(message: str) -> str:
    """Return `message` on one line, without control characters that could steer a terminal."""
    words = " ".join(message.split())
    return "".join(character for character in words if character.isprintable())


def counted(number: int, one: str, many: str = "") -> str:
    """Return how many: "1 flag", "2 flags"; `many` is the plural if it is not `one` with an s."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def cli_guard(command: Callable[P, R]) -> Callable[P, R]:
    """Decorate a command so that a `PlainError` is one line on standard error and exit code 1.

    An interrupt (Ctrl-C) ends the command quietly with 130. Every other exception passes: it is a
    mistake of ours, and its traceback is wanted. Put it nearest the function, below the decorators
    of click.
    """

    @wraps(command)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except PlainError as error:
            sys.stderr.write(f"error: {one_line(str(error))}\n")
            sys.exit(EXIT_FAILED)
        except KeyboardInterrupt:
            sys.exit(EXIT_INTERRUPTED)

    return guarded
