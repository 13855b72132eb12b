"""The files of records that matching is measured on, and how one is split in two."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from agency_connector.matching.particulars import Particulars

COLUMNS = (
    *("rec_id", "ent_id", "source", "forename", "middle", "surname", "dob", "sex", "postcode"),
    "nin",
)
NEEDED = ("rec_id", "ent_id", "forename", "surname")
"""Columns without which nothing can be measured; of the others, one that is not there is empty."""

LONGEST_FIELD = 1_000_000
"""Characters; a longer field is a quotation mark without end."""

_GZIP = b"\x1f\x8b"


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

        Two files may number their records alike, so the person and the particulars count too.
        """
        return self.identity == other.identity

    @property
    def identity(self) -> tuple[str, str, Particulars]:
        """What tells a record from every other."""
        return self.name, self.entity, self.particulars


def read(path: Path) -> list[Record]:
    """The records of a csv or csv.gz file.

    Raises:
        SystemExit: the file cannot be read; the message says why, and where.
    """
    found = [_record(row, f"{path}:{number}") for number, row in enumerate(rows(path))]
    if not found:
        raise SystemExit(f"{path}: has no records below its header.")
    return found


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
    """The rows of a csv or csv.gz file that has `NEEDED`, each with all of `COLUMNS`.

    Packed or not is told by the content; UTF-8, or UTF-16 with its mark. Names of columns count
    without spaces around them and in any case; fields that a short row lacks are empty.

    Raises:
        SystemExit: the file cannot be read; the message says why, and where.
    """
    csv.field_size_limit(LONGEST_FIELD)
    line = 1
    try:
        with _text(path) as text:
            reader = csv.reader(text, strict=True)
            header = [name.strip().lower() for name in next(reader, [])]
            missing = [name for name in NEEDED if name not in header]
            if missing:
                raise SystemExit(
                    f"{path}: has no column {', '.join(missing)}. Its first line must name the"
                    f" columns, parted by commas; it names {len(header)}: {', '.join(header)[:200]}"
                )
            blank = dict.fromkeys((*COLUMNS, *header), "")
            for row in reader:
                line = reader.line_num
                if any(row[len(header) :]):
                    raise SystemExit(
                        f"{path}: line {line} has {len(row)} fields, the header {len(header)}:"
                        " a comma within a field needs quotation marks around it."
                    )
                if row:
                    yield blank | dict(zip(header, row, strict=False))
    except UnicodeDecodeError:
        raise SystemExit(
            f"{path}: is not UTF-8 text, somewhere after line {line}: save it as UTF-8."
        ) from None
    except csv.Error as error:
        raise SystemExit(
            f"{path}: after line {line}: {error}. A quotation mark may have no end."
        ) from None
    except (EOFError, zlib.error):
        raise SystemExit(
            f"{path}: is packed with gzip, and its end is missing or broken."
        ) from None
    except OSError as error:
        raise SystemExit(f"{path}: cannot be read: {error.strerror or error}.") from None


@contextmanager
def _text(path: Path) -> Iterator[TextIO]:
    with path.open("rb") as raw:
        packed = raw.peek(2)[:2] == _GZIP
        with gzip.open(raw) if packed else raw as plain:
            start = io.BufferedReader(plain)
            wide = start.peek(2)[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
            with io.TextIOWrapper(start, "utf-16" if wide else "utf-8-sig", newline="") as text:
                yield text


def write(path: Path, chosen: Iterable[dict[str, str]], columns: Iterable[str]) -> None:
    """Write rows as csv, or csv.gz by the ending of the path; the same bytes for the same rows."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(columns), lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(chosen)
    raw = text.getvalue().encode()
    path.write_bytes(gzip.compress(raw, 6, mtime=0) if path.suffix == ".gz" else raw)


def _record(row: dict[str, str], place: str) -> Record:
    """The record of a row; who has no `ent_id` is nobody else."""
    return Record(
        name=row["rec_id"],
        entity=row["ent_id"] or f"record {row['rec_id'] or place}",
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
