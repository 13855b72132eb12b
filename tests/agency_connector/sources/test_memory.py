"""Memory does not grow with the source."""

import gc
import json
import sqlite3
import sys
import tracemalloc
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import openpyxl

from agency_connector.sources.rows import SourceRow

MEBIBYTE = 1024 * 1024
HEADER = ["Ref", "First", "Last", "DOB", "Role", "Status", "Opened", "NHS"]


def values(number: int) -> list[str]:
    return [f"A{number}", f"John{number}", "Smith", "14/03/1985", "Client", "Open", "1/10/2026", ""]


def peak_while_reading(rows: Iterable[object]) -> tuple[int, int]:
    """Return how many records there were, and the most bytes that were held beyond the start."""
    gc.collect()
    tracemalloc.start()
    try:
        count = sum(isinstance(row, SourceRow) for row in rows)
        return count, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_csv_file_of_200_000_rows(tmp_path: Path, source: Callable[..., Any]) -> None:
    """About 12 MB of records pass through less than one."""
    with (tmp_path / "cases.csv").open("w") as file:
        file.write(",".join(HEADER) + "\n")
        file.writelines(",".join(values(number)) + "\n" for number in range(200_000))
    count, peak = peak_while_reading(source(kind="csv", path="cases.csv").rows())
    assert count == 200_000
    assert peak < MEBIBYTE


def test_a_program_that_prints_50_000_lines(source: Callable[..., Any]) -> None:
    """Nothing but what the pipe and one line hold."""
    line = json.dumps(dict(zip(HEADER, values(1), strict=True)))
    command = [sys.executable, "-c", f"for _ in range(50_000): print({line!r})"]
    count, peak = peak_while_reading(source(kind="program", command=command).rows())
    assert count == 50_000
    assert peak < MEBIBYTE


def test_a_query_of_50_000_rows(tmp_path: Path, source: Callable[..., Any]) -> None:
    """A few hundred rows are fetched at a time."""
    connection = sqlite3.connect(tmp_path / "cases.sqlite")
    connection.execute(f"CREATE TABLE cases ({', '.join(HEADER)})")
    rows = (values(number) for number in range(50_000))
    connection.executemany("INSERT INTO cases VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()
    reader = source(kind="sql", url="sqlite:///cases.sqlite", query="SELECT * FROM cases")
    next(iter(reader.rows()))  # the first use of an engine keeps some hundred kilobytes
    count, peak = peak_while_reading(reader.rows())
    assert count == 50_000
    assert peak < 3 * MEBIBYTE


def test_a_sheet_of_10_000_rows_is_not_held(tmp_path: Path, source: Callable[..., Any]) -> None:
    """The rows are read as they are wanted."""
    for size in (1_000, 10_000):
        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet()
        sheet.append(HEADER)
        for number in range(size):
            sheet.append(values(number))
        book.save(tmp_path / f"{size}.xlsx")
    next(iter(source(kind="excel", path="1000.xlsx").rows()))
    _, small = peak_while_reading(source(kind="excel", path="1000.xlsx").rows())
    count, large = peak_while_reading(source(kind="excel", path="10000.xlsx").rows())
    assert count == 10_000
    assert large < small + MEBIBYTE
