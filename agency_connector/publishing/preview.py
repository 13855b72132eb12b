"""A dry run: what each record of a source would come to, people masked, nobody asked or told."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

from agency_connector.policy.preview import PreviewLine, mask
from agency_connector.policy.settings import Policy
from agency_connector.publishing.judging import Fit, judge
from agency_connector.sources.opening import open_source
from agency_connector.sources.rows import RowRefused, SourceRow
from agency_connector.sources.settings import SourceSettings
from schemas.agencies import Desk


def preview(
    settings: SourceSettings, home: Path, desks: Mapping[str, Desk], today: date
) -> Iterator[PreviewLine]:
    """Yield a line for each record of the source; `today` is the agency's local day.

    `desks`: as `judging.desks_at_index` gives them. Whether more than ten records share a match key
    is only known to `sync`. Raises SourceFailed.
    """
    if settings.policy is None:
        raise ValueError("a source without a policy is refused when the settings are read")
    yield from preview_lines(open_source(settings, home).rows(), settings.policy, desks, today)


def preview_lines(
    rows: Iterable[SourceRow | RowRefused], policy: Policy, desks: Mapping[str, Desk], today: date
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
        else:
            yield _line(row, policy, desks, today)


def _line(row: SourceRow, policy: Policy, desks: Mapping[str, Desk], today: date) -> PreviewLine:
    judged = judge(row, policy, desks, today)
    masked = mask(row.particulars)
    if isinstance(judged, Fit):
        ends = datetime.fromtimestamp(judged.decision.ends_at_ms // 1000, UTC).date()
        return PreviewLine(
            where=row.where,
            local_id=row.local_id,
            masked=masked,
            outcome="publish",
            code="publish",
            sentence=f"at desk {judged.decision.desk} until {ends.isoformat()}{_names(judged)}",
        )
    return PreviewLine(
        where=row.where,
        local_id=row.local_id,
        masked=masked,
        outcome="refuse" if judged.to_mend else "withhold",
        code=judged.code,
        sentence=judged.sentence,
    )


def _names(judged: Fit) -> str:
    """Return how many names the flag is found by, if the record has further ones."""
    names, unusable = len(judged.people), judged.unusable_names
    said = f", under {names} names" if names > 1 else ""
    if unusable:
        said += f" ({unusable} further name{'s' if unusable > 1 else ''} cannot be used)"
    return said
