"""Entry bundles: entries behind 16-bit big-endian lengths, as C2SP tlog-tiles serves them."""

from collections.abc import Iterable

from protocol.entries import MAX_ENTRY_BYTES
from protocol.log.errors import BadBundle
from protocol.log.tiles import Bundle

_LENGTH_BYTES = 2


def pack(entries: Iterable[bytes]) -> bytes:
    """Return the bundle of `entries`; BadBundle for one of more than 65,535 bytes.

    A wider bundle of the same index is the narrower one with more entries packed behind it.
    """
    packed = bytearray()
    for entry in entries:
        if len(entry) > MAX_ENTRY_BYTES:
            raise BadBundle(f"An entry in a bundle has at most {MAX_ENTRY_BYTES} bytes.")
        packed += len(entry).to_bytes(_LENGTH_BYTES, "big") + entry
    return bytes(packed)


def unpack(bundle: Bundle, content: bytes) -> tuple[bytes, ...]:
    """Return the entries of `bundle`; BadBundle unless `content` is exactly `bundle.width` entries.

    The bytes are not trusted: each entry's leaf hash must stand in the level-0 tile, or the leaf
    hashes must make the signed root.
    """
    entries = []
    position = 0
    for _ in range(bundle.width):
        start = position + _LENGTH_BYTES
        # A length cut in half reads as a number all the same, but then the end is beyond too.
        position = start + int.from_bytes(content[position:start], "big")
        if position > len(content):
            raise BadBundle(f"{bundle.path} ends before its {bundle.width} entries do.")
        entries.append(content[start:position])
    if position != len(content):
        raise BadBundle(f"{bundle.path} goes on after its {bundle.width} entries.")
    return tuple(entries)
