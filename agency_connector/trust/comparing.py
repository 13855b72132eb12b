"""Two people compare 40 digits by phone: what one reads out, the other types."""

import re
from typing import Final

from agency_connector.terminal import Ask
from foundation.operator import OperatorError
from protocol.encoding import b64u_decode
from protocol.fingerprints import fingerprint40
from schemas.agencies import AgencyKeys

_DIGITS: Final = 40


class DigitsDiffer(OperatorError):
    """The digits read out are not those of the keys at hand: somebody may be in the middle."""


def fingerprint_of(keys: AgencyKeys) -> str:
    """Return the 40 digits of an agency's keys: of its signing key and its sealing key."""
    return fingerprint40(b64u_decode(keys.signing, 32), b64u_decode(keys.sealing, 32))


def compare(ask: Ask, who: str, fingerprint: str) -> None:
    """Have the person type the digits that `who` reads out and compare them with `fingerprint`.

    `fingerprint` is of the keys that came over the network. It is never shown before it was typed,
    so that nobody can copy it off the screen. Raises DigitsDiffer, and OperatorError for what is
    not 40 digits.
    """
    typed = re.sub(r"[\s.-]", "", ask(f"Type the 40 digits that {who} reads to you by phone"))
    if not re.fullmatch(rf"[0-9]{{{_DIGITS}}}", typed):
        raise OperatorError(
            f"a fingerprint has {_DIGITS} digits: have them read again, five at a time, and start "
            "again; nothing was changed"
        )
    if typed != fingerprint.replace(" ", ""):
        raise DigitsDiffer(
            f"these are not the digits of the keys that were received for {who}: someone may be in "
            "the middle. Nothing was sent or believed. Phone them again on a number you know from "
            "elsewhere, compare once more, and if the digits still differ tell the steward"
        )
