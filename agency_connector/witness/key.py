"""The key with which this connector cosigns; it signs nothing else and no other witness has it."""

from typing import Final

from foundation.keyring import Keyring
from protocol.keys import SigningKey

WITNESS: Final = "witness"
"""The name of the key in the keyring."""


def witness_signing_key(keyring: Keyring) -> SigningKey:
    """Return the witness key, made now if an earlier version's `init` did not make it."""
    if WITNESS not in keyring.names():
        return SigningKey.from_bytes(keyring.keep(WITNESS, SigningKey.generate().to_bytes()))
    return SigningKey.from_bytes(keyring.get(WITNESS))
