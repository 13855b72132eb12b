"""The first half of a sync: every source through policy and normalising, into the staged rows."""

from collections import Counter
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import Final, Protocol

from agency_connector.matching.scheme import MatchKey, subject_keys
from agency_connector.policy.decision import Reason
from agency_connector.policy.settings import Policy
from agency_connector.publishing import staging
from agency_connector.publishing.judging import DESK_NOT_HIDDEN, Unfit, judge
from agency_connector.publishing.lease import Lease
from agency_connector.publishing.staging import StagedRow
from agency_connector.sources.opening import open_source
from agency_connector.sources.rows import RowRefused, SourceFailed, SourceRow
from agency_connector.sources.settings import SourceSettings
from schemas.agencies import Desk

ROWS_PER_TRANSACTION: Final = 2_000

KEYS_TOO_COMMON: Final = "keys-too-common"
WRONG: Final = frozenset(
    (
        Reason.ROLE_NOT_FLAGGED.value,
        Reason.ROLE_PROTECTED.value,
        Reason.BELOW_MINIMUM_AGE.value,
        DESK_NOT_HIDDEN,
    )
)
"""Reasons for which a flag should never have stood; every other withdrawal is a flag that ended."""


@dataclass(frozen=True, slots=True)
class ToMend:
    """A record that somebody has to put right; `sentence` says what to do and holds no value."""

    source: str
    where: str
    local_id: str | None
    code: str
    sentence: str

    def __str__(self) -> str:
        """Return the line as it is printed."""
        parts = (self.source, self.where, self.local_id, self.sentence)
        return ": ".join(part for part in parts if part)


@dataclass
class SourceReading:
    """What came of one source. `refused` counts, by code, the records that are not published.

    `failed` is the line that says why the source could not be read to its end, or empty.
    """

    source: str
    read: int = 0
    publishable: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    failed: str = ""


class MakesInputs(Protocol):
    """Makes VOPRF inputs of match keys (`evaluation.tokeniser.Tokeniser`)."""

    def input_of(self, key: MatchKey) -> bytes:
        """Return the 32 bytes that are blinded for `key`."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads sources into the staged rows.

    `home`: where relative paths start. `desks`: our signed desks that the index has, by id.
    `today`: the agency's local day. `tell` is called for each record that somebody has to mend.
    """

    lease: Lease
    home: Path
    inputs: MakesInputs
    desks: Mapping[str, Desk]
    today: date
    tell: Callable[[ToMend], None]

    def read(self, settings: SourceSettings) -> SourceReading:
        """Stage every record of one source; if it fails in the middle, nothing of it stays."""
        reading = SourceReading(settings.name)
        if settings.policy is None:
            raise ValueError("a source without a policy is refused when the settings are read")
        staged = self._staged(settings, settings.policy, reading)
        try:
            while rows := list(islice(staged, ROWS_PER_TRANSACTION)):
                with self.lease.write() as connection:
                    staging.add(connection, rows)
        except SourceFailed as error:
            reading.failed = str(error)
            with self.lease.write() as connection:
                staging.forget_source(connection, settings.name)
        finally:
            staged.close()
        return reading

    def _staged(
        self, settings: SourceSettings, policy: Policy, reading: SourceReading
    ) -> Generator[StagedRow, None, None]:
        for place, row in enumerate(open_source(settings, self.home).rows()):
            reading.read += 1
            if isinstance(row, RowRefused):
                reading.refused[row.code.value] += 1
                self.tell(
                    ToMend(settings.name, row.where, row.local_id, row.code.value, row.sentence)
                )
                if row.local_id is not None:
                    yield StagedRow(settings.name, row.local_id, place, "keep", row.code.value)
                continue
            staged = self._judged(settings.name, policy, place, row)
            if staged.outcome == "publish":
                reading.publishable += 1
            else:
                reading.refused[staged.code] += 1
            yield staged

    def _judged(self, source: str, policy: Policy, place: int, row: SourceRow) -> StagedRow:
        judged = judge(row, policy, self.desks, self.today)
        if isinstance(judged, Unfit):
            if judged.to_mend:
                self.tell(ToMend(source, row.where, row.local_id, judged.code, judged.sentence))
            kept = judged.keeps
            return StagedRow(
                source, row.local_id, place, "keep" if kept else "withhold", judged.code
            )
        keys = subject_keys(judged.people)
        made = [self.inputs.input_of(key) for key in (*keys.names, *keys.identifiers)]
        return StagedRow(
            source=source,
            local_id=row.local_id,
            place=place,
            outcome="publish",
            desk=judged.decision.desk,
            protected=judged.decision.protected,
            ends_at=judged.decision.ends_at_ms,
            names=len(keys.names),
            inputs=b"".join(made),
        )


def local_day(now: int) -> date:
    """Return the day on this machine's clock and time zone; `now` in ms UTC."""
    return datetime.fromtimestamp(now / 1000, UTC).astimezone().date()
