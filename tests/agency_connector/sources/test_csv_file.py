"""A CSV export: what is read, what is refused by itself, and what fails the whole source."""

import codecs
import csv
import io
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agency_connector.sources.csv_file import CsvReader
from agency_connector.sources.rows import (
    MAX_ROW_BYTES,
    Refusal,
    RowRefused,
    SourceFailed,
    SourceRow,
)
from agency_connector.sources.settings import CsvSource
from tests.agency_connector.sources.describing import COLUMNS, POLICY

HEADER = "Ref,First,Last,DOB,Role,Status,Opened,NHS\n"
JOHN = "A1,John,Smith,14/03/1985,Client,Open,01/10/2026,9434765919\n"
MARY = "A2,Mary,Jones,02/07/1990,Client,Open,05/10/2026,\n"

Read = Callable[..., list[SourceRow | RowRefused]]


def write(folder: Path, content: str | bytes) -> None:
    data = content.encode() if isinstance(content, str) else content
    (folder / "cases.csv").write_bytes(data)


def refusal(row: SourceRow | RowRefused) -> RowRefused:
    assert isinstance(row, RowRefused)
    return row


def local_ids(rows: list[SourceRow | RowRefused]) -> list[str | None]:
    return [row.local_id for row in rows]


def test_a_row_carries_particulars_and_facts(tmp_path: Path, read: Read) -> None:
    """Every mapped column arrives in its field, days as ISO dates."""
    write(tmp_path, HEADER + JOHN)
    (row,) = read(kind="csv", path="cases.csv")
    assert isinstance(row, SourceRow)
    assert (row.where, row.local_id) == ("line 2", "A1")
    person = row.particulars
    assert (person.given, person.family, person.born) == ("John", "Smith", "1985-03-14")
    assert person.identifiers == (("nhs", "9434765919"),)
    assert (row.facts.role, row.facts.status) == ("Client", "Open")
    assert row.facts.opened is not None
    assert row.facts.opened.isoformat() == "2026-10-01"


def test_a_column_that_is_not_mapped_is_none_and_an_empty_one_empty(
    tmp_path: Path, read: Read
) -> None:
    """Policy can tell 'the source does not say' from 'this row does not say'."""
    write(tmp_path, HEADER + JOHN.replace("Client", ""))
    (row,) = read(kind="csv", path="cases.csv")
    assert isinstance(row, SourceRow)
    assert row.facts.role == ""
    assert row.facts.category is None


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path, read: Read) -> None:
    """Excel's CSV export begins with one."""
    write(tmp_path, codecs.BOM_UTF8 + (HEADER + JOHN).encode())
    assert local_ids(read(kind="csv", path="cases.csv")) == ["A1"]


def test_encoding_and_delimiter_are_settings(tmp_path: Path, read: Read) -> None:
    """A Windows export with semicolons keeps its accents."""
    text = (HEADER + JOHN.replace("John", "Zoë")).replace(",", ";").replace("\n", "\r\n")
    write(tmp_path, text.encode("cp1252"))
    (row,) = read(kind="csv", path="cases.csv", encoding="cp1252", delimiter=";")
    assert isinstance(row, SourceRow)
    assert row.particulars.given == "Zoë"


def test_a_quoted_value_may_hold_delimiters_quotes_and_lines(tmp_path: Path, read: Read) -> None:
    """RFC 4180 §2.5 to §2.7; the next record's line is counted rightly."""
    write(tmp_path, HEADER + JOHN.replace("John", '"Jo,\r\nhn ""J"""') + MARY)
    john, mary = read(kind="csv", path="cases.csv")
    assert isinstance(john, SourceRow)
    assert john.particulars.given == 'Jo,\r\nhn "J"'
    assert mary.where == "line 4"


def test_a_quotation_mark_inside_a_value_is_just_a_character(tmp_path: Path, read: Read) -> None:
    """A stray mark must not swallow the records that follow."""
    write(tmp_path, HEADER + JOHN.replace("Smith", 'O"Brien') + MARY)
    john, mary = read(kind="csv", path="cases.csv")
    assert isinstance(john, SourceRow)
    assert john.particulars.family == 'O"Brien'
    assert mary.local_id == "A2"


def test_a_last_line_without_an_end_and_blank_lines(tmp_path: Path, read: Read) -> None:
    """A blank line is no record, and the last record needs no line end."""
    write(tmp_path, HEADER + "\n" + JOHN + "\r\n" + MARY.rstrip("\n"))
    assert local_ids(read(kind="csv", path="cases.csv")) == ["A1", "A2"]


