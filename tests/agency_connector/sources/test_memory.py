"""Memory does not grow with the source: measured in a process of its own, as the most it held."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests.agency_connector.sources.describing import COLUMNS, HEADER, POLICY

MEBIBYTE = 1024 * 1024
READER = """
import pathlib, sys, msgspec
from agency_connector.sources.opening import open_source
from agency_connector.sources.rows import SourceRow
from agency_connector.sources.settings import SourceSettings

def most_held():
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024

def count(described):
    settings = msgspec.convert(described, SourceSettings)
    return sum(isinstance(row, SourceRow) for row in open_source(settings, pathlib.Path()).rows())

small, large = msgspec.json.decode(sys.stdin.buffer.read())
count(small)
before = most_held()
print(count(large), most_held() - before)
"""


def growth(folder: Path, small: dict[str, Any], large: dict[str, Any]) -> tuple[int, int]:
    """Return the rows of the large source, and by how many bytes it needed more than the small."""
    common = {"name": "cases", "columns": COLUMNS, "policy": POLICY}
    run = subprocess.run(
        [sys.executable, "-c", READER],
        input=json.dumps([common | small, common | large]).encode(),
        stdout=subprocess.PIPE,
        check=True,
        cwd=folder,
    )
    rows, held = map(int, run.stdout.split())
    return rows, held


def values(number: int) -> list[str]:
    return [f"A{number}", f"John{number}", "Smith", "14/03/1985", "Client", "Open", "1/10/2026", ""]


def csv_file(folder: Path, rows: int) -> dict[str, Any]:
    with (folder / f"{rows}.csv").open("w") as file:
        file.write(",".join(HEADER) + "\n")
        file.writelines(",".join(values(number)) + "\n" for number in range(rows))
    return {"kind": "csv", "path": f"{rows}.csv"}


def program(_folder: Path, rows: int) -> dict[str, Any]:
    line = json.dumps(dict(zip(HEADER, values(1), strict=True)))
    command = [sys.executable, "-c", f"for _ in range({rows}): print({line!r})"]
    return {"kind": "program", "command": command}


def query(folder: Path, rows: int) -> dict[str, Any]:
    connection = sqlite3.connect(folder / f"{rows}.sqlite")
    connection.execute(f"CREATE TABLE cases ({', '.join(HEADER)})")
    places = ", ".join("?" * len(HEADER))
    connection.executemany(f"INSERT INTO cases VALUES ({places})", map(values, range(rows)))  # noqa: S608 - no outside text in it
    connection.commit()
    connection.close()
    return {"kind": "sql", "url": f"sqlite:///{rows}.sqlite", "query": "SELECT * FROM cases"}


def workbook(folder: Path, rows: int) -> dict[str, Any]:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(HEADER)
    for number in range(rows):
        sheet.append(values(number))
    book.save(folder / f"{rows}.xlsx")
    return {"kind": "excel", "path": f"{rows}.xlsx"}


@pytest.mark.parametrize(
    ("make", "small", "large"),
    [
        (csv_file, 2_000, 20_000),
        (program, 2_000, 12_000),
        (query, 2_000, 12_000),
        (workbook, 1_000, 5_000),
    ],
)
def test_a_larger_source_needs_no_more_memory(
    tmp_path: Path, make: Any, small: int, large: int
) -> None:
    """A row that is held takes about 1.5 kB; the bound leaves room for what an allocator keeps."""
    rows, held = growth(tmp_path, make(tmp_path, small), make(tmp_path, large))
    assert rows == large
    assert held < 4 * MEBIBYTE
