"""Verifier keys in the text form of C2SP signed-note: `<name>+<key ID>+<base64>`."""

import base64
import enum
import hashlib
from dataclasses import dataclass

from protocol.keys import PUBLIC_BYTES

KEY_ID_BYTES = 4


class BadVerifierKey(ValueError):
    """The text is not a signed-note verifier key of an Ed25519 log or witness."""


class KeyType(enum.IntEnum):
    """The signature type byte of signed-note: what a key's signatures cover."""

    ED25519 = 0x01  # a log's: the note's text
    COSIGNATURE = 0x04  # a witness's: a time and the text (C2SP tlog-cosignature)


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A key by which others check signatures on notes: name, type and Ed25519 public key."""

    name: str
    type: KeyType
    public: bytes

    def __post_init__(self) -> None:
        """Raise BadVerifierKey for a name that no note can carry, and a key of wrong length."""
        if not is_key_name(self.name):
            raise BadVerifierKey(
                'A key name is not empty and has no space, no "+" and no control character.'
            )
        if len(self.public) != PUBLIC_BYTES:
            raise BadVerifierKey("An Ed25519 public key has 32 bytes.")

    @property
    def key_id(self) -> bytes:
        """SHA-256(name || 0x0A || type || public)[:4], by which a note names its signer."""
        hashed = hashlib.sha256(self.name.encode() + b"\n" + bytes([self.type]) + self.public)
        return hashed.digest()[:KEY_ID_BYTES]

    @property
    def text(self) -> str:
        """The key as `<name>+<key ID in hex>+<base64 of type and public key>`."""
        encoded = base64.b64encode(bytes([self.type]) + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"


def is_key_name(name: str) -> bool:
    """Tell whether signed-note allows `name`: UTF-8, no Unicode space, no plus, no control."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return bool(name) and not any(c.isspace() or c == "+" or c < " " for c in name)


def read(text: str) -> VerifierKey:
    """Return the key that is written as exactly `text`, type 01 or 04; BadVerifierKey otherwise."""
    # Standard base64 may itself hold "+", so only the first two separate.
    parts = text.split("+", maxsplit=2)
    if len(parts) != 3:
        raise BadVerifierKey("A verifier key has three parts: name+hash+key.")
    name, _stated, encoded = parts
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise BadVerifierKey("The last part of a verifier key is base64.") from error
    try:
        key_type = KeyType(decoded[0] if decoded else 0)
    except ValueError as error:
        raise BadVerifierKey(
            "Only Ed25519 verifier keys of logs (type 01) and witnesses (type 04) are known here."
        ) from error
    key = VerifierKey(name, key_type, decoded[1:])
    if key.text != text:
        raise BadVerifierKey("The hash in the verifier key is not that of its name and key.")
    return key


def verifier_key(name: str, public: bytes) -> str:
    """Return the verifier key of the log `name` whose Ed25519 public key is `public`, 32 bytes."""
    return VerifierKey(name, KeyType.ED25519, public).text


def read_verifier_key(text: str) -> tuple[str, bytes]:
    """Return the name and the Ed25519 public key, 32 bytes, of a log; BadVerifierKey otherwise."""
    key = read(text)
    if key.type is not KeyType.ED25519:
        raise BadVerifierKey("A log's verifier key is of type 01; this is a witness's.")
    return key.name, key.public
