"""How tokens might be made, as far as a thief can think: hashes, HMACs and VOPRFs of every kind.

A thief who knows our code tries the real scheme first; the rest is for what a mistake would leave
behind: a step left out, an empty key, a key of another purpose, a hash of the match key itself.
"""

import hashlib
import hmac
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from agency_connector.matching.scheme import MatchKey
from protocol import ristretto, voprf
from protocol.encoding import lp
from protocol.tokens import KEY_BYTES, match_input
from protocol.voprf import ELEMENT_BYTES, SCALAR_BYTES, Mode

_HASHES: Final[tuple[Any, ...]] = (
    hashlib.md5, hashlib.sha1, hashlib.sha256, hashlib.sha384, hashlib.sha512, hashlib.sha3_256,
    hashlib.blake2b, hashlib.blake2s,
)  # fmt: skip
_KEYED: Final = ("sha256", "sha512", "sha1", "md5")
_SALTED: Final[tuple[Any, ...]] = (hashlib.sha256, hashlib.sha512, hashlib.md5)
_BATCH: Final = 4096
ONE: Final = (1).to_bytes(SCALAR_BYTES, "little")
NO_SECRETS: Final = {
    "no key": b"",
    "a key of zeros": bytes(KEY_BYTES),
    "a key of ones": b"\xff" * KEY_BYTES,
    "a wrong key": hashlib.sha256(b"a key that nobody has").digest(),
}
"""Keys that need no theft."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """What everybody with the index's database knows of an epoch, from its signed descriptor."""

    partnership: str
    epoch: int


def texts(key: MatchKey, epoch: Epoch) -> tuple[bytes, ...]:
    """Return what is hashed for a match key, and what would be if framing was left out."""
    return (
        key.value.encode(),
        lp(key.kind, key.value),
        lp(epoch.partnership, epoch.epoch, key.kind, key.value),
    )


def odd_texts(key: MatchKey) -> tuple[bytes, ...]:
    """Return further texts that somebody might have hashed for a match key."""
    value, kind = key.value, key.kind
    return (
        value.replace("|", "").encode(),
        value.replace("|", " ").encode(),
        value.upper().encode(),
        f"{kind}|{value}".encode(),
        f"{kind}:{value}".encode(),
    )


def name_texts(name: str, agency: str, epoch: Epoch) -> tuple[bytes, ...]:
    """Return what might have been hashed for a case number, or for an officer of `agency`."""
    return (
        name.encode(),
        name.upper().encode(),
        f"{agency}|{name}".encode(),
        lp("ifi/1 handle", epoch.partnership, epoch.epoch, "cases", name),
        lp("ifi/1 officer", agency, name),
    )


def digests(text: bytes, keys: Mapping[str, bytes]) -> Iterator[bytes]:
    """Yield the plain hashes of `text`, its hashes salted with each key, and its HMACs."""
    for algorithm in _HASHES:
        yield algorithm(text).digest()
    yield hashlib.sha256(hashlib.sha256(text).digest()).digest()
    for key in keys.values():
        for algorithm in _SALTED:
            yield algorithm(key + text).digest()
            yield algorithm(text + key).digest()
        for name in _KEYED:
            yield hmac.digest(key, text, name)


def inputs(key: MatchKey, epoch: Epoch, keys: Mapping[str, bytes]) -> tuple[bytes, ...]:
    """Return what might have been put into the VOPRF for a match key: x, or x with a step missing.

    With the partnership key among `keys` the true x is one of them.
    """
    framed = lp(epoch.partnership, epoch.epoch, key.kind, key.value)
    made = [
        match_input(one, epoch.partnership, epoch.epoch, key.kind, key.value)
        if len(one) == KEY_BYTES
        else hmac.digest(one, framed, hashlib.sha256)
        for one in keys.values()
    ]
    return (*made, framed, lp(key.kind, key.value), key.value.encode())


def outputs(
    told: Sequence[bytes], scalars: Collection[bytes], modes: Sequence[Mode]
) -> Iterator[tuple[int, bytes]]:
    """Yield the place of each input with what the VOPRF makes of it under each key and mode.

    The thief skips blinding, which hides inputs from the evaluator and is nothing to him. Beside
    the output the bare element is yielded, in case somebody kept that.
    """
    for mode in modes:
        for start in range(0, len(told), _BATCH):
            some = told[start : start + _BATCH]
            elements = voprf.blind(some, blinds=ONE * len(some), mode=mode).elements
            for scalar in scalars:
                evaluated = elements if scalar == ONE else voprf.evaluate(scalar, elements)
                for place, text in enumerate(some):
                    element = evaluated[place * ELEMENT_BYTES : (place + 1) * ELEMENT_BYTES]
                    yield start + place, element
                    yield start + place, _finalized(text, element)


def scalars_of(secrets: Mapping[str, bytes]) -> frozenset[bytes]:
    """Return the VOPRF keys that a thief could make of other secrets: reduced, and derived."""
    made = set()
    for secret in secrets.values():
        if len(secret) == SCALAR_BYTES and any(secret):
            made.add(ristretto.reduce_scalar(secret + bytes(SCALAR_BYTES)))
            made.add(voprf.derive_key_pair(secret, b"").private_key)
    return frozenset(made)


def _finalized(text: bytes, element: bytes) -> bytes:
    framed = len(text).to_bytes(2, "big") + text + len(element).to_bytes(2, "big") + element
    return hashlib.sha512(framed + b"Finalize").digest()
