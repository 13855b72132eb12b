"""The canaries' traces: every plausible spelling of theirs, in every form it could be kept in."""

import hashlib
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import date
from typing import Final
from urllib.parse import quote

from anyascii import anyascii

from benchmarks.breach_drill.people import Canary

_SEPARATORS: Final = (" ", "", "|", ",", ", ", "-", "_", ".", ":", "/", "\t")
_HASHES: Final = ("md5", "sha1", "sha256")


def spellings(canary: Canary) -> frozenset[str]:
    """Return what is known of a canary, in every spelling that anybody is likely to keep."""
    person = canary.person
    names = [person.given, person.middle, person.family]
    plain = [*names, *_together(person.given, person.family), *_together(*names)]
    plain += [*_together(person.given, person.family, person.born.isoformat())]
    plain += [canary.officer, canary.reason, *canary.reason.split(", ")]
    plain += [*canary.local_ids, person.telephone, person.email, person.pnc_id, person.nino]
    plain += [person.pnc_id.replace("/", ""), person.pnc_id[2:], person.nino[:-1]]
    plain += [*_grouped(canary.nhs_number), *_grouped(person.postcode), *_dates(person.born)]
    ascii_too = {*plain, *map(anyascii, plain)}
    return frozenset(
        told for text in ascii_too for told in (text, text.lower(), text.upper(), text.title())
    )


def needles(canary: Canary, place: int) -> Iterator[tuple[bytes, str]]:
    """Yield every form of every spelling, and its name (which does not tell the spelling)."""
    for spelling in spellings(canary):
        for form, make in FORMS.items():
            for told in make(spelling):
                yield told, f"canary {place + 1}, {form}"


def _together(*parts: str) -> Iterator[str]:
    for separator in _SEPARATORS:
        yield separator.join(parts)
        yield separator.join(reversed(parts))


def _grouped(number: str) -> tuple[str, ...]:
    return tuple(separator.join(number.split()) for separator in ("", " ", "-"))


def _dates(day: date) -> Iterator[str]:
    for separator in ("", "-", "/", ".", " "):
        yield day.strftime(f"%Y{separator}%m{separator}%d")
        yield day.strftime(f"%d{separator}%m{separator}%Y")
        if separator:
            yield day.strftime(f"%m{separator}%d{separator}%Y")
    yield from (f"{day.day} {day:%B %Y}", f"{day.day} {day:%b %Y}", f"{day:%d-%b-%Y}")


def _utf8(text: str) -> tuple[bytes, ...]:
    return (text.encode(),)


def _base64(text: str) -> Iterator[bytes]:
    """Yield the characters that encode nothing but the text, at each of the three alignments."""
    octets = text.encode()
    for before in range(3):
        for encode in (b64encode, urlsafe_b64encode):
            encoded = encode(bytes(before) + octets)
            first = -(-before * 8 // 6)
            yield encoded[first : (before + len(octets)) * 8 // 6]


def _hex(text: str) -> Iterator[bytes]:
    yield text.encode().hex().encode()
    yield text.encode().hex().upper().encode()


def _percent(text: str) -> Iterator[bytes]:
    yield quote(text, safe="").encode()
    yield quote(text).replace("%20", "+").encode()
    yield "".join(f"%{octet:02x}" for octet in text.encode()).encode()
    yield "".join(f"%{octet:02X}" for octet in text.encode()).encode()


def _json(text: str) -> Iterator[bytes]:
    yield json.dumps(text)[1:-1].encode()
    yield json.dumps(text, ensure_ascii=False)[1:-1].encode()
    units = [text.encode("utf-16-be")[at : at + 2].hex() for at in range(0, 2 * len(text), 2)]
    yield "".join(f"\\u{unit}" for unit in units).encode()
    yield "".join(f"\\u{unit.upper()}" for unit in units).encode()


def _hashed(name: str) -> Callable[[str], Iterator[bytes]]:
    def digests(text: str) -> Iterator[bytes]:
        digest = hashlib.new(name, text.encode(), usedforsecurity=False)
        yield digest.digest()
        yield digest.hexdigest().encode()
        yield digest.hexdigest().upper().encode()
        yield b64encode(digest.digest())
        yield urlsafe_b64encode(digest.digest()).rstrip(b"=")

    return digests


FORMS: Final[dict[str, Callable[[str], tuple[bytes, ...] | Iterator[bytes]]]] = {
    "UTF-8": _utf8,
    "Latin-1": lambda text: (text.encode("latin-1", "replace"),),
    "UTF-16 LE": lambda text: (text.encode("utf-16-le"),),
    "UTF-16 BE": lambda text: (text.encode("utf-16-be"),),
    "hexadecimal": _hex,
    "base64": _base64,
    "percent-escaped": _percent,
    "JSON-escaped": _json,
    **{name.upper(): _hashed(name) for name in _HASHES},
}
"""The forms searched for, each with what makes the byte strings of a spelling."""
