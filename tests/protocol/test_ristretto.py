"""protocol.ristretto: what libsodium lets through and this module does not."""

import sys
import threading
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import ristretto
from protocol.ristretto import ORDER, InvalidElement, InvalidScalar

PRIME = 2**255 - 19
IDENTITY = bytes(32)


def scalar(value: int) -> bytes:
    return value.to_bytes(32, "little")


def element(value: int = 5) -> bytes:
    return ristretto.multiply_base(scalar(value))


GOOD = element()

TAKES_ELEMENTS: list[Callable[[bytes], object]] = [
    ristretto.count_elements,
    lambda elements: ristretto.multiply_all(scalar(2), elements),
    lambda elements: ristretto.multiply_each(scalar(2) * (len(elements) // 32), elements),
    ristretto.add_all,
]
DECODES_ELEMENTS = TAKES_ELEMENTS[1:]
TAKES_A_SCALAR: list[Callable[[bytes], object]] = [
    ristretto.count_scalars,
    ristretto.multiply_base,
    ristretto.invert_scalars,
    lambda value: ristretto.multiply_all(value, GOOD),
    lambda value: ristretto.multiply_each(value, GOOD),
    lambda value: ristretto.subtract_product(value, scalar(2), scalar(3)),
    lambda value: ristretto.subtract_product(scalar(2), value, scalar(3)),
    lambda value: ristretto.subtract_product(scalar(2), scalar(3), value),
]
TAKES_ONE_SCALAR = [TAKES_A_SCALAR[i] for i in (1, 3, 5, 6, 7)]


@pytest.mark.parametrize("use", TAKES_ELEMENTS)
@pytest.mark.parametrize("size", [0, 1, 31, 33, 63])
def test_elements_are_whole_blocks_of_32_bytes(use: Callable[[bytes], object], size: int) -> None:
    with pytest.raises(InvalidElement, match="32 bytes"):
        use((GOOD * 2)[:size])


@pytest.mark.parametrize("use", TAKES_ELEMENTS)
@pytest.mark.parametrize("position", [0, 1])
def test_bit_255_of_an_element_is_not_ignored(
    use: Callable[[bytes], object], position: int
) -> None:
    """libsodium 1.0.18 drops it, so that every element would have two encodings."""
    second = GOOD[:31] + bytes([GOOD[31] | 0x80])
    elements = [element(7), element(9)]
    elements[position] = second
    with pytest.raises(InvalidElement, match="canonical"):
        use(b"".join(elements))


BAD_ENCODINGS = {
    "the identity": IDENTITY,
    "a negative field element": scalar(PRIME - int.from_bytes(GOOD, "little")),
    "the field's prime, a second zero": scalar(PRIME),
    "the prime and one": scalar(PRIME + 1),
    "the greatest 255-bit number": scalar(2**255 - 1),
    "one whose square root is none": scalar(8),
    "one whose point has a negative xy": scalar(2),
    "minus one, whose point has y = 0": scalar(PRIME - 1),
}


@pytest.mark.parametrize("use", DECODES_ELEMENTS)
@pytest.mark.parametrize("bad", BAD_ENCODINGS.values(), ids=BAD_ENCODINGS.keys())
@pytest.mark.parametrize("place", ["first", "last", "alone"])
def test_bytes_that_encode_no_element_are_refused(
    use: Callable[[bytes], object], bad: bytes, place: str
) -> None:
    """RFC 9496 §4.3.1; a refusal of one is a refusal of all."""
    elements = {"first": bad + element(7), "last": element(7) + bad, "alone": bad}[place]
    with pytest.raises(InvalidElement):
        use(elements)


def test_additions_never_give_the_identity() -> None:
    """P + (-P), also on the way to another sum; libsodium gives and takes it without a word."""
    minus = element(ORDER - 5)
    for elements in (GOOD + minus, GOOD + minus + element(7)):
        with pytest.raises(InvalidElement, match="add up to the identity"):
            ristretto.add_all(elements)


@pytest.mark.parametrize("block", [0, 1])
def test_mapping_never_gives_the_identity(block: int) -> None:
    """64 zero bytes map to it."""
    blocks = [b"\x01" * 64, b"\x02" * 64]
    blocks[block] = bytes(64)
    with pytest.raises(InvalidElement, match=f"block {block} of 2 maps to the identity"):
        ristretto.elements_from_uniform(b"".join(blocks))


@pytest.mark.parametrize("size", [0, 32, 63, 65])
def test_mapping_takes_whole_blocks_of_64_bytes(size: int) -> None:
    with pytest.raises(InvalidElement, match="64 bytes"):
        ristretto.elements_from_uniform(b"\x01" * size)


@pytest.mark.parametrize("use", TAKES_A_SCALAR)
@pytest.mark.parametrize("size", [0, 31, 33])
def test_scalars_are_32_bytes(use: Callable[[bytes], object], size: int) -> None:
    with pytest.raises(InvalidScalar, match="32 bytes"):
        use(b"\x01" * size)


@pytest.mark.parametrize("use", TAKES_ONE_SCALAR)
def test_where_one_scalar_is_wanted_two_are_refused(use: Callable[[bytes], object]) -> None:
    with pytest.raises(InvalidScalar, match="one scalar"):
        use(scalar(2) + scalar(3))


@pytest.mark.parametrize("use", TAKES_A_SCALAR)
@pytest.mark.parametrize(
    "value",
    [0, ORDER, ORDER + 1, 5 + ORDER, 5 + 2**255, 2**256 - 1],
    ids=["zero", "order", "order+1", "5+order", "5 with bit 255", "greatest"],
)
def test_scalars_lie_between_zero_and_the_order(use: Callable[[bytes], object], value: int) -> None:
    """libsodium takes all of these but zero, and means a smaller number."""
    with pytest.raises(InvalidScalar, match="zero or not below"):
        use(scalar(value))


@pytest.mark.parametrize("position", [0, 1, 2])
@pytest.mark.parametrize("value", [0, ORDER])
def test_every_scalar_of_a_batch_is_checked(position: int, value: int) -> None:
    """One zero would turn every inverse of the batch into zero."""
    scalars = [scalar(2), scalar(3), scalar(4)]
    scalars[position] = scalar(value)
    for use in (
        ristretto.invert_scalars,
        lambda batch: ristretto.multiply_each(batch, GOOD * 3),
    ):
        with pytest.raises(InvalidScalar, match=f"scalar {position} of 3"):
            use(b"".join(scalars))


@pytest.mark.parametrize("count", [1, 3])
def test_pairs_need_as_many_scalars_as_elements(count: int) -> None:
    with pytest.raises(InvalidScalar, match="expected 2 scalars"):
        ristretto.multiply_each(scalar(2) * count, GOOD * 2)


@pytest.mark.parametrize("value", [1, 2, ORDER - 1])
def test_the_ends_of_the_range_are_in_it(value: int) -> None:
    assert ristretto.multiply_all(scalar(value), GOOD) == element(5 * value % ORDER)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, ORDER - 1), min_size=1, max_size=9))
