"""An Excel sheet: real workbooks, broken ones, and what Excel does to values."""

import re
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest

from agency_connector.sources.rows import Refusal, RowRefused, SourceFailed, SourceRow

Read = Callable[..., list[SourceRow | RowRefused]]
SHEET = "xl/worksheets/sheet1.xml"
HEADER = ["Ref", "First", "Last", "DOB", "Role", "Status", "Opened", "NHS"]
JOHN = [
    1,
    "John",
    "Smith",
    date(1985, 3, 14),
    "Client",
    "Open",
    datetime(2026, 10, 1, 9, 30),  # noqa: DTZ001 - Excel knows no time zones
    9434765919,
]
MARY = ["A2", "Mary", "Jones", "02/07/1990", "Client", "Open", "05/10/2026"]


def write(folder: Path, *rows: list[object], sheets: tuple[str, ...] = ("Cases",)) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    path = folder / "cases.xlsx"
    book.save(path)
    return path


def unpacked(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(path: Path, parts: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, content in parts.items():
            archive.writestr(part, content)


def share_texts(path: Path) -> None:
    """Move the cells' texts into the workbook's own table, as Excel does and openpyxl does not."""
    parts = unpacked(path)
    texts: list[bytes] = []

    def shared(cell: re.Match[bytes]) -> bytes:
        texts.append(cell[1])
        return b't="s"><v>%d</v>' % (len(texts) - 1)

    parts[SHEET] = re.sub(rb't="inlineStr"><is>(.*?)</is>', shared, parts[SHEET])
    items = b"".join(b"<si>%s</si>" % item for item in texts)
    name = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    parts["xl/sharedStrings.xml"] = b'<sst xmlns="%s">%s</sst>' % (name, items)
    types = parts["[Content_Types].xml"]
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    part = b'<Override PartName="/xl/sharedStrings.xml" ContentType="%s"/></Types>' % kind
    parts["[Content_Types].xml"] = types.replace(b"</Types>", part)
    packed(path, parts)


def test_texts_in_the_table_of_the_workbook_are_read(tmp_path: Path, read: Read) -> None:
    """Excel itself writes them there."""
    share_texts(write(tmp_path, HEADER, MARY))
    (mary,) = read(kind="excel", path="cases.xlsx")
    assert isinstance(mary, SourceRow)
    assert mary.particulars.given == "Mary"


def test_cells_arrive_as_text_and_days_as_iso_dates(tmp_path: Path, read: Read) -> None:
    """Numbers without a decimal point, dates without a time; short rows are filled up."""
    write(tmp_path, HEADER, JOHN, MARY)
    john, mary = read(kind="excel", path="cases.xlsx")
    assert isinstance(john, SourceRow)
    assert isinstance(mary, SourceRow)
    assert (john.where, john.local_id) == ("row 2", "1")
    assert john.particulars.born == "1985-03-14"
    assert john.particulars.identifiers == (("nhs", "9434765919"),)
    assert john.facts.opened == date(2026, 10, 1)
    assert mary.particulars.born == "1990-07-02"


def test_empty_rows_are_no_records_and_rows_keep_their_numbers(tmp_path: Path, read: Read) -> None:
    """`where` is the number that Excel shows."""
    write(tmp_path, HEADER, [], [None, "", None], MARY)
    (mary,) = read(kind="excel", path="cases.xlsx")
    assert (mary.where, mary.local_id) == ("row 4", "A2")


def test_the_error_values_of_excel_are_no_values(tmp_path: Path, read: Read) -> None:
    """'#N/A' is nobody's name."""
    write(tmp_path, HEADER, ["A3", "#N/A", *MARY[2:]])
    (row,) = read(kind="excel", path="cases.xlsx")
    assert isinstance(row, SourceRow)
    assert row.particulars.given == ""


def test_a_day_that_excel_cannot_show_does_not_warn_with_its_value(
    tmp_path: Path, read: Read
) -> None:
    """openpyxl warns with the cell's content, which would land in the log."""
    path = write(tmp_path, HEADER, MARY)
    book = openpyxl.load_workbook(path)
    book.worksheets[0]["D2"] = -99_999_999
    book.worksheets[0]["D2"].number_format = "dd/mm/yyyy"
    book.save(path)
    assert len(read(kind="excel", path="cases.xlsx")) == 1


def test_the_sheet_is_named_where_there_are_several(tmp_path: Path, read: Read) -> None:
    """Which sheet is meant is not guessed."""
    write(tmp_path, HEADER, MARY, sheets=("Cases", "Old"))
    with pytest.raises(SourceFailed, match=r"has several sheets: set sheet .*'Cases', 'Old'"):
        read(kind="excel", path="cases.xlsx")
    assert len(read(kind="excel", path="cases.xlsx", sheet="Old")) == 1
    with pytest.raises(SourceFailed, match="has no sheet 'New'"):
        read(kind="excel", path="cases.xlsx", sheet="New")


def test_rows_beyond_the_size_that_a_sheet_states_are_read(tmp_path: Path, read: Read) -> None:
    """Some programs state a sheet's size wrongly, and their rows would seem to be gone."""
    path = write(tmp_path, HEADER, JOHN, MARY)
    parts = unpacked(path)
    assert b'<dimension ref="A1:H3"' in parts[SHEET]
    parts[SHEET] = parts[SHEET].replace(b'<dimension ref="A1:H3"', b'<dimension ref="A1:B2"')
    packed(path, parts)
    assert len(read(kind="excel", path="cases.xlsx")) == 2


def test_a_file_that_is_no_workbook_says_so(tmp_path: Path, read: Read) -> None:
    """An .xls file, or one with a password, is no zip archive."""
    (tmp_path / "cases.xlsx").write_bytes(b"\xd0\xcf\x11\xe0" + b"\0" * 4096)
    with pytest.raises(SourceFailed, match=r"broken or not an \.xlsx workbook"):
        read(kind="excel", path="cases.xlsx")


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.99])
def test_a_truncated_workbook_fails_the_source(tmp_path: Path, read: Read, kept: float) -> None:
    """A copy that broke off is not read as far as it goes."""
    path = write(tmp_path, HEADER, *[MARY for _ in range(500)])
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(SourceFailed, match="broken"):
        read(kind="excel", path="cases.xlsx")


