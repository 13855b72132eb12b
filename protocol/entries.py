"""Log entries as bytes: made once, hashed as leaves, and read back strictly."""

import secrets

from protocol import canonical
from protocol.encoding import b64u_encode
from schemas.entries import Entry

# C2SP tlog-tiles: an entry bundle gives each entry a 16-bit length.
MAX_ENTRY_BYTES = 65_535


class EntryTooLarge(ValueError):
    """The entry would not fit an entry bundle, so it must not be recorded."""


def entry_bytes(entry: Entry) -> bytes:
    """Return the canonical bytes of `entry`; EntryTooLarge beyond 65,535."""
    encoded = canonical.encode(entry)
    if len(encoded) > MAX_ENTRY_BYTES:
        raise EntryTooLarge(
            f"A log entry has at most {MAX_ENTRY_BYTES} bytes; this: {len(encoded)}."
        )
    return encoded


def read_entry(data: bytes) -> Entry:
    """Return the entry whose canonical bytes are `data`; canonical.NotCanonical otherwise."""
    return canonical.decode(data, Entry)  # type: ignore[arg-type]  # a union is a type to msgspec


def new_entry_salt() -> str:
    """Return the 16 random bytes that make an entry's leaf hash impossible to guess."""
    return b64u_encode(secrets.token_bytes(16))
