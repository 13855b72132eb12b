"""A tree that only grows, held as the roots of its complete left subtrees: at most 64 hashes."""

from collections.abc import Iterable, Sequence

from protocol.log.errors import BadProof
from protocol.log.proofs import EMPTY, Head
from protocol.merkle import HASH_BYTES, node_hash


class CompactRange:
    """The first `size` leaves of a tree, to which leaf hashes are appended one after the other.

    Whoever reads a whole log computes every head on the way in constant memory. `size` and
    `roots`, largest subtree first, are the whole state: keep both to go on later.
    """

    __slots__ = ("_roots", "_size")

    def __init__(self, size: int = 0, roots: Sequence[bytes] = ()) -> None:
        """Take up a range again; BadProof if there cannot be one of this size with these roots."""
        if size < 0 or len(roots) != size.bit_count():
            raise BadProof("A compact range has one root for each bit of its size.")
        if any(len(root) != HASH_BYTES for root in roots):
            raise BadProof(f"Every root of a compact range has {HASH_BYTES} bytes.")
        self._size = size
        self._roots = list(roots)

    @property
    def size(self) -> int:
        """How many leaves have been appended."""
        return self._size

    @property
    def roots(self) -> tuple[bytes, ...]:
        """The roots of the complete subtrees from the left, one per bit of the size."""
        return tuple(self._roots)

    def append(self, leaf: bytes) -> None:
        """Append one leaf hash, 32 bytes."""
        self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Append leaf hashes, 32 bytes each, in their order; BadProof for another length."""
        roots = self._roots
        for leaf in leaves:
            if len(leaf) != HASH_BYTES:
                raise BadProof(f"A leaf hash has {HASH_BYTES} bytes.")
            root = leaf
            pairs = self._size
            while pairs & 1:
                root = node_hash(roots.pop(), root)
                pairs >>= 1
            roots.append(root)
            self._size += 1

    def head(self) -> Head:
        """Return the head of the tree of what was appended so far."""
        if not self._roots:
            return EMPTY
        root = self._roots[-1]
        for left in reversed(self._roots[:-1]):
            root = node_hash(left, root)
        return Head(self._size, root)
