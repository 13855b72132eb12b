"""Entry bundles: exactly the stated number of entries, nothing cut off and nothing behind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.log.bundles import pack, unpack
from protocol.log.errors import BadBundle
from protocol.log.tiles import Bundle
from protocol.merkle import leaf_hash
from tests.protocol.log.trees import VECTORS


@given(entries=st.lists(st.binary(max_size=70), min_size=1, max_size=9))
def test_a_bundle_gives_its_entries_back(entries: list[bytes]) -> None:
    packed = pack(entries)
    assert unpack(Bundle(0, len(entries)), packed) == tuple(entries)
    assert packed == b"".join(pack([entry]) for entry in entries), "bundles grow at the end"


@given(
    entries=st.lists(st.binary(max_size=9), min_size=1, max_size=5),
    data=st.data(),
)
def test_a_bundle_cut_or_continued_anywhere_is_refused(
    entries: list[bytes], data: st.DataObject
) -> None:
    packed = pack(entries)
    cut = data.draw(st.integers(0, len(packed) - 1))
    for content in (packed[:cut], packed + b"\x00", packed + pack([b""])):
        with pytest.raises(BadBundle):
            unpack(Bundle(0, len(entries)), content)


def test_the_largest_entry_fits_and_a_larger_one_does_not() -> None:
    largest = bytes(65_535)
    assert unpack(Bundle(0, 1), pack([largest])) == (largest,)
    with pytest.raises(BadBundle, match="65535"):
        pack([largest + b"\x00"])


def test_the_bundles_of_a_real_log_hold_the_entries_of_its_tiles() -> None:
    """transparency-dev/tessera's test log, at each of its 15 sizes."""
    folder = VECTORS / "tessera_log"
    for width in range(1, 16):
        entries = unpack(Bundle(0, width), (folder / Bundle(0, width).path).read_bytes())
        tile = (folder / f"tile/0/000.p/{width}").read_bytes()
        assert b"".join(leaf_hash(entry) for entry in entries) == tile
