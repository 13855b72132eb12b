"""Searching many strings in many bytes, and unwrapping what is encoded or compressed in them."""

import binascii
import bz2
import lzma
import re
import struct
import zlib
from base64 import b64decode
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from benchmarks.breach_drill.theft import Piece

WINDOW: Final = 8
DEEPEST: Final = 3
_LONGEST_UNPACKED: Final = 64 * 1024 * 1024
_SHORTEST_RUN: Final = 12
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]{%d,}" % _SHORTEST_RUN)
_HEX: Final = re.compile(rb"[0-9A-Fa-f]{%d,}" % _SHORTEST_RUN)
_PERCENT: Final = re.compile(rb"%([0-9A-Fa-f]{2})")
_JSON_ESCAPE: Final = re.compile(rb"\\u([0-9A-Fa-f]{4})")
_URL_TO_STANDARD: Final = bytes.maketrans(b"-_", b"+/")
_GAP: Final = b"\0\0\0\0"


def windows(content: bytes) -> Iterator[memoryview]:
    """Yield every run of eight bytes of `content` as native integers, in eight views."""
    whole = memoryview(content)
    for start in range(min(WINDOW, max(0, len(content) - WINDOW + 1))):
        part = whole[start:]
        yield part[: len(part) // WINDOW * WINDOW].cast("Q")


window: Final = struct.Struct("=Q").unpack_from
"""Returns eight bytes as the integer that `windows` makes of them, alone in a tuple."""


class Needles:
    """Byte strings to search for, each with what it is called."""

    def __init__(self, told: Iterable[tuple[bytes, str]]) -> None:
        """Take the strings; those shorter than eight bytes are searched for one by one."""
        self._long: defaultdict[int, dict[bytes, str]] = defaultdict(dict)
        self._short: dict[bytes, str] = {}
        for needle, name in told:
            if len(needle) < WINDOW:
                self._short[needle] = name
            else:
                self._long[window(needle)[0]][needle] = name
        self._starts = frozenset(self._long)

    def __len__(self) -> int:
        """Count the strings."""
        return len(self._short) + sum(map(len, self._long.values()))

    def within(self, content: bytes) -> set[str]:
        """Return the names of those that occur in `content`."""
        found = {name for needle, name in self._short.items() if needle in content}
        for view in windows(content):
            for start in self._starts.intersection(view):
                found |= {name for needle, name in self._long[start].items() if needle in content}
        return found

    def search(self, pieces: Iterable[Piece]) -> dict[str, str]:
        """Return the names of those that occur in any piece, encoded or packed, and where."""
        found: dict[str, str] = {}
        seen: set[bytes] = set()
        for piece in pieces:
            if piece.content in seen:
                continue
            seen.add(piece.content)
            for layer in unwrapped(piece.content):
                for name in self.within(layer):
                    found.setdefault(name, piece.where)
        return found


def unwrapped(content: bytes, deepest: int = DEEPEST) -> Iterator[bytes]:
    """Yield `content`, and what is inside it under up to `deepest` encodings or compressions."""
    yield content
    if deepest:
        for unwrap in _UNWRAPPING:
            if inside := unwrap(content):
                yield from unwrapped(inside, deepest - 1)


def _from_base64(content: bytes) -> bytes:
    """Decode every run of the alphabet, as it begins and one, two and three characters later.

    Where a run of another text stands directly before, one of the four is right.
    """
    found = []
    for run in _BASE64.findall(content):
        standard = run.translate(_URL_TO_STANDARD)
        for start in range(4):
            part = standard[start:]
            if len(part) % 4 == 1:
                part = part[:-1]
            found.append(b64decode(part + b"=" * (-len(part) % 4)))
    return _GAP.join(found)


def _from_hex(content: bytes) -> bytes:
    found = []
    for run in _HEX.findall(content):
        for start in range(2):
            part = run[start:]
            found.append(binascii.unhexlify(part[: len(part) // 2 * 2]))
    return _GAP.join(found)


def _from_percent(content: bytes) -> bytes:
    if not _PERCENT.search(content):
        return b""
    return _PERCENT.sub(lambda found: bytes([int(found[1], 16)]), content)


def _from_json_escapes(content: bytes) -> bytes:
    if not _JSON_ESCAPE.search(content):
        return b""
    return _JSON_ESCAPE.sub(
        lambda found: chr(int(found[1], 16)).encode("utf-8", "replace"), content
    )


def _unpacking(
    start: re.Pattern[bytes], unpack: Callable[[memoryview], bytes]
) -> Callable[[bytes], bytes]:
    def unpacked(content: bytes) -> bytes:
        found, whole = [], memoryview(content)
        for begun in start.finditer(content):
            try:
                found.append(unpack(whole[begun.start() :]))
            except (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error):
                continue  # it only looked like one
        return _GAP.join(filter(None, found))

    return unpacked


def _unzip(bits: int) -> Callable[[memoryview], bytes]:
    return lambda packed: zlib.decompressobj(bits).decompress(packed, _LONGEST_UNPACKED)


_UNWRAPPING: Final = (
    _from_base64,
    _from_hex,
    _from_percent,
    _from_json_escapes,
    _unpacking(re.compile(rb"\x1f\x8b\x08"), _unzip(31)),
    _unpacking(re.compile(rb"\x78[\x01\x5e\x9c\xda]"), _unzip(15)),
    _unpacking(re.compile(rb"BZh[1-9]1AY"), lambda p: bz2.BZ2Decompressor().decompress(p)),
    _unpacking(re.compile(rb"\xfd7zXZ\0"), lambda p: lzma.LZMADecompressor().decompress(p)),
)
