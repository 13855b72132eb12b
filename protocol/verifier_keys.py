"""Verifier keys of the log in the text form of C2SP signed-note: `<name>+<hash>+<base64>`."""

import base64
import hashlib

_ED25519 = b"\x01"


class BadVerifierKey(ValueError):
    """The text is not a signed-note verifier key of an Ed25519 log."""


def key_hash(name: str, public: bytes) -> bytes:
    """Return SHA-256(name || 0x0A || 0x01 || public)[:4], by which a note names its signer."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


def verifier_key(name: str, public: bytes) -> str:
    """Return the verifier key of the log `name` whose Ed25519 public key is `public`, 32 bytes."""
    encoded = base64.b64encode(_ED25519 + public).decode()
    return f"{name}+{key_hash(name, public).hex()}+{encoded}"


def read_verifier_key(text: str) -> tuple[str, bytes]:
    """Return the name and the 32-byte Ed25519 public key in `text`; BadVerifierKey otherwise."""
    # Standard base64 may itself hold "+", so only the first two separate.
    parts = text.split("+", maxsplit=2)
    if len(parts) != 3:
        raise BadVerifierKey("A verifier key has three parts: name+hash+key.")
    name, stated, encoded = parts
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise BadVerifierKey("The last part of a verifier key is base64.") from error
    public = decoded[1:]
    if decoded[:1] != _ED25519 or len(public) != 32:
        raise BadVerifierKey("Only Ed25519 verifier keys (type 01) are known here.")
    if verifier_key(name, public) != text or stated != key_hash(name, public).hex():
        raise BadVerifierKey("The hash in the verifier key is not that of its name and key.")
    return name, public
