"""Migrations run whole or not at all, keep the rows, and a program knows where it stands."""

import sys
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import exc, inspect, text

from foundation.database import Database, downgrade, migrate, require_migrated
from foundation.migrating import known_revisions
from foundation.operator import OperatorError

LOCATION = str(Path(__file__).parent / "migrations")


def tables(database: Database) -> set[str]:
    with database.read() as connection:
        return set(inspect(connection).get_table_names()) - {"alembic_version"}


def rows(database: Database) -> list[tuple[object, ...]]:
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(text("SELECT handle, desk FROM flags"))]


def with_a_flag(database: Database) -> None:
    migrate(database, LOCATION, "0001")
    with database.write() as connection:
        connection.execute(text("INSERT INTO desks VALUES ('front', 'Front desk')"))
        connection.execute(text("INSERT INTO flags VALUES (1, 'front')"))


def test_up_and_down_again_keeps_the_rows(database: Database) -> None:
    with_a_flag(database)
    migrate(database, LOCATION, "0002")
    assert rows(database) == [(1, "front")]
    downgrade(database, LOCATION, "0001")
    assert rows(database) == [(1, "front")]
    downgrade(database, LOCATION, "base")
    assert tables(database) == set()


def test_migrating_twice_changes_nothing(database: Database) -> None:
    with_a_flag(database)
    migrate(database, LOCATION, "0002")
    migrate(database, LOCATION, "0002")
    assert rows(database) == [(1, "front")]


def test_foreign_keys_hold_again_after_a_migration(database: Database) -> None:
    with_a_flag(database)
    migrate(database, LOCATION, "0002")
    with pytest.raises(exc.IntegrityError), database.write() as connection:
        connection.execute(text("INSERT INTO flags VALUES (2, 'nowhere')"))


def test_a_migration_that_fails_leaves_nothing_behind(database: Database) -> None:
    with_a_flag(database)
    with pytest.raises(exc.DBAPIError):
        migrate(database, LOCATION)
    assert tables(database) == {"desks", "flags"}
    with pytest.raises(OperatorError, match="is at revision 0001"):
        require_migrated(database, LOCATION)


def test_a_migration_that_orphans_rows_is_undone_on_sqlite(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/a.db")
    with_a_flag(database)
    with pytest.raises(OperatorError, match="undone"), database.migration() as connection:
        connection.execute(text("DELETE FROM desks"))
    assert rows(database) == [(1, "front")]
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM desks")).scalar_one() == 1
    database.close()


def test_an_unmigrated_database_is_refused_with_the_command(database: Database) -> None:
    with pytest.raises(OperatorError, match=r"is empty, .* run `index-service init`"):
        require_migrated(database, LOCATION, command="index-service init")


def test_a_database_of_a_newer_version_is_refused(database: Database) -> None:
    migrate(database, LOCATION, "0002")
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'future'"))
    for call in (migrate, require_migrated):
        with pytest.raises(OperatorError, match="revision future, which this version does not"):
            call(database, LOCATION)


def test_a_migrated_database_is_accepted(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "some_program"
    (package / "migrations" / "versions").mkdir(parents=True)
    (package / "__init__.py").touch()
    for name in ("env.py", "versions/0001_one.py"):
        source = Path(LOCATION) / name
        (package / "migrations" / name).write_bytes(source.read_bytes())
    monkeypatch.delitem(sys.modules, "some_program", raising=False)  # of the other database's run
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(OperatorError, match="run `some-program migrate`"):
        require_migrated(database, "some_program:migrations")
    migrate(database, "some_program:migrations")
    require_migrated(database, "some_program:migrations")


@pytest.mark.parametrize(
    "location",
    ["index_service:migrations", "index_service.evaluation:migrations",
     "agency_connector:migrations", LOCATION],
)  # fmt: skip
def test_the_newest_file_is_the_newest_revision(location: str) -> None:
    """So that a start need not import Alembic to find out."""
    config = Config()
    config.set_main_option("script_location", location)
    config.set_main_option("path_separator", "os")
    revisions = known_revisions(location)
    assert ScriptDirectory.from_config(config).get_heads() == [revisions[-1]]
    assert revisions == [f"{number:04d}" for number in range(1, len(revisions) + 1)]
