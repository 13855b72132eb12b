"""From match keys to match tokens, and token sets padded so that their size tells little.

Both sides of every comparison, and an auditor who recomputes one, must get the same bytes here.
"""

import hashlib
import hmac
from collections.abc import Iterable, Sequence

from protocol.encoding import lp

KEY_BYTES = 32
SALT_BYTES = 16
INPUT_BYTES = 32
TOKEN_BYTES = 16
RECORD_TOKENS = 16
RECORD_BYTES = RECORD_TOKENS * TOKEN_BYTES
# The only sizes of a lookup's token set, and of a batch at the evaluator.
LOOKUP_SIZES = (32, 64, 128, 192)
EVALUATION_SIZES = (64, 128, 192, 1024, 4096)

_OUTPUT_BYTES = 64


class TokenError(ValueError):
    """A key, salt, token or set of them that has not the size the protocol gives it."""


def match_input(
    partnership_key: bytes, partnership: str, epoch: int, kind: str, match_key: str
) -> bytes:
    """Give x, the 32 bytes that are blinded for the evaluator, for one match key.

    HMAC-SHA256(partnership_key, lp(partnership) || lp(epoch) || lp(kind) || lp(match_key)).

    Raises TokenError unless `partnership_key` is 32 bytes.
    """
    _expect("the partnership key", partnership_key, KEY_BYTES)
    return _hmac(partnership_key, lp(partnership, epoch, kind, match_key))


def token(output: bytes) -> bytes:
    """Give the match token, 16 bytes, of a VOPRF output of 64 bytes."""
    _expect("a VOPRF output", output, _OUTPUT_BYTES)
    return output[:TOKEN_BYTES]


def pad_record(tokens: Iterable[bytes], pad_key: bytes, handle: bytes, epoch: int) -> bytes:
    """Give the 256 bytes under which a record is published: 16 tokens, sorted, none twice.

    tokens: 1 to 16 of the record's own; what is missing is filled up with padding that the same
    record always gets again: HMAC-SHA256(pad_key, lp("ifi/1 pad") || lp(handle) || lp(epoch) ||
    u32 i)[:16], i = 0, 1, ...
    pad_key: the agency's own secret of 32 bytes.
    handle: the record's handle, as bytes.

    Raises TokenError for no token, more than 16, or a key or token of another size.
    """
    _expect("the padding key", pad_key, KEY_BYTES)
    own = _distinct(tokens)
    if len(own) > RECORD_TOKENS:
        raise TokenError(f"a record carries at most {RECORD_TOKENS} tokens, found {len(own)}")
    padding = _derive(pad_key, lp("ifi/1 pad", handle, epoch), RECORD_TOKENS - len(own))
    return b"".join(sorted(own + [octets[:TOKEN_BYTES] for octets in padding]))


def pad_lookup(tokens: Iterable[bytes], dummy_salt: bytes) -> tuple[bytes, ...]:
    """Give a lookup's token set: sorted, none twice, filled up to the next of LOOKUP_SIZES.

    tokens: 1 to 192 match tokens. Dummies are
    HMAC-SHA256(dummy_salt, lp("ifi/1 dummy") || u32 i)[:16], i = 0, 1, ...
    dummy_salt: 16 random bytes, opened to an auditor together with the particulars.

    Raises TokenError for no token, more than 192, or a salt or token of another size.
    """
    _expect("the salt of dummies", dummy_salt, SALT_BYTES)
    own = _distinct(tokens)
    missing = padded_size(len(own), LOOKUP_SIZES) - len(own)
    dummies = _derive(dummy_salt, lp("ifi/1 dummy"), missing)
    return tuple(sorted(own + [octets[:TOKEN_BYTES] for octets in dummies]))


def dummy_inputs(salt: bytes, count: int) -> tuple[bytes, ...]:
    """Give `count` (0 or more) inputs of 32 bytes that fill up a batch for the evaluator.

    HMAC-SHA256(salt, lp("ifi/1 dummy input") || u32 i), i = 0, 1, ...; salt: 16 random bytes.
    """
    _expect("the salt of dummies", salt, SALT_BYTES)
    return tuple(_derive(salt, lp("ifi/1 dummy input"), count))


def padded_size(count: int, sizes: Sequence[int]) -> int:
    """Give the smallest of `sizes` (ascending) that holds `count`, 1 or more.

    Raises TokenError if none does.
    """
    if not 0 < count <= sizes[-1]:
        raise TokenError(f"expected 1 to {sizes[-1]} tokens, found {count}")
    return next(size for size in sizes if size >= count)


def _distinct(tokens: Iterable[bytes]) -> list[bytes]:
    distinct = list(set(tokens))
    for one in distinct:
        _expect("a match token", one, TOKEN_BYTES)
    if not distinct:
        raise TokenError("expected one token or more, found none")
    return distinct


def _derive(key: bytes, label: bytes, count: int) -> list[bytes]:
    return [_hmac(key, label + position.to_bytes(4, "big")) for position in range(count)]


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, hashlib.sha256)


def _expect(what: str, octets: bytes, size: int) -> None:
    if len(octets) != size:
        raise TokenError(f"expected {what} of {size} bytes, found {len(octets)}")
