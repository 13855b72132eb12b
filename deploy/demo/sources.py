"""Writes each agency's own kind of source: a CSV export, an SQL database, a workbook, a caseload.

`python -m deploy.demo.sources` writes the committed sample anew, as of `SAMPLE_DAY`.
"""

import csv
import io
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Final, TypeAlias

import openpyxl

from deploy.demo.involvements import Agency, Involvement, involvements

Cell: TypeAlias = str | datetime | None

SAMPLE: Final = Path(__file__).parent / "sample"
SAMPLE_DAY: Final = date(2026, 11, 1)

POLICE_FILE: Final = "occurrences.csv"
HOUSING_SCRIPT: Final = "housing.sql"
HOUSING_FILE: Final = "housing.sqlite"
HEALTH_FILE: Final = "caseload.xlsx"
PROBATION_FILE: Final = "caseload.json"

POLICE_COLUMNS: Final = (
    "OCC_REF", "SURNAME", "FORENAME1", "FORENAME2", "DOB", "PNC_ID", "POSTCODE", "TEL",
    "NOMINAL_ROLE", "OCC_STATUS", "CREATED", "LAST_UPDATED",
)  # fmt: skip
HEALTH_COLUMNS: Final = (
    "Referral", "Patient", "D.O.B.", "NHS No", "Home postcode", "Clinic", "Referral status",
    "Referred on", "Last contact",
)  # fmt: skip

_POLICE_ROLES: Final = {
    "subject": "SUSPECT", "victim": "VICTIM", "witness": "WITNESS", "reporter": "INFORMANT",
}  # fmt: skip
_HOUSING_ROLES: Final = {
    "subject": "Tenant", "victim": "Complainant", "witness": "Neighbour", "reporter": "Complainant",
}  # fmt: skip
_TITLES: Final = ("", "Mx", "", "Dr", "")


def write_sources(folder: Path, today: date) -> None:
    """Write all four agencies' sources below `folder`, as they would stand on `today`."""
    everything = involvements(today)
    writers: dict[Agency, Callable[[Path, Sequence[Involvement]], None]] = {
        "police": _write_police,
        "housing": _write_housing,
        "health": _write_health,
        "probation": _write_probation,
    }
    for agency, write in writers.items():
        place = folder / agency
        place.mkdir(parents=True, exist_ok=True)
        write(place, [found for found in everything if found.agency == agency])


def build_housing_database(folder: Path) -> None:
    """Make the housing department's database in `folder` from the script beside it."""
    with sqlite3.connect(folder / HOUSING_FILE) as connection:
        connection.executescript((folder / HOUSING_SCRIPT).read_text(encoding="utf-8"))
    connection.close()


