"""The group ristretto255 (RFC 9496) and its scalars, as bytes, by libsodium.

Elements and scalars are 32 bytes each; many of them are one concatenated `bytes` of n*32. libsodium
leaves checks to its caller: it takes scalars of the group's order and above, ignores bit 255 of
scalars and elements, and lets the identity into and out of additions. Everything that enters here
is therefore checked here: the length, a scalar's range 1..order-1, an element's bit 255, its
decoding, and that it is not the identity. No message of an error holds a scalar or an element.

Calls that work on elements (tens of microseconds) release the GIL. Those that work on scalars alone
take half a microsecond and keep it: giving it up would cost up to Python's switch interval, 5 ms.
"""

import ctypes
from typing import Final

from protocol import libsodium

ELEMENT_BYTES: Final = 32
SCALAR_BYTES: Final = 32
UNIFORM_BYTES: Final = 64
ORDER: Final = 2**252 + 27742317777372353535851937790883648493

_IDENTITY = bytes(ELEMENT_BYTES)


class VoprfError(ValueError):
    """What the arithmetic or the protocol refuses."""


class InvalidElement(VoprfError):
    """Bytes that are no element of the group, or are its identity."""


class InvalidScalar(VoprfError):
    """Bytes that are no scalar from 1 to the group's order less 1, in their one encoding."""


_sodium = libsodium.sodium()
_sodium_with_gil = ctypes.PyDLL("libsodium", handle=_sodium._handle)


def _bind(library: ctypes.CDLL, name: str, arguments: int) -> "ctypes._NamedFuncPointer":
    function = library[name]
    function.argtypes = [ctypes.c_void_p] * arguments
    function.restype = ctypes.c_int
    return function


_scalarmult = _bind(_sodium, "crypto_scalarmult_ristretto255", 3)
_scalarmult_base = _bind(_sodium, "crypto_scalarmult_ristretto255_base", 2)
_is_valid_point = _bind(_sodium, "crypto_core_ristretto255_is_valid_point", 1)
_add = _bind(_sodium, "crypto_core_ristretto255_add", 3)
_from_hash = _bind(_sodium, "crypto_core_ristretto255_from_hash", 2)
_scalar_random = _bind(_sodium_with_gil, "crypto_core_ristretto255_scalar_random", 1)
_scalar_reduce = _bind(_sodium_with_gil, "crypto_core_ristretto255_scalar_reduce", 2)
_scalar_mul = _bind(_sodium_with_gil, "crypto_core_ristretto255_scalar_mul", 3)
_scalar_sub = _bind(_sodium_with_gil, "crypto_core_ristretto255_scalar_sub", 3)
_scalar_invert = _bind(_sodium_with_gil, "crypto_core_ristretto255_scalar_invert", 2)
for _void in (_scalar_random, _scalar_reduce, _scalar_mul, _scalar_sub):
    _void.restype = None


def _address(octets: bytes) -> int:
    """Where `octets` lie. The caller keeps a reference to them for as long as it uses this."""
    return ctypes.cast(ctypes.c_char_p(octets), ctypes.c_void_p).value or 0


def count_elements(elements: bytes) -> int:
    """Count concatenated elements, one or more; refuse those that use bit 255 (RFC 9496 §4.3.1).

    What remains of decoding, libsodium does wherever an element is used. Raises InvalidElement.
    """
    count, rest = divmod(len(elements), ELEMENT_BYTES)
    if rest or not count:
        raise InvalidElement(f"expected one or more elements of 32 bytes, found {len(elements)}")
    if max(elements[ELEMENT_BYTES - 1 :: ELEMENT_BYTES]) > 0x7F:
        raise InvalidElement("an element is not in canonical form: its bit 255 is set")
    return count


def count_scalars(scalars: bytes) -> int:
    """Count concatenated scalars, one or more, each from 1 to the order less 1, little-endian.

    Raises InvalidScalar.
    """
    count, rest = divmod(len(scalars), SCALAR_BYTES)
    if rest or not count:
        raise InvalidScalar(f"expected one or more scalars of 32 bytes, found {len(scalars)}")
    for offset in range(0, len(scalars), SCALAR_BYTES):
        if not 0 < int.from_bytes(scalars[offset : offset + SCALAR_BYTES], "little") < ORDER:
            raise InvalidScalar(
                f"scalar {offset // SCALAR_BYTES} of {count} is zero or not below the group's order"
            )
    return count


def _one_scalar(scalar: bytes) -> int:
    if len(scalar) != SCALAR_BYTES:
        raise InvalidScalar(f"expected one scalar of 32 bytes, found {len(scalar)}")
    count_scalars(scalar)
    return _address(scalar)


def multiply_all(scalar: bytes, elements: bytes) -> bytes:
    """Multiply each of n elements (n*32 bytes) by one scalar; give n*32 bytes.

    Raises InvalidScalar or InvalidElement.
    """
    return _multiply(_one_scalar(scalar), 0, elements, count_elements(elements))


def multiply_each(scalars: bytes, elements: bytes) -> bytes:
    """Multiply n elements (n*32 bytes) by n scalars (n*32 bytes), in pairs; give n*32 bytes.

    Raises InvalidScalar or InvalidElement, also when there are not as many of one as of the other.
    """
    count = count_elements(elements)
    if count_scalars(scalars) != count:
        raise InvalidScalar(f"expected {count} scalars, found {len(scalars) // SCALAR_BYTES}")
    return _multiply(_address(scalars), SCALAR_BYTES, elements, count)