def test_batch_inversion_inverts_each(values: list[int]) -> None:
    inverses = ristretto.invert_scalars(b"".join(map(scalar, values)))
    assert inverses == b"".join(scalar(pow(value, -1, ORDER)) for value in values)


@given(st.integers(1, ORDER - 1), st.integers(1, ORDER - 1), st.integers(1, ORDER - 1))
def test_scalar_arithmetic_is_modulo_the_order(first: int, second: int, third: int) -> None:
    difference = ristretto.subtract_product(scalar(first), scalar(second), scalar(third))
    assert difference == scalar((first - second * third) % ORDER)


@given(st.binary(min_size=64, max_size=64))
def test_reduction_is_modulo_the_order(uniform: bytes) -> None:
    reduced = int.from_bytes(uniform, "little") % ORDER
    assert ristretto.reduce_scalar(uniform) == scalar(reduced)


@pytest.mark.parametrize("size", [0, 32, 63, 65])
def test_reduction_takes_64_bytes(size: int) -> None:
    with pytest.raises(InvalidScalar, match="64 bytes"):
        ristretto.reduce_scalar(bytes(size))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 2**40), min_size=1, max_size=6))
def test_elements_multiply_and_add_as_their_scalars_do(values: list[int]) -> None:
    scalars = b"".join(map(scalar, values))
    elements = b"".join(map(element, values))
    assert ristretto.multiply_each(scalars, GOOD * len(values)) == b"".join(
        element(5 * value) for value in values
    )
    assert ristretto.multiply_all(scalar(5), elements) == b"".join(
        element(5 * value) for value in values
    )
    assert ristretto.add_all(elements) == element(sum(values))


def test_random_scalars_are_in_range_and_differ() -> None:
    scalars = ristretto.random_scalars(50)
    assert ristretto.count_scalars(scalars) == 50
    assert len({scalars[i : i + 32] for i in range(0, len(scalars), 32)}) == 50


def test_work_on_elements_releases_the_gil() -> None:
    """Another thread goes on meanwhile, though Python itself would not switch for an hour."""
    elements = element(7) * 300
    done = threading.Event()

    def work() -> None:
        ristretto.multiply_all(scalar(3), elements)
        ristretto.add_all(elements[:64])
        done.set()

    usual = sys.getswitchinterval()
    sys.setswitchinterval(3600)
    try:
        worker = threading.Thread(target=work)
        worker.start()
        turns = 0
        while not done.is_set():
            turns += 1
            time.sleep(0)
        worker.join()
    finally:
        sys.setswitchinterval(usual)
    assert turns > 10