def _write_police(folder: Path, cases: Sequence[Involvement]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(POLICE_COLUMNS)
    for number, case in enumerate(cases, start=1):
        told = case.written
        writer.writerow(
            (
                f"EM/{40_000 + number * 7}/{case.opened:%y}",
                told.family.upper(),
                told.given.upper(),
                told.middle.upper(),
                _slashed(told.born),
                case.person.pnc_id if case.role == "subject" else "",
                told.postcode.replace(" ", "") if number % 3 else told.postcode.lower(),
                case.person.telephone,
                _POLICE_ROLES[case.role],
                ("OPEN", "UNDER INVESTIGATION")[number % 2] if case.is_open else "FILED",
                f"{case.opened:%d/%m/%Y}",
                f"{case.reviewed:%d/%m/%Y}",
            )
        )
    # As exports go: a nominal of whom nothing is known, and a comma that nobody quoted.
    writer.writerow(("EM/48001/26", "UNKNOWN", "", "", "", "", "", "", "SUSPECT", "OPEN", "", ""))
    text.write("EM/48002/26,SMITH, JR,JOHN,,09/09/1971,,EM4 4AA,,SUSPECT,OPEN,01/09/2026,\r\n")
    (folder / POLICE_FILE).write_text(text.getvalue(), encoding="utf-8", newline="")


def _write_housing(folder: Path, cases: Sequence[Involvement]) -> None:
    lines = [
        "CREATE TABLE person (person_id INTEGER PRIMARY KEY, title TEXT, forenames TEXT,",
        "    surname TEXT, date_of_birth TEXT, nino TEXT, postcode TEXT, email TEXT);",
        "CREATE TABLE housing_case (case_no TEXT PRIMARY KEY, person_id INTEGER REFERENCES person,",
        "    relationship TEXT, case_state TEXT, raised_on TEXT, last_review TEXT);",
    ]
    for number, case in enumerate(cases, start=1):
        told = case.written
        state = ("Open", "Under review")[number % 2] if case.is_open else "Closed"
        person = (
            number,
            _TITLES[number % len(_TITLES)],
            f"{told.given} {told.middle}".strip(),
            told.family,
            f"{told.born or date(1900, 1, 1)} 00:00:00",
            case.person.nino,
            told.postcode,
            case.person.email,
        )
        housing_case = (
            f"H-{2_000 + number * 3}",
            number,
            _HOUSING_ROLES[case.role],
            state,
            f"{case.opened}",
            f"{case.reviewed}",
        )
        lines.append(_insert("person", person))
        lines.append(_insert("housing_case", housing_case))
    (folder / HOUSING_SCRIPT).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_health(folder: Path, cases: Sequence[Involvement]) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Caseload")
    for row in health_rows(cases):
        sheet.append(row)
    book.save(folder / HEALTH_FILE)


def health_rows(cases: Sequence[Involvement]) -> Iterator[tuple[Cell, ...]]:
    """Yield the rows of the health trust's sheet, the column names first."""
    yield HEALTH_COLUMNS
    for number, case in enumerate(cases, start=1):
        told = case.written
        title = _TITLES[number % len(_TITLES)]
        names = f"{told.given} {told.middle}".strip()
        born: Cell = "30 Feb 1986"
        if told.born is not None:
            # Somebody types half of the dates as text.
            born = f"{told.born:%d-%b-%Y}" if number % 2 else _cell(told.born)
        yield (
            f"R{70_000 + number * 11}",
            f"{told.family}, {names}" if number % 2 else f"{title} {names} {told.family}".strip(),
            born,
            case.person.nhs_number,
            told.postcode or None,
            "Riverside" if case.is_sensitive else ("North", "Central")[number % 2],
            ("Active", "Waiting")[number % 2] if case.is_open else "Discharged",
            _cell(case.opened),
            _cell(case.reviewed),
        )


def _write_probation(folder: Path, cases: Sequence[Involvement]) -> None:
    people = [
        {
            "crn": f"X{100_000 + number * 13}",
            "name": {
                "first": case.written.given,
                "second": case.written.middle,
                "surname": case.written.family,
            },
            "born": None if case.written.born is None else case.written.born.isoformat(),
            "pnc": case.person.pnc_id,
            "postcode": case.written.postcode,
            "order": {
                "state": "Current" if case.is_open else "Terminated",
                "since": case.opened.isoformat(),
                "last_appointment": case.reviewed.isoformat(),
            },
        }
        for number, case in enumerate(cases, start=1)
    ]
    text = json.dumps(people, indent=1, ensure_ascii=False)
    (folder / PROBATION_FILE).write_text(text + "\n", encoding="utf-8")


def _slashed(day: date | None) -> str:
    return "31/02/1988" if day is None else f"{day:%d/%m/%Y}"


def _cell(day: date) -> datetime:
    return datetime.combine(day, time())


def _insert(table: str, values: Sequence[object]) -> str:
    listed = ", ".join(map(_sql, values))
    return f"INSERT INTO {table} VALUES ({listed});"  # noqa: S608 - a script of our own values


def _sql(value: object) -> str:
    if isinstance(value, int):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


if __name__ == "__main__":
    write_sources(SAMPLE, SAMPLE_DAY)
    print(f"Wrote the sample as of {SAMPLE_DAY} to {SAMPLE}.")
