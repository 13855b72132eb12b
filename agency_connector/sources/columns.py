"""Turns the values of one record, however they were stored, into a `SourceRow`."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from agency_connector.matching.particulars import Particulars
from agency_connector.sources.dates import DateOrder, read_date
from agency_connector.sources.rows import (
    MAX_FIELD_CHARACTERS,
    MAX_LOCAL_ID_CHARACTERS,
    Refusal,
    RowRefused,
    SourceFacts,
    SourceFailed,
    SourceRow,
)
from agency_connector.sources.settings import IDENTIFIER_KINDS, Columns

MOST_NAMES: Final = 8
"""Names of one record, its own among them: as many as records of one subject are taken."""
_LISTED: Final = 40
_MIDNIGHT: Final = "00:00:00"


class Mapping:
    """Where each of our fields stands in a record of one source, whose columns are now known."""

    def __init__(
        self, source: str, columns: Columns, order: DateOrder, found: Sequence[str]
    ) -> None:
        """Find the columns in use among those `found`; raise `SourceFailed` if one is missing."""
        self._named = columns.named()
        self._order = order
        self._local_id_column = columns.local_id
        names = [name.strip() for name in found]
        _require_columns(source, self._named, names)
        self._places = tuple((field, names.index(name)) for field, name in self._named.items())
        self.local_id_place = names.index(columns.local_id)
        self.width = len(names)

    def row(self, where: str, values: Sequence[object]) -> SourceRow | RowRefused:
        """Return the record whose values are `values`, in the order of the columns found."""
        local_id = self.local_id(values)
        texts: dict[str, str] = {}
        for field, place in self._places:
            text = as_text(values[place])
            if text is None:
                return RowRefused(
                    where=where,
                    local_id=local_id,
                    code=Refusal.VALUE_UNUSABLE,
                    sentence=f"the column '{self._named[field]}' holds something that is neither "
                    "text, number nor date: have the source write it as text",
                )
            if len(text) > MAX_FIELD_CHARACTERS:
                return RowRefused(
                    where=where,
                    local_id=local_id,
                    code=Refusal.TOO_LARGE,
                    sentence=f"the column '{self._named[field]}' holds more than "
                    f"{MAX_FIELD_CHARACTERS} characters: correct it in the case system",
                )
            texts[field] = text
        if local_id is None:
            return self._without_local_id(where, texts["local_id"])
        return self._source_row(where, local_id, texts)

    def local_id(self, values: Sequence[object]) -> str | None:
        """Return the record's own identifier if it is a usable one."""
        text = as_text(values[self.local_id_place])
        if not text or len(text) > MAX_LOCAL_ID_CHARACTERS:
            return None
        return text if text.isprintable() and "\ufffd" not in text else None

    def _without_local_id(self, where: str, text: str) -> RowRefused:
        if not text:
            code, fault = Refusal.LOCAL_ID_MISSING, "is empty: every record needs its own"
        else:
            code = Refusal.LOCAL_ID_UNUSABLE
            fault = (
                f"is longer than {MAX_LOCAL_ID_CHARACTERS} characters or has characters that "
                "cannot be printed: correct it in the case system"
            )
        sentence = f"the record number (column '{self._local_id_column}') {fault}"
        return RowRefused(where=where, local_id=None, code=code, sentence=sentence)

    def _source_row(self, where: str, local_id: str, texts: dict[str, str]) -> SourceRow:
        born = read_date(texts["born"], self._order)
        dates: dict[str, date | None] = {}
        unreadable = []
        for field in ("opened", "reviewed"):
            text = texts.get(field, "")
            dates[field] = read_date(text, self._order, with_time=True)
            if text and dates[field] is None:
                unreadable.append(field)
        particulars = Particulars(
            given=texts.get("given", ""),
            middle=texts.get("middle", ""),
            family=texts.get("family", ""),
            full_name=texts.get("full_name", ""),
            born=born.isoformat() if born else texts["born"],
            postcode=texts.get("postcode", ""),
            sex=texts.get("sex", ""),
            identifiers=tuple(
                (kind, texts[field]) for field, kind in IDENTIFIER_KINDS.items() if texts.get(field)
            ),
        )
        return SourceRow(
            where=where,
            local_id=local_id,
            particulars=particulars,
            also=_also(particulars, texts.get("aliases", ""), texts.get("former_family", "")),
            facts=SourceFacts(
                status=texts["status"],
                role=texts.get("role"),
                category=texts.get("category"),
                lawful_basis=texts.get("lawful_basis"),
                agreed=texts.get("agreed"),
                opened=dates["opened"],
                reviewed=dates["reviewed"],
                unreadable=tuple(unreadable),
            ),
        )


def _also(own: Particulars, aliases: str, former: str) -> tuple[Particulars, ...]:
    """Return `own` under each further name, up to `MOST_NAMES` with its own.

    An alias of one word stands for the first name; identifiers stay with the person's own name.
    """
    found = []
    for name in _parts(aliases):
        if len(name.split()) > 1:
            found.append(replace(own, given="", middle="", family="", full_name=name))
        else:
            found.append(replace(own, given=name, middle=""))
    found += [replace(own, family=name) for name in _parts(former)]
    return tuple(replace(one, identifiers=()) for one in found[: MOST_NAMES - 1])


def _parts(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"[;|\n]", text) if part.strip()]


def as_text(value: object) -> str | None:
    """Return a stored value as text, empty for nothing; None if it is of no kind we can read.

    Days are written as ISO 8601, with the time only if it is not midnight; whole numbers plainly.
    """
    match value:
        case str():
            return value.strip()
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | UUID():
            return str(value)
        case datetime():
            day, _, moment = value.isoformat(sep="T", timespec="seconds").partition("T")
            return day if moment == _MIDNIGHT else f"{day}T{moment}"
        case date():
            return value.isoformat()
        case float() | Decimal():
            whole = math.isfinite(value) and value == int(value)
            return str(int(value)) if whole else str(value)
        case _:
            return None


def _require_columns(source: str, named: dict[str, str], names: list[str]) -> None:
    """Raise `SourceFailed` unless each column in use is there once.

    What was found is listed only if one column at least is right: otherwise the first line may be
    a record and not the names of columns, and a record is never repeated.
    """
    missing = [column for column in dict.fromkeys(named.values()) if column not in names]
    if missing:
        wanted = ", ".join(f"'{column}'" for column in missing)
        if not set(named.values()) & set(names):
            raise SourceFailed(
                f"{source}: none of the columns in the settings is there ({wanted}): the first "
                "line must hold the column names, and delimiter and encoding must be right"
            )
        shown = ", ".join(f"'{name[:_LISTED]}'" for name in names[:_LISTED])
        raise SourceFailed(
            f"{source}: there is no column {wanted}: correct [sources.columns]; found are {shown}"
        )
    for column in named.values():
        if names.count(column) > 1:
            raise SourceFailed(
                f"{source}: the column '{column}' is there more than once: rename one of them"
            )