def test_damage_inside_the_sheet_fails_the_source(tmp_path: Path, read: Read) -> None:
    """The archive is whole and the sheet's XML ends early."""
    path = write(tmp_path, HEADER, *[MARY for _ in range(2000)])
    parts = unpacked(path)
    parts[SHEET] = parts[SHEET][:-3000]
    packed(path, parts)
    with pytest.raises(SourceFailed, match="broken"):
        read(kind="excel", path="cases.xlsx")


def test_a_workbook_with_too_much_text_is_refused_before_it_is_read(
    tmp_path: Path, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its table of texts would have to be in memory as a whole."""
    share_texts(write(tmp_path, HEADER, MARY))
    monkeypatch.setattr("agency_connector.sources.workbook.MAX_SHARED_TEXT_BYTES", 100)
    with pytest.raises(SourceFailed, match="export it as CSV"):
        read(kind="excel", path="cases.xlsx")


def test_an_overlong_cell_refuses_its_row_only(tmp_path: Path, read: Read) -> None:
    """The rest goes on."""
    write(tmp_path, HEADER, ["A1", "J" * 30_000, *MARY[2:]], MARY)
    broken, mary = read(kind="excel", path="cases.xlsx")
    assert isinstance(broken, RowRefused)
    assert (broken.code, broken.local_id) == (Refusal.TOO_LARGE, "A1")
    assert isinstance(mary, SourceRow)


def test_a_missing_column_is_named_with_those_found(tmp_path: Path, read: Read) -> None:
    """As for every kind of source."""
    write(tmp_path, ["Ref", "First", "Last", "Born", "Role", "Status", "Opened", "NHS"], MARY)
    with pytest.raises(SourceFailed, match=r"no column 'DOB': .*'Born'"):
        read(kind="excel", path="cases.xlsx")


def test_an_empty_sheet_and_a_missing_file_say_so(tmp_path: Path, read: Read) -> None:
    """Neither is a source without records."""
    with pytest.raises(SourceFailed, match="no such file"):
        read(kind="excel", path="cases.xlsx")
    write(tmp_path)
    with pytest.raises(SourceFailed, match="the sheet is empty"):
        read(kind="excel", path="cases.xlsx")
