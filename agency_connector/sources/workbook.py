"""Streams one sheet of an Excel workbook (.xlsx, ISO/IEC 29500).

A workbook keeps its texts in one table that has to be in memory, so that table's size is limited.
"""

import warnings
import zipfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

import openpyxl
from openpyxl.worksheet._read_only import ReadOnlyWorksheet

from agency_connector.sources.columns import Mapping, as_text
from agency_connector.sources.files import open_file
from agency_connector.sources.rows import RowRefused, SourceFailed, SourceRow
from agency_connector.sources.settings import ExcelSource

MAX_SHARED_TEXT_BYTES: Final = 64 * 1024 * 1024
_ROWS_PER_READ: Final = 200
_SHARED_TEXTS: Final = "sharedstrings.xml"
_ERROR_VALUES: Final = frozenset(
    ("#N/A", "#VALUE!", "#REF!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!", "#CALC!")
)
_BROKEN: Final = (
    "is broken or not an .xlsx workbook: open it in Excel, remove any password and save it "
    "as .xlsx, or export it as CSV"
)


@dataclass(frozen=True, slots=True)
class WorkbookReader:
    """A `Source` that reads a sheet of an Excel workbook."""

    settings: ExcelSource
    path: Path

    @property
    def name(self) -> str:
        """The source's name in the settings."""
        return self.settings.name

    def rows(self) -> Iterator[SourceRow | RowRefused]:
        """Yield the sheet's rows; see `Source.rows`."""
        with closing(self._sheet_rows()) as cells:
            mapping: Mapping | None = None
            for number, values in enumerate(cells, start=1):
                if mapping is None:
                    mapping = self._header(values)
                elif any(value not in (None, "") for value in values):
                    yield mapping.row(f"row {number}", _fitted(values, mapping.width))
        if mapping is None:
            raise SourceFailed(
                f"{self.name}: {self.path}: the sheet is empty: its first row must hold the "
                "column names"
            )

    def _sheet_rows(self) -> Generator[tuple[object, ...], None, None]:
        """Yield the rows' values. Whatever openpyxl raises means that the file is broken."""
        with open_file(self.name, self.path) as file:
            self._require_size(file)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # of styles that we do not read
                    book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            except Exception:
                raise self._broken() from None
            with closing(book):
                sheet = self._sheet(book)
                # The size that a sheet states may be wrong, and rows beyond it would be lost.
                sheet.reset_dimensions()
                values = sheet.values
                while batch := self._batch(values):
                    yield from batch

    def _batch(self, values: Iterator[tuple[object, ...]]) -> list[tuple[object, ...]]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # openpyxl's warnings quote cells
                return list(islice(values, _ROWS_PER_READ))
        except Exception:
            raise self._broken() from None

    def _require_size(self, file: BinaryIO) -> None:
        try:
            with zipfile.ZipFile(file) as archive:
                size = sum(
                    part.file_size
                    for part in archive.infolist()
                    if part.filename.casefold().endswith(_SHARED_TEXTS)
                )
        except Exception:
            raise self._broken() from None
        if size > MAX_SHARED_TEXT_BYTES:
            raise SourceFailed(
                f"{self.name}: {self.path}: holds more than {MAX_SHARED_TEXT_BYTES} bytes of text: "
                "export it as CSV"
            )

    def _sheet(self, book: openpyxl.Workbook) -> ReadOnlyWorksheet:
        """Return the sheet that the settings name, or the only one."""
        sheets = {sheet.title: sheet for sheet in book.worksheets}
        wanted = self.settings.sheet
        if wanted is None and len(sheets) == 1:
            wanted = next(iter(sheets))
        sheet = sheets.get(wanted or "")
        if isinstance(sheet, ReadOnlyWorksheet):
            return sheet
        fault = f"has no sheet '{wanted}'" if wanted else "has several sheets"
        found = ", ".join(f"'{title}'" for title in sheets)
        raise SourceFailed(
            f"{self.name}: {self.path}: {fault}: set sheet to the one to read; found are {found}"
        )

    def _header(self, values: Sequence[object]) -> Mapping:
        names = [as_text(value) or "" for value in values]
        while names and not names[-1]:
            names.pop()
        return Mapping(self.name, self.settings.columns, self.settings.dates, names)

    def _broken(self) -> SourceFailed:
        return SourceFailed(f"{self.name}: {self.path}: {_BROKEN}")


def _fitted(values: Sequence[object], width: int) -> list[object]:
    """Return the row at the header's width: rows end at their last filled cell."""
    cells = [None if value in _ERROR_VALUES else value for value in values[:width]]
    return cells + [None] * (width - len(cells))
