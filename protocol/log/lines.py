"""Small texts of which the log's formats are made: decimal numbers and base64, one form each."""

import base64
import binascii
import re

from protocol.log.errors import LogError
from protocol.merkle import HASH_BYTES

# C2SP counts in 64 bits; Go's implementations, and SQL's bigint, hold 63.
MAX_SIZE = 2**63 - 1
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


def read_number(text: str, error: type[LogError], what: str) -> int:
    """Return the decimal number, 0 to 2^63 - 1, that is written as exactly `text`.

    Raises `error`, which names the number as `what`, for anything else: a sign, a leading zero.
    """
    if not _NUMBER.fullmatch(text) or int(text) > MAX_SIZE:
        raise error(f"{what} is not a decimal number below 2^63 without leading zeroes.")
    return int(text)


def read_base64(
    text: str, error: type[LogError], what: str, *, left_over_bits: bool = False
) -> bytes:
    """Return the bytes whose standard base64 with padding (RFC 4648 §4) is exactly `text`.

    Raises `error` otherwise, also if the last character carries bits that are not zero, unless
    `left_over_bits` lets those pass.
    """
    try:
        octets = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error) as cause:
        raise error(f"{what} is not standard base64.") from cause
    canonical = write_base64(octets)
    if canonical != text and not (left_over_bits and len(canonical) == len(text)):
        raise error(f"{what} is not standard base64 in the one form its bytes have.")
    return octets


def read_hash(text: str, error: type[LogError], what: str) -> bytes:
    """Return the 32-byte hash whose base64 is `text`; raises `error` otherwise."""
    octets = read_base64(text, error, what)
    if len(octets) != HASH_BYTES:
        raise error(f"{what} has {len(octets)} bytes; a hash has {HASH_BYTES}.")
    return octets


def write_base64(octets: bytes) -> str:
    """Return the standard base64 of `octets`, with padding."""
    return base64.b64encode(octets).decode("ascii")