@settings(max_examples=300)
@given(st.text(alphabet='a,"\n ', max_size=60))
def test_records_are_cut_where_pythons_csv_module_would(text: str) -> None:
    """The cutter and the parser may never disagree about where a record ends."""
    reader = CsvReader(
        msgspec.convert(
            {"kind": "csv", "name": "cases", "path": "-", "columns": COLUMNS, "policy": POLICY},
            CsvSource,
        ),
        Path(),
    )
    try:
        cut = [record.data.decode() for record in reader._records(io.BytesIO(text.encode()))]
    except SourceFailed:
        with pytest.raises(csv.Error):  # strict: an open quotation mark is an error
            list(csv.reader(io.StringIO(text, newline=""), strict=True))
        return
    assert [next(csv.reader((record,)), []) for record in cut] == list(
        csv.reader(io.StringIO(text, newline=""))
    )


@pytest.mark.parametrize("quote", ["", '"'], ids=["plain", "quoted"])
def test_a_ten_megabyte_field_is_refused_and_the_rest_goes_on(
    tmp_path: Path, read: Read, quote: str
) -> None:
    """One monstrous field costs one record, which is still known by its number."""
    broken = "A9,X," + quote + "y" * 10_000_000 + quote + ",1/1/1980,Client,Open,1/1/2026,\n"
    write(tmp_path, HEADER + broken + MARY)
    large, mary = read(kind="csv", path="cases.csv")
    assert (refusal(large).code, large.local_id) == (Refusal.TOO_LARGE, "A9")
    assert (mary.where, mary.local_id) == ("line 3", "A2")


def test_a_quoted_ten_megabyte_field_of_many_lines_costs_one_record(
    tmp_path: Path, read: Read
) -> None:
    """Lines inside the overlong field are not taken for records."""
    note = '"' + ("a,b,c,d,e,f,g,h\n" * 700_000) + '"'
    write(tmp_path, HEADER + JOHN.replace("John", note) + MARY)
    large, mary = read(kind="csv", path="cases.csv")
    assert refusal(large).code == Refusal.TOO_LARGE
    assert mary.local_id == "A2"


@pytest.mark.parametrize("shift", range(-3, 4))
def test_quotes_at_the_edge_of_a_piece_are_read_rightly(
    tmp_path: Path, read: Read, shift: int
) -> None:
    """The cutter reads in pieces; a doubled mark across two pieces does not end the field."""
    fill = MAX_ROW_BYTES - len(HEADER) - len('A1,"') + shift
    write(tmp_path, HEADER + 'A1,"' + "x" * fill + '""\n","b",c,d,e,f,g\n' + MARY)
    large, mary = read(kind="csv", path="cases.csv")
    assert refusal(large).code == Refusal.TOO_LARGE
    assert mary.local_id == "A2"


def test_a_mapped_value_of_more_than_a_thousand_characters_is_refused(
    tmp_path: Path, read: Read
) -> None:
    """No name is that long; a column that is not mapped may be."""
    write(tmp_path, HEADER + JOHN.replace("John", "J" * 1001) + MARY)
    large, mary = read(kind="csv", path="cases.csv")
    assert (refusal(large).code, large.local_id) == (Refusal.TOO_LARGE, "A1")
    assert isinstance(mary, SourceRow)


def test_a_long_column_that_is_not_mapped_is_passed_over(tmp_path: Path, read: Read) -> None:
    """Case notes beside the columns in use do no harm."""
    write(tmp_path, HEADER.replace("\n", ",Notes\n") + JOHN.replace("\n", f",{'n' * 50_000}\n"))
    assert isinstance(read(kind="csv", path="cases.csv")[0], SourceRow)


def test_bytes_of_another_encoding_refuse_their_record_only(tmp_path: Path, read: Read) -> None:
    """The refusal names the encoding and not the name."""
    write(tmp_path, HEADER.encode() + JOHN.replace("John", "Zoë").encode("cp1252") + MARY.encode())
    broken, mary = read(kind="csv", path="cases.csv")
    assert (refusal(broken).code, broken.local_id) == (Refusal.UNDECODABLE, "A1")
    assert "Zo" not in refusal(broken).sentence
    assert mary.local_id == "A2"


def test_a_record_number_with_broken_bytes_is_not_guessed(tmp_path: Path, read: Read) -> None:
    """A replaced character would make it another record's number."""
    write(tmp_path, HEADER.encode() + JOHN.replace("A1", "Aé").encode("cp1252"))
    assert read(kind="csv", path="cases.csv")[0].local_id is None


def test_a_record_without_number_is_refused(tmp_path: Path, read: Read) -> None:
    """Without its own number a record can be neither followed nor withdrawn."""
    write(tmp_path, HEADER + JOHN.replace("A1", "  ") + MARY)
    broken, mary = read(kind="csv", path="cases.csv")
    assert refusal(broken).code == Refusal.LOCAL_ID_MISSING
    assert "Ref" in refusal(broken).sentence
    assert mary.local_id == "A2"


