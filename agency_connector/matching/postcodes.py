"""Postcodes: of the UK with the sector and district they lie in, and those of other countries."""

from __future__ import annotations

import re
from functools import lru_cache

from agency_connector.matching.person import Postcode, Unusable

LONGEST = 12
"""Characters a postcode may have; longer text is refused before anything else looks at it."""

# BS 7666: area, district, then the inward code, whose letters are never C I K M O V.
_FORM = re.compile(
    r"(GIR|[A-PR-UWYZ](?:[0-9][0-9A-HJKPSTUW]?|[A-HK-Y][0-9][0-9ABEHMNPRVWXY]?))"
    r"([0-9])([ABD-HJLNP-UW-Z]{2})",
    re.I | re.A,
)
_OUTWARD = re.compile(
    r"[A-PR-UWYZ](?:[0-9][0-9A-HJKPSTUW]?|[A-HK-Y][0-9][0-9ABEHMNPRVWXY]?)", re.I | re.A
)
# Four to six digits (most of Europe, Australia, India, the United States), with two letters (the
# Netherlands), letters and digits in turn (Canada), routing key and four characters (Ireland).
_ABROAD = re.compile(
    r"[0-9]{4,6}|[0-9]{4}[A-Z]{2}|[A-Z][0-9][A-Z][0-9][A-Z][0-9]|[A-Z][0-9][0-9W][0-9A-Z]{4}",
    re.I | re.A,
)
_NOT_A_PLACE = re.compile(r"ZZ|AA[0-9]|XX|TE[0-9]", re.I)


@lru_cache(maxsize=65_536)
def _parsed(text: str) -> Postcode | None:
    whole = "".join(text.split()).replace("-", "")
    if _NOT_A_PLACE.match(whole):
        return None
    match = _FORM.fullmatch(whole)
    if match is not None:
        district, sector, unit = (part.lower() for part in match.groups())
        return Postcode(district + sector + unit, district + sector, district)
    if _OUTWARD.fullmatch(whole):
        return Postcode("", "", whole.lower())
    if _ABROAD.fullmatch(whole) and len(set(whole)) > 1:
        code = whole.lower()
        return Postcode(code, code, code, wide=True)
    return None


def read(text: str) -> Postcode | Unusable:
    """The postcode `text` says, in any case and spacing; a UK district alone, or a code in the
    form of another country, will do.

    Pseudo-codes for no fixed abode or unknown (`ZZ99 ...`) are refused: they are no place.
    """
    found = _parsed(text) if len(text) <= LONGEST else None
    if found is None:
        return Unusable(
            "postcode_unusable",
            "Postcode: is not one of a place. Give it in full, for example SW1A 2AA, or leave it"
            " empty.",
        )
    return found
