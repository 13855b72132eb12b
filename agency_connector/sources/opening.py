"""Opens the source that the settings describe."""

from pathlib import Path
from typing import assert_never

from agency_connector.sources.csv_file import CsvReader
from agency_connector.sources.database import DatabaseReader
from agency_connector.sources.program import ProgramReader
from agency_connector.sources.rows import Source
from agency_connector.sources.settings import (
    CsvSource,
    ExcelSource,
    ProgramSource,
    SourceSettings,
    SqlSource,
)


def open_source(settings: SourceSettings, base_directory: Path) -> Source:
    """Return the source; nothing is read before its `rows` are.

    Relative paths in the settings start from `base_directory`, where programs are run too.
    """
    match settings:
        case CsvSource():
            return CsvReader(settings, base_directory / settings.path)
        case ExcelSource():
            # openpyxl takes half a second to import, at each start of whoever has no workbook.
            from agency_connector.sources.workbook import WorkbookReader  # noqa: PLC0415 - see above

            return WorkbookReader(settings, base_directory / settings.path)
        case SqlSource():
            return DatabaseReader(settings, base_directory)
        case ProgramSource():
            return ProgramReader(settings, base_directory)
        case _:
            assert_never(settings)
