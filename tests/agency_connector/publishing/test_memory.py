"""A sync's memory does not grow with the source."""

import tracemalloc

from tests.agency_connector.publishing.borsetshire import Borsetshire, person

MEBIBYTE = 1024 * 1024


def most_held(town: Borsetshire, rows: int) -> int:
    """Return the most bytes that a sync of so many rows held."""
    with (town.folder / "cases.csv").open("w") as file:
        file.write("Ref,First,Last,DOB,Role,Status,Opened,NHS\n")
        file.writelines(",".join(person(n)) + "\n" for n in range(rows))
    tracemalloc.start()
    try:
        report = town.sync()
        assert report.difference.unchanged + report.difference.too_common == rows
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
