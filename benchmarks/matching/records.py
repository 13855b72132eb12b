"""The files of records that matching is measured on, and how one is split in two."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from agency_connector.matching.particulars import Particulars

COLUMNS = (
    *("rec_id", "ent_id", "source", "forename", "middle", "surname", "dob", "sex", "postcode"),
    "nin",
)


@dataclass(frozen=True, slots=True)
class Record:
    """One record: `entity` is whom it is about, `group` a name group or ""."""

    name: str
    entity: str
    source: str
    group: str
    tags: str
    particulars: Particulars


def read(path: Path) -> list[Record]:
    """The records of a csv or csv.gz file.

    Raises:
        SystemExit: a column is missing; the message names it.
    """
    return [_record(row) for row in rows(path)]


def limited(
    stored: list[Record], lookups: list[Record], records: int | None, asked: int | None
) -> tuple[list[Record], list[Record]]:
    """At most so many of each; of stored records those of people who are looked up come first."""
    lookups = lookups[:asked]
    if records is not None and records < len(stored):
        wanted = {record.entity for record in lookups}
        stored = sorted(stored, key=lambda record: record.entity not in wanted)[:records]
    return stored, lookups


def rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a csv or csv.gz file that has `COLUMNS`."""
    packed = path.read_bytes()
    text = (gzip.decompress(packed) if path.suffix == ".gz" else packed).decode("utf-8")
    reader = csv.DictReader(io.StringIO(text, newline=""))
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise SystemExit(f"{path}: has no column {', '.join(missing)}.")
    yield from reader


def write(path: Path, chosen: Iterable[dict[str, str]], columns: Iterable[str]) -> None:
    """Write rows as csv, or csv.gz by the ending of the path; the same bytes for the same rows."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(columns), lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(chosen)
    raw = text.getvalue().encode()
    path.write_bytes(gzip.compress(raw, 6, mtime=0) if path.suffix == ".gz" else raw)


def _record(row: dict[str, str]) -> Record:
    return Record(
        name=row["rec_id"],
        entity=row["ent_id"],
        source=row["source"],
        group=row.get("group") or "",
        tags=row.get("tags") or "",
        particulars=Particulars(
            given=row["forename"],
            middle=row["middle"],
            family=row["surname"],
            born=row["dob"],
            postcode=row["postcode"],
            sex=row["sex"],
            identifiers=(("nin", row["nin"]),) if row["nin"] else (),
        ),
    )
