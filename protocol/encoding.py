"""Bytes into bytes and text, one way only: length prefixes for hashing, base64url for JSON."""

import base64
import string

_LONGEST_PART = 2**32 - 1
_ALPHABET = f"{string.ascii_letters}{string.digits}-_".encode()


class EncodingError(ValueError):
    """Text that is not the one base64url form of some bytes. Its message never holds the text."""


def lp(*parts: bytes | str | int) -> bytes:
    """Join `parts`, each behind its length as four big-endian bytes, so that no two lists collide.

    Text is taken as UTF-8 and a number (an epoch, 0 or more) as decimal ASCII.

    Raises ValueError for a negative number and for text that has no UTF-8 form.
    """
    joined = bytearray()
    for part in parts:
        octets = _octets(part)
        if len(octets) > _LONGEST_PART:
            raise ValueError("a length-prefixed part must be shorter than 4 GiB")
        joined += len(octets).to_bytes(4, "big") + octets
    return bytes(joined)


def _octets(part: bytes | str | int) -> bytes:
    if isinstance(part, str):
        return part.encode()
    if isinstance(part, int):
        if isinstance(part, bool) or part < 0:
            raise ValueError("a length-prefixed number must be an integer of 0 or more")
        return b"%d" % part
    return bytes(part)


def b64u_encode(octets: bytes) -> str:
    """Give `octets` as base64url without padding (RFC 4648 section 5)."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def b64u_decode(text: str, length: int | None = None) -> bytes:
    """Give the bytes that `b64u_encode` writes as exactly `text`.

    length: how many bytes there must be; None leaves it open.

    Raises EncodingError for padding, any character outside the alphabet, left-over bits that are
    not zero (RFC 4648 section 3.5), and a wrong length.
    """
    if not text.isascii() or text.encode().translate(None, _ALPHABET):
        raise EncodingError("not base64url: use A-Z a-z 0-9 - _ and no padding")
    if len(text) % 4 == 1:
        raise EncodingError(f"not base64url: no bytes are written as {len(text)} characters")
    octets = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if b64u_encode(octets) != text:
        raise EncodingError("not base64url: the last character carries bits that are not zero")
    if length is not None and len(octets) != length:
        raise EncodingError(f"expected {length} bytes in base64url, found {len(octets)}")
    return octets
