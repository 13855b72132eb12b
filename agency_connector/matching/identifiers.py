"""Strong identifiers: checked against their own rules and put in one form before use."""

from __future__ import annotations

import re
from collections.abc import Callable

from stdnum.exceptions import ValidationError
from stdnum.gb import nhs, upn

from agency_connector.matching.person import Unusable

LONGEST = 40
"""Characters an identifier may have; longer text is refused before anything else looks at it."""

_CHECK_LETTERS = "ZABCDEFGHJKLMNPQRTUVWXY"  # by remainder over 23; no I, O, S
_PNC = re.compile(r"(?:[12][0-9])?([0-9]{2})/?([0-9]{1,7})([A-Z])", re.A)
_PNC_LONG = re.compile(r"(?:[12][0-9])([0-9]{2})([0-9]{7})([A-Z])", re.A)
_CRO = re.compile(r"([0-9]{1,6})/([0-9]{2})([A-Z])", re.A)
_CRO_FINGERPRINT = re.compile(r"SF([0-9]{2})/([0-9]{1,6})([A-Z])", re.A)
_NIN = re.compile(r"([A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z])([0-9]{6})[A-D]?", re.A)
_NIN_NEVER_ISSUED = frozenset({"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"})


def _nhs(text: str) -> str | None:
    """Ten digits, modulus 11; 999... are NHS test numbers."""
    try:
        number: str = nhs.validate(text)
    except ValidationError:
        return None
    return None if number.startswith("999") or len(set(number)) == 1 else number


def _pnc(text: str) -> str | None:
    """Year and serial with a letter over modulus 23: `03/0062845E` from `2003/62845E`.

    The two-digit year is kept, since short and long forms of one number must meet.
    """
    match = _PNC_LONG.fullmatch(text) or _PNC.fullmatch(text)
    if match is None:
        return None
    year, serial = match[1], match[2].zfill(7)
    return f"{year}/{serial}{match[3]}" if _letter_fits(year, serial, match[3]) else None


def _cro(text: str) -> str | None:
    """Serial and year (`065227/65L`), or fingerprint-only `SF05/482703J`, whose serial is
    checked as written."""
    if match := _CRO.fullmatch(text):
        serial, year = match[1].zfill(6), match[2]
        return f"{serial}/{year}{match[3]}" if _letter_fits(year, serial, match[3]) else None
    if match := _CRO_FINGERPRINT.fullmatch(text):
        year, serial = match[1], match[2]
        if _letter_fits(year, serial, match[3]):
            return f"SF{year}/{serial}{match[3]}"
    return None


def _letter_fits(year: str, serial: str, letter: str) -> bool:
    return int(serial) != 0 and _CHECK_LETTERS[int(year + serial) % 23] == letter


def _nin(text: str) -> str | None:
    """Two letters and six digits; the suffix A to D is dropped, since it is often missing."""
    match = _NIN.fullmatch(text.replace("/", ""))
    if match is None or match[1] in _NIN_NEVER_ISSUED or len(set(match[2])) == 1:
        return None
    return match[1] + match[2]


def _upn(text: str) -> str | None:
    """Thirteen characters, check letter over modulus 23, a real authority's number."""
    try:
        number: str = upn.validate(text)
    except ValidationError:
        return None
    return number


_READERS: dict[str, tuple[str, Callable[[str], str | None]]] = {
    "nhs": ("NHS number", _nhs),
    "pnc": ("PNC ID", _pnc),
    "cro": ("CRO number", _cro),
    "nin": ("National Insurance number", _nin),
    "upn": ("UPN", _upn),
}

KINDS: dict[str, str] = {kind: label for kind, (label, _) in _READERS.items()}
"""Kind of identifier -> its name in sentences."""


def read(kind: str, text: str) -> str | Unusable:
    """The identifier `text` in its one form, upper case.

    A number that breaks its own rules is refused: it must never become a token, since it would
    tie strangers together.
    """
    if kind not in _READERS:
        return Unusable(
            "identifier_kind",
            f"Identifier: this kind is not known. Known are {', '.join(KINDS.values())}.",
        )
    label, reader = _READERS[kind]
    number = None
    if len(text) <= LONGEST and text.isascii():
        number = reader(re.sub(r"[\s.\-]", "", text).upper())
    if number is None:
        return Unusable(
            "identifier_invalid",
            f"{label}: breaks its own rules (check digit or form). Correct it or leave it empty.",
        )
    return number
