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
NEEDED = ("rec_id", "ent_id", "forename", "surname")
"""Columns without which nothing can be measured; of the others, one that is not there is empty."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record: `entity` is whom it is about, `group` a name group or ""."""

    name: str
    entity: str
    source: str
    group: str
    tags: str
    particulars: Particulars

    def is_same(self, other: Record) -> bool:
        """Whether this is the very record `other`: a record that is looked up is no hit of its own.

        Two files may number their records alike, so the person counts too.
        """
        return self.name == other.name and self.entity == other.entity


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
    """The rows of a csv or csv.gz file that has `NEEDED`, each with all of `COLUMNS`."""
    packed = path.read_bytes()
    text = (gzip.decompress(packed) if path.suffix == ".gz" else packed).decode("utf-8-sig")
    reader = csv.DictReader(io.StringIO(text, newline=""))
    missing = [name for name in NEEDED if name not in (reader.fieldnames or ())]
    if missing:
        raise SystemExit(f"{path}: has no column {', '.join(missing)}.")
    for row in reader:
        yield dict.fromkeys(COLUMNS, "") | {k: v or "" for k, v in row.items() if k is not None}


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
        group=row.get("group", ""),
        tags=row.get("tags", ""),
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
