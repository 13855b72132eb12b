"""Inclusion and consistency proofs: made as RFC 6962 §2.1 says, checked as RFC 9162 §2.1 says."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from protocol.log.errors import BadProof, NoSuchProof
from protocol.merkle import EMPTY_ROOT, HASH_BYTES, node_hash


@dataclass(frozen=True, slots=True)
class Head:
    """A state of the tree: how many leaves, and the 32-byte root over them."""

    size: int
    root: bytes


EMPTY = Head(0, EMPTY_ROOT)


class HashReader(Protocol):
    """Gives the hashes of complete subtrees; `tile_tree.TileHashes` reads them from tiles."""

    def complete(self, level: int, index: int) -> bytes:
        """Return the root over the 2^level leaves that start at leaf index * 2^level."""


def tree_head(hashes: HashReader, size: int) -> Head:
    """Return the head of the tree of the first `size` leaves."""
    if size < 0:
        raise NoSuchProof("A tree has no negative size.")
    return Head(size, _range_root(hashes, 0, size)) if size else EMPTY


def inclusion_proof(hashes: HashReader, index: int, size: int) -> tuple[bytes, ...]:
    """Return the proof that leaf `index` is in the tree of the first `size` leaves.

    The hashes run from the leaf's sibling up to the root's child (RFC 6962 §2.1.1).
    Raises NoSuchProof unless 0 <= index < size.
    """
    if not 0 <= index < size:
        raise NoSuchProof(f"A tree of {size} entries has no entry {index}.")
    proof = []
    first, end = 0, size
    while end - first > 1:
        middle = first + _split(end - first)
        if index < middle:
            proof.append(_range_root(hashes, middle, end))
            end = middle
        else:
            proof.append(_range_root(hashes, first, middle))
            first = middle
    return tuple(reversed(proof))


def consistency_proof(hashes: HashReader, old: int, size: int) -> tuple[bytes, ...]:
    """Return the proof that the first `old` leaves of the tree of `size` leaves are its past.

    From size 0, and to the same size, the proof is empty (RFC 6962 §2.1.2, C2SP tlog-witness).
    Raises NoSuchProof unless 0 <= old <= size.
    """
    if not 0 <= old <= size:
        raise NoSuchProof(f"A tree of {size} entries has no past of {old}.")
    if old == 0:
        return ()
    proof = []
    first, end = 0, size
    while old != end:
        middle = first + _split(end - first)
        if old <= middle:
            proof.append(_range_root(hashes, middle, end))
            end = middle
        else:
            proof.append(_range_root(hashes, first, middle))
            first = middle
    # Whoever checks knows the root of the whole old tree, but not that of a part of it.
    if first:
        proof.append(_range_root(hashes, first, end))
    return tuple(reversed(proof))


def check_inclusion(leaf: bytes, index: int, head: Head, proof: Sequence[bytes]) -> None:
    """Check that the leaf with hash `leaf` is number `index` of the tree with head `head`.

    RFC 9162 §2.1.3.2. Raises BadProof.
    """
    _require_hashes([leaf, head.root, *proof])
    if not 0 <= index < head.size:
        raise BadProof(f"A tree of {head.size} entries has no entry {index}.")
    place, last = index, head.size - 1
    root = leaf
    for sibling in proof:
        if last == 0:
            raise BadProof("The inclusion proof is too long.")
        if place & 1 or place == last:
            root = node_hash(sibling, root)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            root = node_hash(root, sibling)
        place, last = place >> 1, last >> 1
    if last:
        raise BadProof("The inclusion proof is too short.")
    if root != head.root:
        raise BadProof("The inclusion proof leads to another root: this entry is not in this tree.")


def check_consistency(old: Head, new: Head, proof: Sequence[bytes]) -> None:
    """Check that the tree with head `old` is the past of the tree with head `new`.

    RFC 9162 §2.1.4.2. An empty tree is the past of every tree, so from size 0 there is nothing
    that a proof could show: it is refused here, and a witness that starts decides for itself.
    Raises BadProof.
    """
    if not 0 < old.size <= new.size:
        raise BadProof(f"No consistency proof leads from size {old.size} to size {new.size}.")
    if old.size == new.size:
        if proof:
            raise BadProof("Between trees of one size the consistency proof is empty.")
        if old.root != new.root:
            raise BadProof("Two trees of one size have different roots: the log shows two pasts.")
        return
    _require_hashes([old.root, new.root, *proof])
    path = list(proof)
    if old.size & (old.size - 1) == 0:
        path.insert(0, old.root)
    if not path:
        raise BadProof("The consistency proof is too short.")
    place, last = old.size - 1, new.size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old_root = new_root = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise BadProof("The consistency proof is too long.")
        if place & 1 or place == last:
            old_root = node_hash(sibling, old_root)
            new_root = node_hash(sibling, new_root)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new_root = node_hash(new_root, sibling)
        place, last = place >> 1, last >> 1
    if last:
        raise BadProof("The consistency proof is too short.")
    if old_root != old.root or new_root != new.root:
        raise BadProof("The consistency proof leads to other roots: the log rewrote its past.")


def _split(count: int) -> int:
    """Return the largest power of two smaller than `count`, which is above 1."""
    return 1 << ((count - 1).bit_length() - 1)


def _range_root(hashes: HashReader, first: int, end: int) -> bytes:
    """Return the root over leaves [first, end), a range that a split of the tree makes."""
    complete = []
    while first < end:
        # A split starts at a multiple of every power of two up to the length of what follows.
        level = (end - first).bit_length() - 1
        complete.append(hashes.complete(level, first >> level))
        first += 1 << level
    root = complete.pop()
    while complete:
        root = node_hash(complete.pop(), root)
    return root


def _require_hashes(hashes: Sequence[bytes]) -> None:
    if any(len(part) != HASH_BYTES for part in hashes):
        raise BadProof(f"Every hash of a proof has {HASH_BYTES} bytes.")
