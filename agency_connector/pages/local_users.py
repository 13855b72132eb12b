"""Local users and their tokens: 32 random bytes, of which the connector keeps only the hash.

A token has 256 bits of chance, so a plain SHA-256 of it can be neither guessed nor inverted.
"""

import hashlib
import os
import pwd
import secrets
from pathlib import Path
from typing import Final

from agency_connector.installation import Installation
from agency_connector.pages import storage
from foundation.files import read_private, write_atomically
from foundation.operator import OperatorError

_PREFIX: Final = "ifi-local-"
_TOKEN_BYTES: Final = 32
_LONGEST_NAME: Final = 64


def current_user() -> str:
    """Return the name of the user who runs this program, as the system has it."""
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name[:_LONGEST_NAME]
    except KeyError:
        return f"user-{number}"


def new_token(installation: Installation, user: str) -> str:
    """Make a token for `user`; an earlier one is good no longer. Raises OperatorError for the name.

    The token is returned once and kept nowhere; the database has its hash.
    """
    if not 0 < len(user) <= _LONGEST_NAME or not user.isprintable():
        raise OperatorError(f"a user's name has 1 to {_LONGEST_NAME} characters: shorten it")
    token = _PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
    with installation.database.write() as connection:
        storage.put(connection, user, hash_of(token), installation.clock())
    return token


def token_in_file(installation: Installation, path: Path, *, renew: bool) -> str:
    """Return the current user's token, kept in the file `path` with mode 0600.

    What the file holds is used again if the connector still knows it; otherwise, or with `renew`,
    a token is made and the file written. Raises OperatorError if others can read the file.
    """
    user = current_user()
    if path.exists() and not renew:
        token = read_private(path).decode("ascii", errors="replace").strip()
        if user_of(installation, hash_of(token)) == user:
            return token
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    token = new_token(installation, user)
    write_atomically(path, f"{token}\n".encode())
    return token


def hash_of(token: str) -> bytes:
    """Return SHA-256 of a token, 32 bytes."""
    return hashlib.sha256(token.encode("utf-8", errors="replace")).digest()


def user_of(installation: Installation, token_hash: bytes) -> str | None:
    """Return the user whose token has this hash, or None."""
    with installation.database.read() as connection:
        return storage.user_with(connection, token_hash)
