"""The Merkle tree hash of RFC 6962 §2.1."""

import hashlib
from collections.abc import Sequence

HASH_BYTES = 32
# The root of a tree without leaves.
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """Return SHA-256(0x00 || entry), the 32-byte hash of a leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 || left || right), the 32-byte hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def tree_root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over `leaves`, which are leaf hashes; of none it is SHA-256("")."""
    if not leaves:
        return EMPTY_ROOT
    level = list(leaves)
    # Pairing from the left and carrying an odd last node up gives the same tree as splitting
    # at the largest power of two smaller than n.
    while len(level) > 1:
        paired = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        if len(level) % 2:
            paired.append(level[-1])
        level = paired
    return level[0]
