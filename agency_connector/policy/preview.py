"""Shows, with people masked, what a source would publish, what it withholds and what it refuses."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Literal

from msgspec import Struct

from agency_connector.matching.particulars import Particulars
from agency_connector.policy.decision import Publish, decide
from agency_connector.policy.settings import Policy
from agency_connector.sources.rows import RowRefused, SourceRow

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


def preview_lines(
    rows: Iterable[SourceRow | RowRefused], policy: Policy, today: date
) -> Iterator[PreviewLine]:
    """Yield one line for each record of a source, in its order."""
    for row in rows:
        if isinstance(row, RowRefused):
            yield PreviewLine(
                where=row.where,
                local_id=row.local_id,
                masked="",
                outcome="refuse",
                code=row.code,
                sentence=row.sentence,
            )
            continue
        decision = decide(row, policy, today)
        if isinstance(decision, Publish):
            ends = datetime.fromtimestamp(decision.ends_at_ms // 1000, UTC).date()
            outcome: Outcome = "publish"
            code, sentence = "publish", f"at desk {decision.desk} until {ends.isoformat()}"
        else:
            outcome = "refuse" if decision.to_mend else "withhold"
            code, sentence = decision.code, decision.sentence
        yield PreviewLine(
            where=row.where,
            local_id=row.local_id,
            masked=mask(row.particulars),
            outcome=outcome,
            code=code,
            sentence=sentence,
        )
