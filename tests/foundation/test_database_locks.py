"""A SQLite database that several processes have open loses nothing when one of them leaves."""

import subprocess
import sys
from pathlib import Path

from foundation.database import Database

COME_AND_GO = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
print(connection.execute("SELECT count(*) FROM numbers").fetchone()[0])
connection.close()
"""


def test_a_program_that_comes_and_goes_takes_no_write_of_a_running_one_with_it(
    tmp_path: Path,
) -> None:
    """The last one to close a database deletes its write-ahead log; who is last, the locks tell.

    A second connection of this process must not drop the lock of the first.
    """
    path = tmp_path / "numbers.sqlite"
    database = Database(f"sqlite:///{path}")
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE numbers (number INTEGER)")

    def seen_by_another_process() -> int:
        counted = subprocess.run(
            [sys.executable, "-c", COME_AND_GO, path], capture_output=True, text=True, check=True
        )
        return int(counted.stdout)

    try:
        with database.engine.connect() as first, database.engine.connect():
            for number in (1, 2):
                with first.begin():
                    first.exec_driver_sql("INSERT INTO numbers VALUES (?)", (number,))
                assert seen_by_another_process() == number
    finally:
        database.close()