def _multiply(scalar: int, stride: int, elements: bytes, count: int) -> bytes:
    # The hot path: addresses, no slices. libsodium refuses an element it cannot decode, and an
    # identity that comes out, which a scalar in range makes of the identity alone.
    products = ctypes.create_string_buffer(count * ELEMENT_BYTES)
    product, element = ctypes.addressof(products), _address(elements)
    for position in range(count):
        if _scalarmult(product, scalar, element):
            raise InvalidElement(f"element {position} of {count} is not in the group, or is zero")
        product += ELEMENT_BYTES
        scalar += stride
        element += ELEMENT_BYTES
    return products.raw


def multiply_base(scalar: bytes) -> bytes:
    """Multiply the group's generator by a scalar; give one element. Raises InvalidScalar."""
    product = ctypes.create_string_buffer(ELEMENT_BYTES)
    if _scalarmult_base(ctypes.addressof(product), _one_scalar(scalar)):
        raise InvalidScalar("the scalar makes the identity of the generator")
    return product.raw


def add_all(elements: bytes) -> bytes:
    """Add n elements (n*32 bytes) up to one.

    Raises InvalidElement, also when the identity is among them or is a sum on the way.
    """
    count = count_elements(elements)
    total = ctypes.create_string_buffer(elements[:ELEMENT_BYTES], ELEMENT_BYTES)
    here, element = ctypes.addressof(total), _address(elements)
    for position in range(count):
        start = position * ELEMENT_BYTES
        if elements[start : start + ELEMENT_BYTES] == _IDENTITY:
            raise InvalidElement(f"element {position} of {count} is the identity")
        refused = _add(here, here, element + start) if position else not _is_valid_point(here)
        if refused:
            raise InvalidElement(f"element {position} of {count} is not in the group")
        if total.raw == _IDENTITY:
            raise InvalidElement(f"the first {position + 1} elements add up to the identity")
    return total.raw


def elements_from_uniform(uniform: bytes) -> bytes:
    """Map n blocks of 64 uniform bytes (n*64) to n elements (RFC 9496 §4.3.4); give n*32 bytes.

    Raises InvalidElement for an incomplete block, for none, and when the identity comes out.
    """
    count, rest = divmod(len(uniform), UNIFORM_BYTES)
    if rest or not count:
        raise InvalidElement(f"expected one or more blocks of 64 bytes, found {len(uniform)}")
    elements = ctypes.create_string_buffer(count * ELEMENT_BYTES)
    element, block = ctypes.addressof(elements), _address(uniform)
    for _ in range(count):
        _from_hash(element, block)
        element += ELEMENT_BYTES
        block += UNIFORM_BYTES
    mapped = elements.raw
    for start in range(0, len(mapped), ELEMENT_BYTES):
        if mapped[start : start + ELEMENT_BYTES] == _IDENTITY:
            raise InvalidElement(f"block {start // ELEMENT_BYTES} of {count} maps to the identity")
    return mapped


def random_scalars(count: int) -> bytes:
    """Draw `count` scalars evenly from 1 to the order less 1; give count*32 bytes."""
    scalars = ctypes.create_string_buffer(count * SCALAR_BYTES)
    for offset in range(0, count * SCALAR_BYTES, SCALAR_BYTES):
        _scalar_random(ctypes.addressof(scalars) + offset)
    return scalars.raw


def reduce_scalar(uniform: bytes) -> bytes:
    """Take 64 bytes, little-endian, modulo the order; give 32 bytes, which may be zero."""
    if len(uniform) != UNIFORM_BYTES:
        raise InvalidScalar(f"expected 64 bytes to reduce, found {len(uniform)}")
    scalar = ctypes.create_string_buffer(SCALAR_BYTES)
    _scalar_reduce(ctypes.addressof(scalar), _address(uniform))
    return scalar.raw


def subtract_product(minuend: bytes, left: bytes, right: bytes) -> bytes:
    """Give minuend - left*right modulo the order, 32 bytes, which may be zero.

    Raises InvalidScalar.
    """
    difference = ctypes.create_string_buffer(SCALAR_BYTES)
    here = ctypes.addressof(difference)
    _scalar_mul(here, _one_scalar(left), _one_scalar(right))
    _scalar_sub(here, _one_scalar(minuend), here)
    return difference.raw


def invert_scalars(scalars: bytes) -> bytes:
    """Invert n scalars (n*32 bytes) with one inversion and 3n multiplications; give n*32 bytes.

    Montgomery's trick. In constant time, as the scalars may be secret. Raises InvalidScalar.
    """
    count = count_scalars(scalars)
    prefixes = ctypes.create_string_buffer(scalars, count * SCALAR_BYTES)
    inverses = ctypes.create_string_buffer(count * SCALAR_BYTES)
    running = ctypes.create_string_buffer(SCALAR_BYTES)
    scalar, inverse = _address(scalars), ctypes.addressof(running)
    prefix, out = ctypes.addressof(prefixes), ctypes.addressof(inverses)
    last = (count - 1) * SCALAR_BYTES
    # prefix[i] = scalar[0] * ... * scalar[i]
    for offset in range(SCALAR_BYTES, last + SCALAR_BYTES, SCALAR_BYTES):
        _scalar_mul(prefix + offset, prefix + offset - SCALAR_BYTES, scalar + offset)
    _scalar_invert(inverse, prefix + last)
    # `running` is 1 / prefix[i] at the head of each turn
    for offset in range(last, 0, -SCALAR_BYTES):
        _scalar_mul(out + offset, inverse, prefix + offset - SCALAR_BYTES)
        _scalar_mul(inverse, inverse, scalar + offset)
    return running.raw + inverses.raw[SCALAR_BYTES:]