@pytest.mark.parametrize("number", ["A" * 201, "A\x1b[2J", "A\x00"])
def test_a_record_number_that_cannot_be_shown_is_refused(
    tmp_path: Path, read: Read, number: str
) -> None:
    """It is printed on terminals and pages."""
    write(tmp_path, HEADER + JOHN.replace("A1", number))
    assert refusal(read(kind="csv", path="cases.csv")[0]).code == Refusal.LOCAL_ID_UNUSABLE


@pytest.mark.parametrize("row", ["A1,Smith, John,Client\n", JOHN.replace("\n", ",more\n")])
def test_a_record_of_another_width_is_refused(tmp_path: Path, read: Read, row: str) -> None:
    """Its values may have moved into other columns, so none of them is used."""
    write(tmp_path, HEADER + row + MARY)
    broken, mary = read(kind="csv", path="cases.csv")
    assert refusal(broken).code == Refusal.WRONG_FIELD_COUNT
    assert broken.local_id is None
    assert mary.local_id == "A2"


def test_a_lone_carriage_return_refuses_its_record_only(tmp_path: Path, read: Read) -> None:
    """Python's csv module cannot read it."""
    write(tmp_path, HEADER + JOHN.replace("John", "Jo\rhn") + MARY)
    broken, mary = read(kind="csv", path="cases.csv")
    assert refusal(broken).code in (Refusal.UNREADABLE, Refusal.WRONG_FIELD_COUNT)
    assert mary.local_id == "A2"


def test_no_refusal_repeats_a_value_of_the_record(tmp_path: Path, read: Read) -> None:
    """Refusals are printed and logged; names and dates of birth are not."""
    lines = [
        JOHN.replace("A1", ""),
        JOHN.replace("John", "John" * 400),
        JOHN.replace("\n", ",x\n"),
        JOHN.replace("John", "Jo\rhn"),
    ]
    write(tmp_path, HEADER + "".join(lines))
    for row in read(kind="csv", path="cases.csv"):
        assert not any(part in refusal(row).sentence for part in ("John", "Smith", "1985", "9434"))


def test_a_quotation_mark_that_never_closes_fails_the_source(tmp_path: Path, read: Read) -> None:
    """Otherwise every record after it would look as if it were gone from the source."""
    write(tmp_path, HEADER + JOHN + MARY.replace("Mary", '"Mary'))
    with pytest.raises(SourceFailed, match="begins on line 3 and never closes"):
        read(kind="csv", path="cases.csv")


def test_a_missing_file_says_so(read: Read) -> None:
    """The line names the file and what to check."""
    with pytest.raises(SourceFailed, match=r"cases\.csv: there is no such file"):
        read(kind="csv", path="cases.csv")


@pytest.mark.parametrize("content", ["", "\n", "\ufeff"])
def test_an_empty_file_fails_the_source(tmp_path: Path, read: Read, content: str) -> None:
    """An export that broke off at once must not withdraw every flag."""
    write(tmp_path, content)
    with pytest.raises(SourceFailed, match="is empty"):
        read(kind="csv", path="cases.csv")


def test_a_missing_column_is_named_with_those_found(tmp_path: Path, read: Read) -> None:
    """The person who mends it sees what to write."""
    write(tmp_path, HEADER.replace("DOB", "Birth date") + JOHN)
    with pytest.raises(SourceFailed, match=r"no column 'DOB': .*'Birth date'"):
        read(kind="csv", path="cases.csv")


def test_a_file_without_column_names_does_not_print_its_first_record(
    tmp_path: Path, read: Read
) -> None:
    """'Columns found' would be a person's name and date of birth."""
    write(tmp_path, JOHN + MARY)
    with pytest.raises(SourceFailed) as caught:
        read(kind="csv", path="cases.csv")
    assert "must hold the column names" in str(caught.value)
    assert "Smith" not in str(caught.value)


def test_a_column_that_is_there_twice_fails_the_source(tmp_path: Path, read: Read) -> None:
    """Which of the two is meant is not guessed."""
    write(tmp_path, HEADER.replace("NHS", "DOB"))
    with pytest.raises(SourceFailed, match="'DOB' is there more than once"):
        read(
            kind="csv",
            path="cases.csv",
            columns={
                "local_id": "Ref",
                "full_name": "Last",
                "born": "DOB",
                "status": "Status",
                "role": "Role",
                "opened": "Opened",
            },
        )


def test_utf_16_is_told_from_the_column_names(tmp_path: Path, read: Read) -> None:
    """The line says which encodings there are."""
    write(tmp_path, (HEADER + JOHN).encode("utf-16"))
    with pytest.raises(SourceFailed, match="encoding"):
        read(kind="csv", path="cases.csv")
