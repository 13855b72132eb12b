"""Log entries as bytes: made once, hashed as leaves, and read back strictly."""

import secrets
from typing import Final

import msgspec

from protocol import canonical
from protocol.encoding import b64u_encode
from schemas.entries import Entry

# C2SP tlog-tiles: an entry bundle gives each entry a 16-bit length.
MAX_ENTRY_BYTES = 65_535
_DECODER: Final = msgspec.json.Decoder(Entry)
# For structs with ASCII names, without floats and with bounded integers, msgspec's order is
# RFC 8785's; what it does not reproduce byte for byte is left to `canonical`.
_SORTED: Final = msgspec.json.Encoder(order="sorted")


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
    try:
        entry: Entry = _DECODER.decode(data)
        if _SORTED.encode(entry) == data:
            return entry
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    return canonical.decode(data, Entry)  # type: ignore[arg-type]  # a union is a type to msgspec


def new_entry_salt() -> str:
    """Return the 16 random bytes that make an entry's leaf hash impossible to guess."""
    return b64u_encode(secrets.token_bytes(16))
