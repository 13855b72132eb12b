"""A compact range gives every head on the way, in at most 64 hashes."""

import pytest

from protocol.log.compact_range import CompactRange
from protocol.log.errors import BadProof
from protocol.log.proofs import EMPTY, Head
from tests.protocol.log.trees import leaf, leaves, mth


def test_every_head_of_a_growing_tree_is_the_trees_head() -> None:
    growing = CompactRange()
    assert growing.head() == EMPTY
    for size in range(1, 70):
        growing.append(leaf(size - 1))
        assert growing.head() == Head(size, mth(leaves(size)))
        assert len(growing.roots) == size.bit_count()


def test_a_range_goes_on_from_its_size_and_roots() -> None:
    first = CompactRange()
    first.extend(leaves(300))
    second = CompactRange(first.size, first.roots)
    second.extend(leaves(57, first=300))
    assert second.head() == Head(357, mth(leaves(357)))
    assert first.head() == Head(300, mth(leaves(300)))


@pytest.mark.parametrize(
    ("size", "roots"), [(1, 0), (3, 1), (0, 1), (-1, 1), (2**63 - 1, 62), (4, 2)]
)
def test_a_range_has_one_root_for_each_bit_of_its_size(size: int, roots: int) -> None:
    with pytest.raises(BadProof, match="one root for each bit"):
        CompactRange(size, leaves(roots))


def test_only_hashes_are_taken() -> None:
    with pytest.raises(BadProof, match="32 bytes"):
        CompactRange(1, [b"short"])
    growing = CompactRange()
    with pytest.raises(BadProof, match="32 bytes"):
        growing.append(leaf(0) + b"\x00")
    assert growing.head() == EMPTY
