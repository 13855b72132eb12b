"""Epochs: the fingerprint of a partnership key, and the checks on a descriptor."""

import hashlib

from protocol.encoding import b64u_encode, lp
from schemas.epochs import EpochDescriptor

PARTNERSHIP_KEY_BYTES = 32


class WrongEpochKey(ValueError):
    """A key is not the one that the epoch descriptor fixes."""


def partnership_key_fingerprint(key: bytes) -> str:
    """Return SHA-256(lp("ifi/1 partnership key") || lp(key)) as base64url; `key` is 32 bytes.

    The key is uniformly random, so its hash tells nothing that helps to guess it.
    """
    if len(key) != PARTNERSHIP_KEY_BYTES:
        raise WrongEpochKey("A partnership key has 32 bytes.")
    return b64u_encode(hashlib.sha256(lp(b"ifi/1 partnership key") + lp(key)).digest())


def require_key(descriptor: EpochDescriptor, key: bytes) -> None:
    """Raise WrongEpochKey unless `key` is the partnership key that `descriptor` fixes."""
    if partnership_key_fingerprint(key) != descriptor.partnership_key_fingerprint:
        raise WrongEpochKey(
            f"This partnership key is not the one of epoch {descriptor.epoch}: "
            "ask the member who handed it over to send the package again."
        )
