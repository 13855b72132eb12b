"""A program's secrets in one file, each sealed under a key that is kept elsewhere.

The file is JSON, format `ifi/1 keyring`; docs/decisions/keyring.md has its members. Each secret
is sealed with AES-256-GCM (NIST SP 800-38D), a fresh 96-bit nonce and its name as associated data.
"""

import base64
import binascii
import re
import secrets
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from foundation.files import locked_folder, read_private, write_atomically
from foundation.operator import OperatorError
from foundation.sealing import SALT_BYTES, Seal, SealKind, seal_from_setting

__all__ = ["Keyring", "Seal", "seal_from_setting"]

FORMAT: Final = "ifi/1 keyring"
_NONCE_BYTES: Final = 12
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._:/-]{0,127}")
_PROOF: Final = ""  # no secret's name: under it stands a sealed nothing, which tells a wrong key


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the file holds. `secrets` are base64: nonce || sealed, or plain if `seal` says so."""

    format: str
    seal: SealKind
    salt: str
    proof: str
    secrets: dict[str, str]


class Keyring:
    """The named secrets of one program. Not for use by several threads at once.

    Opened with `open` or made with `create`. Every change is on the disk before the call returns,
    and a crash leaves the file as it was before or as it is after.
    """

    def __init__(self, path: Path, file: _File, cipher: AESGCM | None) -> None:
        self._path = path
        self._file = file
        self._cipher = cipher

    @classmethod
    def create(cls, path: Path, seal: Seal) -> "Keyring":
        """Make an empty keyring at `path`, mode 0600; OperatorError if there is a file already."""
        salt = secrets.token_bytes(SALT_BYTES)
        key = seal.key(salt, new=True)
        cipher = None if key is None else AESGCM(key)
        file = _File(
            format=FORMAT,
            seal=seal.kind,
            salt=_encode(salt),
            proof=_encode(_sealed(cipher, _PROOF, b"")),
            secrets={},
        )
        try:
            write_atomically(path, _document(file), new=True)
        except FileExistsError:
            raise OperatorError(
                f"{path}: there is a keyring already: keep it, or move it away first"
            ) from None
        return cls(path, file, cipher)

    @classmethod
    def open(cls, path: Path, seal: Seal) -> "Keyring":
        """Open the keyring at `path` with the seal it was made with.

        Raises OperatorError, with the mend, if the file is missing or damaged, if others can reach
        it or it belongs to another user, or if the seal is another one or its key is wrong.
        """
        file = _read(path)
        if file.seal != seal.kind:
            raise OperatorError(
                f"{path}: its seal is {file.seal.value} and the settings say {seal.kind.value}: "
                "correct the settings"
            )
        key = seal.key(_decode(path, file.salt), new=False)
        cipher = None if key is None else AESGCM(key)
        try:
            _unsealed(cipher, _PROOF, _decode(path, file.proof))
        except InvalidTag:
            raise OperatorError(
                f"{path}: does not open with this key: give the {seal.told()} it was made with"
            ) from None
        return cls(path, file, cipher)

    @property
    def is_sealed(self) -> bool:
        """Whether a copy of the file is useless without a key that is not in it."""
        return self._cipher is not None

    def names(self) -> tuple[str, ...]:
        """Return the names of all secrets, sorted."""
        return tuple(sorted(self._file.secrets))

    def refresh(self) -> None:
        """Take up what other processes have put or removed; raises OperatorError as `open` does."""
        latest = _read(self._path)
        if latest.salt != self._file.salt:
            raise OperatorError(
                f"{self._path}: was replaced while this program ran: start the program again"
            )
        self._file = latest

    def get(self, name: str) -> bytes:
        """Return the secret `name`; OperatorError if there is none or it has been tampered with."""
        if name not in self._file.secrets:
            raise OperatorError(
                f"{self._path}: holds no secret named {name}: restore the keyring from its backup, "
                "or run the command that makes this key"
            )
        try:
            return _unsealed(self._cipher, name, _decode(self._path, self._file.secrets[name]))
        except InvalidTag:
            raise OperatorError(
                f"{self._path}: the secret {name} has been changed: restore the keyring from its "
                "backup"
            ) from None

    def put(self, name: str, secret: bytes) -> None:
        """Keep `secret` under `name`, replacing one that is there.

        `name` has 1 to 128 characters of a-z, 0-9 and `._:/-`; ValueError otherwise.
        """
        if not _NAME.fullmatch(name):
            raise ValueError(f"not a name for a secret: {name!r}")
        self._change(name, _encode(_sealed(self._cipher, name, secret)))

    def keep(self, name: str, secret: bytes) -> bytes:
        """Keep `secret` under `name` unless there is one, and return the one that is kept.

        Of several processes that make a key at once, all get the same. Raises as `put` and `get`.
        """
        if not _NAME.fullmatch(name):
            raise ValueError(f"not a name for a secret: {name!r}")
        self._change(name, _encode(_sealed(self._cipher, name, secret)), replace=False)
        return self.get(name)

    def remove(self, name: str) -> None:
        """Forget the secret `name`; OperatorError if there is none."""
        self.get(name)
        self._change(name, None)

    def _change(self, name: str, sealed: str | None, *, replace: bool = True) -> None:
        """Write the file anew with one secret changed, upon what other processes wrote before."""
        with locked_folder(self._path.parent):
            self.refresh()
            if name in self._file.secrets and not replace:
                return
            kept = {key: value for key, value in self._file.secrets.items() if key != name}
            if sealed is not None:
                kept[name] = sealed
            changed = msgspec.structs.replace(self._file, secrets=kept)
            write_atomically(self._path, _document(changed))
            self._file = changed


def _read(path: Path) -> _File:
    content = read_private(path)
    try:
        file = msgspec.json.decode(content, type=_File)
    except msgspec.DecodeError:
        raise _damaged(path) from None
    if file.format != FORMAT:
        raise OperatorError(f"{path}: is not of the format {FORMAT}: use the version that made it")
    return file


def _document(file: _File) -> bytes:
    return msgspec.json.format(msgspec.json.encode(file, order="sorted"), indent=2) + b"\n"


def _associated(name: str) -> bytes:
    return f"{FORMAT}\n{name}".encode()


def _sealed(cipher: AESGCM | None, name: str, secret: bytes) -> bytes:
    if cipher is None:
        return secret
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, secret, _associated(name))


def _unsealed(cipher: AESGCM | None, name: str, sealed: bytes) -> bytes:
    """Raises InvalidTag if the key is wrong or anything was changed."""
    if cipher is None:
        return sealed
    nonce, body = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    if len(nonce) < _NONCE_BYTES:
        raise InvalidTag
    return cipher.decrypt(nonce, body, _associated(name))


def _encode(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _decode(path: Path, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise _damaged(path) from None


def _damaged(path: Path) -> OperatorError:
    return OperatorError(f"{path}: is not a keyring or is damaged: restore it from its backup")
