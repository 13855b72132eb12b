"""A dry run: what each record of a source would come to, people masked, nobody asked or told."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec

from agency_connector.matching.normalise import normalise
from agency_connector.matching.person import Unusable
from agency_connector.policy.preview import PreviewLine, preview_lines
from agency_connector.sources.opening import open_source
from agency_connector.sources.rows import SourceRow
from agency_connector.sources.settings import SourceSettings


def preview(settings: SourceSettings, home: Path, today: date) -> Iterator[PreviewLine]:
    """Yield a line for each record of the source; `today` is the agency's local day.

    Whether more than ten records share a match key is only known to `sync`. Raises SourceFailed.
    """
    if settings.policy is None:
        raise ValueError("a source without a policy is refused when the settings are read")
    for row in open_source(settings, home).rows():
        for line in preview_lines([row], settings.policy, today):
            yield _with_keys(line, row, today) if isinstance(row, SourceRow) else line


def _with_keys(line: PreviewLine, row: SourceRow, today: date) -> PreviewLine:
    """Return `line`, or why a record that policy would publish cannot be found by anybody."""
    if line.outcome != "publish":
        return line
    person = normalise(row.particulars, today=today)
    if not isinstance(person, Unusable):
        return line
    return msgspec.structs.replace(
        line, outcome="refuse", code=person.code, sentence=person.sentence
    )
