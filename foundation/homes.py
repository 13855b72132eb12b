"""Making a program's home folder so that a try that failed can go on."""

from pathlib import Path
from typing import TypeVar

import msgspec
from sqlalchemy import exc, make_url

from foundation import settings
from foundation.files import write_atomically
from foundation.keyring import Keyring, Seal
from foundation.operator import OperatorError

T = TypeVar("T", bound=msgspec.Struct)


def toml_string(text: str) -> str:
    """Return `text` as a TOML basic string; OperatorError if it has what cannot be printed."""
    if not all(character.isprintable() for character in text):
        raise OperatorError("an answer holds a character that cannot be printed: type it again")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def new_home(home: Path, file: str, what: str) -> None:
    """Make the folder `home`, private; OperatorError if it holds a finished `what` already."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    if (home / file).exists():
        raise OperatorError(f"{home / file}: there is {what} already: choose another --home")


def checked(home: Path, file: str, text: str, settings_type: type[T]) -> T:
    """Return the settings in `text`, read just as they will be read from `file`."""
    draft = home / f".{file}.draft"
    try:
        write_atomically(draft, text.encode())
        return settings.load(draft, settings_type)
    finally:
        draft.unlink(missing_ok=True)


def keyring_of(path: Path, seal: Seal) -> Keyring:
    """Return a new keyring at `path`, or the one that an unfinished try left there."""
    return Keyring.open(path, seal) if path.exists() else Keyring.create(path, seal)


def without_password(url: str) -> str:
    """Return a database's address as typed; OperatorError if it holds a password.

    A command line is seen by every user of the machine and kept in histories.
    """
    try:
        password = make_url(url).password
    except (exc.ArgumentError, ValueError):
        return url  # what reads the settings says what is wrong with it
    if password is not None:
        raise OperatorError(
            "the database address holds a password, and a command line is seen by others: leave "
            "it out, put the password into a file as PostgreSQL reads it (.pgpass), and name "
            "that with ?passfile=/path"
        )
    return url
