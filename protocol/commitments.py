"""Salted commitments: to the particulars, the token set, and the two halves of a result."""

import hashlib
import secrets
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from protocol import canonical
from protocol.encoding import lp

SALT_BYTES: Final = 32
PARTICULARS: Final = "particulars"
SHOWN: Final = "shown"
WITHHELD: Final = "withheld"
GROUND: Final = "ground"
SUBJECT: Final = "subject"


def new_salt() -> bytes:
    """Return 32 random bytes; whoever has them and the content can open the commitment."""
    return secrets.token_bytes(SALT_BYTES)


def commit(what: str, salt: bytes, content: bytes) -> bytes:
    """Return SHA-256(lp("ifi/1 commitment") || lp(what) || lp(salt) || lp(content)), 32 bytes."""
    if len(salt) != SALT_BYTES:
        raise ValueError("A commitment's salt has 32 bytes.")
    return hashlib.sha256(
        lp(b"ifi/1 commitment") + lp(what.encode()) + lp(salt) + lp(content)
    ).digest()


def commit_to(what: str, salt: bytes, content: Struct) -> bytes:
    """Return the commitment to the canonical bytes of `content`."""
    return commit(what, salt, canonical.encode(content))


def commit_to_tokens(salt: bytes, epoch: int, tokens: Sequence[bytes]) -> bytes:
    """Return the commitment to the token set of `epoch`: the tokens in order, concatenated."""
    return commit("tokens", salt, lp(str(epoch).encode()) + b"".join(tokens))
