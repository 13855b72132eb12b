"""Makes the packaged name tables from the public sources; run it only for a new scheme.

    python tests/agency_connector/matching/make_tables.py NAMES_DIRECTORY

needs the `nicknames` package. The tables belong to a scheme: two connectors with different tables
would expand one lookup differently, so the result is committed and never made at run time.
"""

from __future__ import annotations

import csv
import gzip
import io
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from nicknames import name_triplets

from agency_connector.matching import tables
from agency_connector.matching.names import fold

OUT = Path(tables.__file__).parent
DECADES = tables.COHORTS
VARIANTS_KEPT = 20
AMERICANS = 300  # million, whom the American surname counts are of
FOREIGN_AT_MOST = 200


def rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        yield from csv.DictReader(handle)


def write(name: str, header: list[str], lines: Iterable[list[str]]) -> None:
    """Write a reproducible csv.gz: no time stamp, no file name in the header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    with (OUT / name).open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as out:
        out.write(text.getvalue().encode("ascii"))


def shares(path: Path) -> dict[int, dict[str, dict[str, float]]]:
    """{cohort: {sex: {name: share of that sex}}} of a table of counts."""
    counts: dict[int, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for row in rows(path):
        sexes = counts[int(row["cohort"])][row["sex"]]
        name = fold(row["name"])
        sexes[name] = sexes.get(name, 0) + float(row["n"])
    return {
        cohort: {
            sex: {name: n / total for name, n in names.items()}
            for sex, names in sexes.items()
            for total in [sum(names.values())]
        }
        for cohort, sexes in counts.items()
    }


def decade_shares(source: Path) -> dict[str, dict[int, float]]:
    """Share of all births, both sexes, by name and decade."""
    english = shares(source / "forenames_england_wales_1996_2020.csv")
    scottish = shares(source / "forenames_scotland_1974_1995.csv")
    american = shares(source / "forenames_us_1920_1999.csv")
    ranks: dict[tuple[int, str], dict[str, int]] = defaultdict(dict)
    for row in rows(source / "forename_ranks_england_wales_1924_1994.csv"):
        ranks[int(row["year"]) // 10 * 10, row["sex"]][fold(row["name"])] = int(row["rank"])
    counted = {
        1970: [scottish[1974], scottish[1978]],
        1980: [scottish[1978], scottish[1982], scottish[1986]],
        1990: [scottish[1990], scottish[1994], english[1996]],
        2000: [english[2001], english[2006]],
        2010: [english[2011], english[2016]],
        2020: [english[2016]],
    }
    result: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for decade in DECADES:
        for sex in ("f", "m"):
            held: dict[str, float] = defaultdict(float)
            # Before 1974 only ranks are known here: the American table lends the shape (share by
            # rank), never the ranks; a name outside the first hundred has at most the hundredth's.
            shape_from = [c[sex] for c in counted.get(decade, [american.get(decade, {})])]
            curve = sorted(shape_from[0].values(), reverse=True)
            for table in shape_from:
                for name, share in table.items():
                    limit = 1.0 if decade in counted else curve[99]
                    held[name] = max(held[name], min(share, limit))
            for name, rank in ranks.get((decade, sex), {}).items():
                held[name] = max(held[name], curve[rank - 1])
            for name, share in held.items():
                result[name][decade] += share / 2
    return result


def forenames(source: Path) -> dict[str, list[int]]:
    result = {}
    for name, by_decade in decade_shares(source).items():
        parts = [round(by_decade.get(decade, 0.0) * 1e6) for decade in DECADES]
        if len(name) > 1 and max(parts) >= 5:
            result[name] = parts
    return result


def surnames(source: Path) -> dict[str, int]:
    """People per million; for a surname that only the American table has, its share there, at most
    `FOREIGN_AT_MOST`."""
    result: dict[str, int] = defaultdict(int)
    for row in rows(source / "surname_frequency_uk.csv"):
        result[fold(row["surname"])] += round(float(row["freq"]) * 1e6)
    for row in rows(source / "surname_counts_us.csv"):
        if int(row["count"]) >= 500:
            share = round(int(row["count"]) / AMERICANS)
            result.setdefault(fold(row["last_name"]), min(max(share, 1), FOREIGN_AT_MOST))
    return {name: parts for name, parts in result.items() if len(name) > 1}


def variants(pairs: Iterable[tuple[str, str]], known: dict[str, int]) -> list[list[str]]:
    """name -> its variants, both directions, commonest first, the rarest left out."""
    links: dict[str, set[str]] = defaultdict(set)
    for one, other in pairs:
        a, b = fold(one), fold(other)
        if a != b and len(a) > 1 and len(b) > 1:
            links[a].add(b)
            links[b].add(a)
    return [
        [name, " ".join(sorted(found, key=lambda v: (-known.get(v, 0), v))[:VARIANTS_KEPT])]
        for name, found in sorted(links.items())
    ]


def cultural(kind: str) -> Iterator[tuple[str, str]]:
    for row in rows(Path(__file__).with_name("cultural_variants.csv")):
        if row["kind"] == kind:
            names = row["names"].split()
            yield from ((a, b) for i, a in enumerate(names) for b in names[i + 1 :])


def main(source: Path) -> None:
    first = forenames(source)
    last = surnames(source)
    write(
        "forenames.csv.gz",
        ["name", *(str(decade) for decade in DECADES)],
        ([name, *(str(p) for p in parts)] for name, parts in sorted(first.items())),
    )
    write("surnames.csv.gz", ["name", "parts"], ([n, str(p)] for n, p in sorted(last.items())))
    forename_pairs = [
        *((r["forename"], r["forename2"]) for r in rows(source / "forename_variants_uk.csv")),
        *((t.name1, t.name2) for t in name_triplets()),
        *cultural("forename"),
    ]
    surname_pairs = [
        *((r["lastname1"], r["lastname2"]) for r in rows(source / "surname_variants_uk.csv")),
        *cultural("surname"),
    ]
    known = {name: max(parts) for name, parts in first.items()}
    write("forename_variants.csv.gz", ["name", "variants"], variants(forename_pairs, known))
    write("surname_variants.csv.gz", ["name", "variants"], variants(surname_pairs, last))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
