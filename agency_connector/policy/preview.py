"""A line of the preview: what would come of one record, the person masked."""

from typing import Literal

from msgspec import Struct

from agency_connector.matching.particulars import Particulars

Outcome = Literal["publish", "withhold", "refuse"]
"""`refuse`: somebody has something to put right; `withhold`: the policy does its work."""


class PreviewLine(Struct, frozen=True, kw_only=True):
    """What would come of one record. `masked` is who it is about, by initials and century."""

    where: str
    local_id: str | None
    masked: str
    outcome: Outcome
    code: str
    sentence: str

    def __str__(self) -> str:
        """Return the line as it is printed."""
        parts = (self.where, self.local_id, self.masked, self.outcome, self.sentence)
        return ": ".join(part for part in parts if part)


def mask(particulars: Particulars) -> str:
    """Return initials and the century of birth, such as 'J… S…, 19…'."""
    names = f"{particulars.given} {particulars.family}".split() or particulars.full_name.split()
    # isalpha: a stray digit or sign in front of a name says nothing and may be a number's first.
    initials = " ".join(f"{name[0]}…" for name in names if name[0].isalpha())
    century = particulars.born[:2]
    born = f"{century}…" if century.isdecimal() and particulars.born[:4].isdecimal() else "…"
    return f"{initials or '…'}, {born}"
