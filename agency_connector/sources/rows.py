"""One record of a source: read, refused, or the source as a whole failed."""

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Final, Protocol

from msgspec import Struct

from agency_connector.matching.particulars import Particulars
from foundation.operator import OperatorError

MAX_ROW_BYTES: Final = 131_072
"""A longer record is refused and skipped; also what the csv module allows for one field."""
MAX_FIELD_CHARACTERS: Final = 1_000
"""A longer value in a column that we use is refused."""
MAX_LOCAL_ID_CHARACTERS: Final = 200


class SourceFacts(Struct, frozen=True, kw_only=True):
    """What the source says about the case, and what policy decides by.

    A text is None if the source has no such column and empty if the row says nothing. Dates are
    None if absent; `unreadable` names the date fields that hold something which is no date.
    """

    status: str
    role: str | None = None
    category: str | None = None
    lawful_basis: str | None = None
    agreed: str | None = None
    opened: date | None = None
    reviewed: date | None = None
    unreadable: tuple[str, ...] = ()


class SourceRow(Struct, frozen=True, kw_only=True):
    """One record. `where` finds it in the source ('line 14'); `local_id` is the agency's own.

    `also` are the same person's particulars under further names: aliases and former surnames.
    """

    where: str
    local_id: str
    particulars: Particulars
    facts: SourceFacts
    also: tuple[Particulars, ...] = ()


class Refusal(StrEnum):
    """Why a record could not be read."""

    LOCAL_ID_MISSING = "local-id-missing"
    LOCAL_ID_UNUSABLE = "local-id-unusable"
    TOO_LARGE = "too-large"
    UNDECODABLE = "undecodable"
    WRONG_FIELD_COUNT = "wrong-field-count"
    UNREADABLE = "unreadable"
    KEY_MISSING = "key-missing"
    VALUE_UNUSABLE = "value-unusable"


class RowRefused(Struct, frozen=True, kw_only=True):
    """A record that is left out while the rest goes on.

    `sentence` is one line that says what to do and holds no value of the record. `local_id` is
    None where it could not be told: then it is unknown whose record this is.
    """

    where: str
    local_id: str | None
    code: Refusal
    sentence: str


class SourceFailed(OperatorError):
    """The source as a whole cannot be read: nothing may be concluded from rows not seen."""


class Source(Protocol):
    """A case system, read and never written."""

    @property
    def name(self) -> str:
        """The source's name in the settings."""

    def rows(self) -> Iterator[SourceRow | RowRefused]:
        """Yield the records one by one; memory does not grow with their number.

        Raises `SourceFailed` at any point, also after the last row. Whoever reads may conclude that
        a record is gone only when the iterator has ended by itself. Close it if you stop early.
        """
