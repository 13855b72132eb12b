"""The verifiable oblivious function of RFC 9497 over ristretto255-SHA512, in batches.

The product runs mode 1 (VOPRF) alone; mode 0 (OPRF) stands beside it for the published vectors.
Elements and scalars are concatenated bytes as in protocol.ristretto. Keys and blinds are secret:
no repr and no error shows them.
"""

import enum
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field

from protocol import ristretto
from protocol.ristretto import (
    ELEMENT_BYTES,
    SCALAR_BYTES,
    InvalidElement,
    InvalidScalar,
    VoprfError,
)

__all__ = [
    "ELEMENT_BYTES",
    "LARGEST_BATCH",
    "OUTPUT_BYTES",
    "PROOF_BYTES",
    "SCALAR_BYTES",
    "SEED_BYTES",
    "Blinded",
    "InvalidElement",
    "InvalidScalar",
    "KeyPair",
    "Mode",
    "ProofError",
    "VoprfError",
    "blind",
    "derive_key_pair",
    "evaluate",
    "finalize",
    "prove",
    "public_key",
    "verify",
]

SEED_BYTES = 32
PROOF_BYTES = 2 * SCALAR_BYTES
OUTPUT_BYTES = 64
# The position of an element in a proof, and the length of an input, are two bytes.
LARGEST_BATCH = 2**16 - 1
_LONGEST_INPUT = 2**16 - 1

_SHA512_BLOCK = bytes(128)


class Mode(enum.IntEnum):
    """The protocol variants of RFC 9497 §3.1 that are built; their outputs differ."""

    OPRF = 0
    VOPRF = 1


class ProofError(VoprfError):
    """A proof that does not show that one key, the pinned one, made every evaluated element."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An evaluation key: the secret scalar and the element that is published, 32 bytes each."""

    private_key: bytes = field(repr=False)
    public_key: bytes


@dataclass(frozen=True, slots=True)
class Blinded:
    """What a client keeps (`blinds`, n*32 bytes) and what it sends (`elements`, n*32 bytes)."""

    blinds: bytes = field(repr=False)
    elements: bytes = field(repr=False)


def derive_key_pair(seed: bytes, info: bytes, *, mode: Mode = Mode.VOPRF) -> KeyPair:
    """Derive a key pair from a secret seed of 32 bytes and public `info` (RFC 9497 §3.2.1).

    Raises VoprfError for a seed of another length, or an `info` of 64 KiB or more.
    """
    if len(seed) != SEED_BYTES:
        raise VoprfError(f"expected a seed of 32 bytes, found {len(seed)}")
    if len(info) > _LONGEST_INPUT:
        raise VoprfError(f"expected at most 65535 bytes of info, found {len(info)}")
    material = seed + _framed(info)
    for counter in range(256):
        scalar = _hash_to_scalar(material + bytes([counter]), b"DeriveKeyPair" + _context(mode))
        if any(scalar):
            return KeyPair(scalar, ristretto.multiply_base(scalar))
    raise VoprfError("this seed makes no key: draw another")


def public_key(private_key: bytes) -> bytes:
    """Give the public element of a private key. Raises InvalidScalar."""
    return ristretto.multiply_base(private_key)


def blind(
    inputs: Sequence[bytes], *, blinds: bytes | None = None, mode: Mode = Mode.VOPRF
) -> Blinded:
    """Hide 1 to 65,535 inputs, each of at most 65,535 bytes (RFC 9497 §3.3.1).

    blinds: one scalar per input, fixed by test vectors; None draws them afresh, as always else.

    Raises VoprfError for the number or length of inputs, InvalidScalar for the blinds.
    """
    _refuse_inputs(inputs)
    tag = b"HashToGroup-" + _context(mode)
    elements = ristretto.elements_from_uniform(b"".join([_expand(text, tag) for text in inputs]))
    if blinds is None:
        blinds = ristretto.random_scalars(len(inputs))
    return Blinded(blinds, ristretto.multiply_each(blinds, elements))


def evaluate(private_key: bytes, elements: bytes) -> bytes:
    """Multiply each blinded element (n*32 bytes) by the private key (BlindEvaluate, §3.3.2).

    Raises InvalidScalar for the key, InvalidElement for the elements: all are refused if one is.
    """
    _refuse_batch(elements)
    return ristretto.multiply_all(private_key, elements)


def prove(
    private_key: bytes, elements: bytes, evaluated: bytes, *, r: bytes | None = None
) -> bytes:
    """Prove in 64 bytes that `evaluated` is what `evaluate` made of `elements` (§2.2.1).

    r: the proof's random scalar, fixed by test vectors. Anywhere else leave it None: two proofs
    with one r give the key away.

    Raises InvalidScalar or InvalidElement.
    """
    known = public_key(private_key)
    weighted = _weighted_sum(_weights(known, elements, evaluated), elements)
    weighted_evaluated = ristretto.multiply_all(private_key, weighted)  # ComputeCompositesFast
    secret = ristretto.random_scalars(1) if r is None else r
    challenge = _challenge(
        known,
        weighted,
        weighted_evaluated,
        ristretto.multiply_base(secret),
        ristretto.multiply_all(secret, weighted),
    )
    return challenge + ristretto.subtract_product(secret, challenge, private_key)


