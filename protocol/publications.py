"""What a publication statement commits to: the items of its batch."""

from protocol import canonical
from protocol.merkle import leaf_hash, tree_root
from schemas.flags import Flag, Withdrawal


def items_root(items: tuple[Flag, ...] | tuple[Withdrawal, ...]) -> bytes:
    """Return the RFC 6962 root over the canonical bytes of a batch's items, in order."""
    return tree_root([leaf_hash(canonical.encode(item)) for item in items])
