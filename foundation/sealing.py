"""Where the key that seals a keyring comes from: nowhere, a credential, a file or a passphrase."""

import enum
import os
import re
import sys
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from getpass import getpass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from foundation.files import read_private
from foundation.operator import OperatorError

SALT_BYTES: Final = 32
KEY_BYTES: Final = 32
LEAST_KEY_FILE_BYTES: Final = 32
LEAST_PASSPHRASE_LENGTH: Final = 12
# RFC 7914 §2; 128 MiB and about half a second. Fixed by the format `ifi/1 keyring`.
_SCRYPT_COST: Final = {"n": 2**17, "r": 8, "p": 1}
_INFO: Final = b"ifi/1 keyring"
_CREDENTIAL: Final = re.compile(r"[A-Za-z0-9_.-]{1,255}")


class SealKind(enum.Enum):
    """How a keyring is sealed, as its file says it."""

    UNSEALED = "unsealed"
    CREDENTIAL = "credential"
    FILE = "file"
    PASSPHRASE = "passphrase"  # noqa: S105 - the word, not one


def ask_on_terminal(question: str) -> str:
    """Return what the person types after `question`, not shown; OperatorError without a person."""
    if not sys.stdin.isatty():
        raise OperatorError(
            "the keyring wants a passphrase and there is no terminal to ask on: start the program "
            "on one, or seal the keyring with credential:<name> or file:<path>"
        )
    return getpass(question)


@dataclass(frozen=True, slots=True)
class Seal:
    """One way to get at a keyring's key-encryption key; `place` is a credential's name or a path.

    `ask` gets the passphrase from a person.
    """

    kind: SealKind
    place: str = ""
    ask: Callable[[str], str] = ask_on_terminal

    def key(self, salt: bytes, *, new: bool) -> bytes | None:
        """Return the 32-byte key for a keyring with this `salt`, or None if it is unsealed.

        `new` says that the keyring is being made: a passphrase is asked for twice and must be
        long. Raises OperatorError if the key cannot be had.
        """
        match self.kind:
            case SealKind.UNSEALED:
                return None
            case SealKind.PASSPHRASE:
                passphrase = self._passphrase(new=new)
                return Scrypt(salt=salt, length=KEY_BYTES, **_SCRYPT_COST).derive(passphrase)
            case SealKind.CREDENTIAL:
                material = read_credential(self.place)
            case SealKind.FILE:
                material = read_private(Path(self.place), owner_may_be_root=True)
        if len(material) < LEAST_KEY_FILE_BYTES:
            raise OperatorError(
                f"{self.told()}: holds {len(material)} bytes and needs {LEAST_KEY_FILE_BYTES}: "
                "make it with `openssl rand -base64 32`"
            )
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=_INFO).derive(material)

    def told(self) -> str:
        """Return what the seal is, for a sentence."""
        return f"{self.kind.value} {self.place}".strip()

    def _passphrase(self, *, new: bool) -> bytes:
        first = unicodedata.normalize("NFC", self.ask("Passphrase of the keyring: "))
        if new:
            if len(first) < LEAST_PASSPHRASE_LENGTH:
                raise OperatorError(
                    f"the passphrase is shorter than {LEAST_PASSPHRASE_LENGTH} characters: "
                    "take a longer one"
                )
            if unicodedata.normalize("NFC", self.ask("The same again: ")) != first:
                raise OperatorError("the two passphrases differ: start again")
        return first.encode()


def seal_from_setting(setting: str) -> Seal:
    """Return the seal a setting names: unsealed, credential:<name>, file:<path> or passphrase.

    Raises OperatorError for anything else.
    """
    word, _, place = setting.partition(":")
    if setting in {"unsealed", "passphrase"}:
        return Seal(SealKind(setting))
    if word == "credential" and _CREDENTIAL.fullmatch(place) and place not in {".", ".."}:
        return Seal(SealKind.CREDENTIAL, place)
    if word == "file" and place.startswith("/"):
        return Seal(SealKind.FILE, place)
    raise OperatorError(
        "the seal of the keyring is not one this program knows: write unsealed, "
        "credential:<name>, file:/absolute/path or passphrase"
    )


def read_credential(name: str) -> bytes:
    """Return a credential of this service (systemd.exec(5)), whose file systemd guards.

    Raises OperatorError, with the line for the unit, if there is none.
    """
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise OperatorError(
            f"the credential {name} is only there in a systemd service: add "
            f"`LoadCredentialEncrypted={name}` to the unit and start the program through it"
        )
    try:
        return (Path(folder) / name).read_bytes()
    except OSError as error:
        raise OperatorError(
            f"the credential {name} cannot be read ({error.strerror}): "
            f"add `LoadCredentialEncrypted={name}` to the unit"
        ) from None