def verify(public_key: bytes, elements: bytes, evaluated: bytes, proof: bytes) -> None:
    """Accept `evaluated` if `proof` shows that the holder of `public_key` made it of `elements`.

    RFC 9497 §2.2.2. A scalar of zero in the proof, which an honest prover meets once in 2^252
    proofs, is refused.

    Raises ProofError; InvalidElement if a key or element is none.
    """
    if len(public_key) != ELEMENT_BYTES:
        raise InvalidElement(f"expected a public key of 32 bytes, found {len(public_key)}")
    if len(proof) != PROOF_BYTES:
        raise ProofError(f"expected a proof of 64 bytes, found {len(proof)}")
    try:
        ristretto.count_scalars(proof)
    except InvalidScalar as cause:
        raise ProofError("the proof is not made of two scalars") from cause
    weights = _weights(public_key, elements, evaluated)
    weighted = _weighted_sum(weights, elements)
    weighted_evaluated = _weighted_sum(weights, evaluated)
    challenge, response = proof[:SCALAR_BYTES], proof[SCALAR_BYTES:]
    by_challenge = ristretto.multiply_all(challenge, public_key + weighted_evaluated)
    expected = _challenge(
        public_key,
        weighted,
        weighted_evaluated,
        _sum_or_refuse(ristretto.multiply_base(response) + by_challenge[:ELEMENT_BYTES]),
        _sum_or_refuse(ristretto.multiply_all(response, weighted) + by_challenge[ELEMENT_BYTES:]),
    )
    if not hmac.compare_digest(expected, challenge):
        raise ProofError("the proof is wrong: these elements are not made with the pinned key")


def finalize(inputs: Sequence[bytes], blinds: bytes, evaluated: bytes) -> list[bytes]:
    """Unblind and hash: one output of 64 bytes for each input, in order (RFC 9497 §3.3.1).

    blinds, evaluated: n*32 bytes each, n the number of inputs. Verify the proof first.

    Raises VoprfError for the number or length of inputs, InvalidScalar, InvalidElement.
    """
    _refuse_inputs(inputs)
    if ristretto.count_elements(evaluated) != len(inputs):
        raise InvalidElement(
            f"expected {len(inputs)} evaluated elements, found {len(evaluated) // ELEMENT_BYTES}"
        )
    unblinded = ristretto.multiply_each(ristretto.invert_scalars(blinds), evaluated)
    return [
        hashlib.sha512(
            _framed(text)
            + _framed(unblinded[position * ELEMENT_BYTES : (position + 1) * ELEMENT_BYTES])
            + b"Finalize"
        ).digest()
        for position, text in enumerate(inputs)
    ]


def _refuse_inputs(inputs: Sequence[bytes]) -> None:
    if not 0 < len(inputs) <= LARGEST_BATCH:
        raise VoprfError(f"expected 1 to {LARGEST_BATCH} inputs, found {len(inputs)}")
    if max(map(len, inputs)) > _LONGEST_INPUT:
        raise VoprfError(f"an input is longer than {_LONGEST_INPUT} bytes")


def _refuse_batch(elements: bytes) -> int:
    count = ristretto.count_elements(elements)
    if count > LARGEST_BATCH:
        raise InvalidElement(f"expected at most {LARGEST_BATCH} elements, found {count}")
    return count


def _context(mode: Mode) -> bytes:
    """Give the context string of RFC 9497 §3.1, which keeps the modes' hashes apart."""
    return b"OPRFV1-" + bytes([mode]) + b"-ristretto255-SHA512"


_SCALAR_TAG = b"HashToScalar-" + _context(Mode.VOPRF)
_SEED_TAG = b"Seed-" + _context(Mode.VOPRF)


def _framed(octets: bytes) -> bytes:
    return len(octets).to_bytes(2, "big") + octets


def _expand(message: bytes, tag: bytes) -> bytes:
    """Give 64 uniform bytes: expand_message_xmd with SHA-512 (RFC 9380 §5.3.1), one block."""
    suffix = tag + bytes([len(tag)])
    first = hashlib.sha512(_SHA512_BLOCK + message + b"\x00\x40\x00" + suffix).digest()
    return hashlib.sha512(first + b"\x01" + suffix).digest()


def _hash_to_scalar(message: bytes, tag: bytes = _SCALAR_TAG) -> bytes:
    return ristretto.reduce_scalar(_expand(message, tag))


def _weights(public_key: bytes, elements: bytes, evaluated: bytes) -> bytes:
    """Give the scalar that each pair of elements counts with in the proof (§2.2.1), n*32 bytes."""
    count = _refuse_batch(elements)
    if ristretto.count_elements(evaluated) != count:
        raise InvalidElement(
            f"expected {count} evaluated elements, found {len(evaluated) // ELEMENT_BYTES}"
        )
    seed = _framed(hashlib.sha512(_framed(public_key) + _framed(_SEED_TAG)).digest())
    return b"".join(
        [
            _hash_to_scalar(
                seed
                + position.to_bytes(2, "big")
                + _framed(elements[position * ELEMENT_BYTES : (position + 1) * ELEMENT_BYTES])
                + _framed(evaluated[position * ELEMENT_BYTES : (position + 1) * ELEMENT_BYTES])
                + b"Composite"
            )
            for position in range(count)
        ]
    )


def _weighted_sum(weights: bytes, elements: bytes) -> bytes:
    return _sum_or_refuse(ristretto.multiply_each(weights, elements))


def _sum_or_refuse(elements: bytes) -> bytes:
    """Add elements that are known to be good, so that only a zero sum is left to refuse."""
    try:
        return ristretto.add_all(elements)
    except InvalidElement as cause:
        raise ProofError("the proof is wrong: a sum in it is the identity") from cause


def _challenge(*elements: bytes) -> bytes:
    """Hash the public key, the two weighted sums and the two commitments to a scalar (§2.2.1)."""
    return _hash_to_scalar(b"".join(map(_framed, elements)) + b"Challenge")
