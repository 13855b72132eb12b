"""UK postcodes and the sector and district they lie in."""

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
_NOT_A_PLACE = re.compile(r"ZZ|AA[0-9]|XX|TE[0-9]", re.I)


@lru_cache(maxsize=65_536)
def _parsed(text: str) -> Postcode | None:
    match = _FORM.fullmatch("".join(text.split()).replace("-", ""))
    if match is None or _NOT_A_PLACE.match(text.strip()):
        return None
    district, sector, unit = (part.lower() for part in match.groups())
    return Postcode(district + sector + unit, district + sector, district)


def read(text: str) -> Postcode | Unusable:
    """The postcode `text` says, in any case and spacing.

    Pseudo-codes for no fixed abode or unknown (`ZZ99 ...`) are refused: they are no place.
    """
    found = _parsed(text) if len(text) <= LONGEST else None
    if found is None:
        return Unusable(
            "postcode_unusable",
            "Postcode: is not a UK postcode of a place. Give it in full, for example SW1A 2AA, or"
            " leave it empty.",
        )
    return found
