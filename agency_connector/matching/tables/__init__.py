"""The packaged public name tables (see SOURCES.md): read once, when first needed."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

COHORTS: tuple[int, ...] = tuple(range(1920, 2030, 10))
"""First birth year of each ten-year span in the table of first names."""


@cache
def forenames() -> Mapping[str, tuple[int, ...]]:
    """First name -> people per million births, one number per span of `COHORTS`."""
    return {row[0]: tuple(int(part) for part in row[1:]) for row in _rows("forenames.csv.gz")}


@cache
def surnames() -> Mapping[str, int]:
    """Surname -> people per million in the UK; 0 where only a foreign table has the name."""
    return {name: int(parts) for name, parts in _rows("surnames.csv.gz")}


@cache
def forename_variants() -> Mapping[str, tuple[str, ...]]:
    """First name -> names that may stand for it (nicknames, spellings), commonest first."""
    return {name: tuple(found.split()) for name, found in _rows("forename_variants.csv.gz")}


@cache
def surname_variants() -> Mapping[str, tuple[str, ...]]:
    """Surname -> spellings that may stand for it, commonest first."""
    return {name: tuple(found.split()) for name, found in _rows("surname_variants.csv.gz")}


@dataclass(frozen=True, slots=True)
class Community:
    """Names common in one community, commonest first, and its share of the population.

    Communities that are `akin` ("": none is) marry, and share names that one list alone has.
    """

    akin: str
    per_million: int
    forenames: tuple[str, ...]
    surnames: tuple[str, ...]


@cache
def communities() -> tuple[Community, ...]:
    """The communities of `communities.csv`: approximate, and used only to be less sure."""
    text = files(__package__).joinpath("communities.csv").read_text("ascii")
    return tuple(
        Community(
            row["akin"],
            int(row["per_million"]),
            tuple(row["forenames"].split()),
            tuple(row["surnames"].split()),
        )
        for row in csv.DictReader(io.StringIO(text))
    )


def _rows(name: str) -> Iterator[list[str]]:
    packed = files(__package__).joinpath(name).read_bytes()
    reader = csv.reader(io.StringIO(gzip.decompress(packed).decode("ascii")))
    next(reader)
    yield from reader
