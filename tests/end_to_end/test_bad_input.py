"""What goes wrong around the programs: one clear line that says what to do, and nothing is lost."""

import dataclasses
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import event, func, select
from werkzeug.wrappers import Response as HttpResponse

from agency_connector.cli import main as agency_connector
from agency_connector.installation import Installation
from agency_connector.lookups import asking
from agency_connector.publishing import sync as publishing
from agency_connector.transport import ClockOff, NotGenuine, Refused, Unreachable
from foundation.database import Database, StorageUnavailable
from foundation.operator import OperatorError, PlainError
from index_service.app import create_app
from index_service.audit.intake import intake
from index_service.cli import main as index_service
from index_service.flags.storage import flags
from protocol.nonces import remember
from schemas.checks import CheckAnswer
from tests.end_to_end.eastmere import (
    EVALUATOR_URL,
    INDEX_URL,
    OFFICER,
    PHONES,
    ZEPHYRINE,
    Town,
    asked_for,
    new_id,
    one_line,
    phones,
)
from tests.index_service.partnership import new_index

FOUND = {"Council": PHONES["council"]}
OTTOLINE = ("Ottoline", "Harbourne", "1990-02-11")
NEWCOMERS = [("Ignatius", "Larkspurne", f"19{year}-12-09") for year in range(60, 99)]
MINUTE_MS = 60_000


def require_line(told: Any, *words: str) -> None:
    """The error is one line and says these words, among them what to do."""
    line = one_line(told.value if hasattr(told, "value") else told)
    assert [word for word in words if word not in line] == [], line
    for part in (*ZEPHYRINE, "QUILLFEATHER"):
        assert part not in line


def require_works(town: Town, check: str) -> None:
    """The check that failed, sent again under its id, is answered now."""
    assert phones(town.check("police", ZEPHYRINE, check)) == FOUND


def standing(town: Town) -> int:
    """How many flags stand at the index."""
    with town.index_app.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(flags)).scalar_one())


def entries(town: Town) -> int:
    """How many entries the record has."""
    with town.index_app.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(intake)).scalar_one())


@contextmanager
def one_more_case(town: Town) -> Iterator[tuple[str, str, str]]:
    """The council has another case to publish; at the end it has to stand, once."""
    before = standing(town)
    person = NEWCOMERS.pop()
    town.cases("council", ZEPHYRINE, OTTOLINE, person)
    yield person
    report = town.sync("council")
    assert (report.troubles, report.waiting, report.marked) == ([], 0, True)
    assert phones(town.check("police", person)) == FOUND
    assert standing(town) == before + 1
    town.cases("council", ZEPHYRINE, OTTOLINE)
    assert town.sync("council", confirmed_withdrawals=1).troubles == []


# --- Services that do not answer ---------------------------------------------------------------


@pytest.mark.parametrize(("service", "url"), [("index", INDEX_URL), ("evaluator", EVALUATOR_URL)])
def test_a_service_that_is_down(town: Town, service: str, url: str) -> None:
    check = new_id()
    town.check("police", OTTOLINE)  # as any day: the directory has been fetched before
    town.down(url)
    with pytest.raises(Unreachable) as told:
        town.check("police", ZEPHYRINE, check)
    require_line(told, f"the {service} at {url} cannot be reached", "check that it is running")
    with one_more_case(town):
        report = town.sync("council")
        assert not report.marked
        for line in report.troubles:
            require_line(line, "the next sync")
        town.down(url, False)
    require_works(town, check)


@pytest.mark.parametrize(("service", "url"), [("index", INDEX_URL), ("evaluator", EVALUATOR_URL)])
@pytest.mark.parametrize("word", ["sync", "status"])
def test_the_command_says_which_service_is_down(
    town: Town, service: str, url: str, word: str
) -> None:
    """Exit code 1 for whoever watches the job, and no trace of Python for whoever reads it."""
    with one_more_case(town):
        town.down(url)
        ended = town.command("council", word)
        assert ended.exit_code == 1
        assert f"the {service} at {url} cannot be reached" in ended.output
        assert "Traceback" not in ended.output
        town.down(url, False)


def test_a_proxy_that_answers_for_the_index(town: Town) -> None:
    """A page of a proxy is neither an answer nor a lie of the index."""
    with (
        in_place_of(town, HttpResponse("<html>Bad gateway</html>", 502)),
        pytest.raises(Unreachable) as told,
    ):
        town.check("police", ZEPHYRINE)
    require_line(told, "something before the index", "answers 502", "try again")


def test_an_answer_that_is_lost_is_not_a_second_lookup(town: Town) -> None:
    """The index has recorded and answered; the answer never came. The same check asks for it."""
    check, before = new_id(), entries(town)

    def lost(_: Any) -> None:
        raise ConnectionResetError

    adapter = town.adapters[INDEX_URL]
    town.check("police", OTTOLINE)  # so that the directory is fresh, and only the lookup is lost
    adapter.after = lost
    with pytest.raises(Unreachable):
        town.check("police", ZEPHYRINE, check)
    adapter.after = lambda _: None
    require_works(town, check)
    assert entries(town) == before + 2


def test_a_batch_whose_answer_is_lost_is_not_doubled(town: Town) -> None:
    with one_more_case(town):

        def lost(request: Any) -> None:
            if request.path_url.endswith("/batches"):
                raise ConnectionResetError

        town.adapters[INDEX_URL].after = lost
        report = town.sync("council")
        assert report.waiting == 1
        require_line(" ".join(report.troubles), "the outbox keeps it for the next sync")
        town.adapters[INDEX_URL].after = lambda _: None


# --- Clocks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_clock_that_is_off(town: Town, minutes: int) -> None:
    """Whichever way: the line names the mistake, and nothing of the check is lost."""
    off = dataclasses.replace(town["police"], clock=lambda: town.clock() + minutes * MINUTE_MS)
    check = new_id()
    with pytest.raises((Refused, ClockOff)) as told:
        asking.check(off, OFFICER, asked_for(ZEPHYRINE, check))
    require_line(told, "clock", "300")
    require_works(town, new_id())


def test_a_sync_with_a_clock_that_is_off(town: Town) -> None:
    with one_more_case(town):
        off = dataclasses.replace(town["council"], clock=lambda: town.clock() + 10 * MINUTE_MS)
        report = publishing.sync(off)
        assert not report.marked
        require_line(" ".join(report.troubles), "clock", "timedatectl")
        # The lease of the sync that ran ahead of time is over.
        town.clock.advance(11 * MINUTE_MS)


# --- Storage -----------------------------------------------------------------------------------


@contextmanager
def full(database: Database) -> Iterator[None]:
    """Let the database's file grow no more, as on a full disk."""

    def no_more(connection: Any, _: Any) -> None:
        (size,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {size}")

    database.engine.dispose()
    event.listen(database.engine, "connect", no_more)
    try:
        yield
    finally:
        event.remove(database.engine, "connect", no_more)
        database.engine.dispose()


def until_it_fails(work: Callable[[], Any], at_most: int = 50) -> PlainError:
    """Return the error of the first of many goes that fails: a full file still has some room."""
    for _ in range(at_most):
        try:
            work()
        except PlainError as error:
            return error
    pytest.fail("the disk never was full")


def test_a_full_disk_under_the_connector(town: Town) -> None:
    """What cannot be kept is not asked, or not shown; with room again it is answered."""
    answers: list[CheckAnswer] = []
    checks: list[str] = []

    def check() -> None:
        checks.append(new_id())
        answers.append(town.check("police", ZEPHYRINE, checks[-1]))

    check()
    with full(town["police"].database):
        error = until_it_fails(check)
        assert isinstance(error, StorageUnavailable)
        require_line(error, "connector.db is full: make room, then try again")
    require_works(town, checks[-1])
    assert all(phones(answer) == FOUND for answer in answers)
    # What was answered before can be read again: nothing was torn.
    assert town.check("police", ZEPHYRINE, answers[0].check) == answers[0]


def test_a_full_disk_under_the_index(town: Town) -> None:
    """No answer without a record: what cannot be recorded is refused, and asked again later."""
    checks: list[str] = []

    def check() -> None:
        checks.append(new_id())
        town.check("police", ZEPHYRINE, checks[-1])

    with one_more_case(town), full(town.index_app.database):
        require_line(until_it_fails(check), "cannot use its storage", "again later")
        report = town.sync("council")
        assert not report.marked
        require_line(" ".join(report.troubles), "cannot use its storage", "the next sync")
    require_works(town, checks[-1])


def test_a_full_disk_under_the_evaluator(town: Town) -> None:
    """What cannot be counted is not evaluated."""
    database = town.evaluator_app.database

    def remember_another() -> None:
        with database.write() as connection:
            remember(connection, "A" * 22, secrets.token_bytes(16), town.clock())

    with full(database):
        until_it_fails(remember_another, 500)
        error = until_it_fails(lambda: town.check("police", ZEPHYRINE))
        require_line(error, "the evaluator refused", "again later")
    require_works(town, new_id())


@contextmanager
def in_place_of(town: Town, app: Any) -> Iterator[None]:
    """Another program answers at the address of the index."""
    real, town.index.app = town.index.app, app
    try:
        yield
    finally:
        town.index.app = real


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program holds the database's one write lock."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def impatient(installation: Installation) -> Installation:
    """The same connector, which waits for a lock for a tenth of a second and not for ten."""
    url = f"sqlite:///{installation.database.name}"
    return dataclasses.replace(installation, database=Database(url, lock_wait_ms=100))


def test_a_locked_database_of_the_connector(town: Town) -> None:
    police, check = impatient(town["police"]), new_id()
    with locked(Path(police.database.name)), pytest.raises(StorageUnavailable) as told:
        asking.check(police, OFFICER, asked_for(ZEPHYRINE, check))
    require_line(told, "is locked by another program", "wait and try again")
    police.close()
    require_works(town, check)


def test_a_locked_database_of_the_index(town: Town) -> None:
    """503 and told as such; the same check is answered once the lock is gone."""
    check = new_id()
    hurried = dataclasses.replace(
        town.index_app, database=Database(f"sqlite:///{town.folder / 'index.db'}", lock_wait_ms=50)
    )
    with (
        in_place_of(town, create_app(hurried)),
        locked(town.folder / "index.db"),
        pytest.raises(Refused) as told,
    ):
        town.check("police", ZEPHYRINE, check)
    hurried.database.close()
    assert told.value.status == 503
    require_line(told, "the index refused", "again later")
    require_works(town, check)


# --- Keys --------------------------------------------------------------------------------------


@pytest.fixture
def copy(town: Town, tmp_path: Path) -> Callable[[], Path]:
    """A copy of the police's home folder, for a test to spoil."""
    home = tmp_path / "home"
    with closing(sqlite3.connect(town["police"].database.name)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copytree(town.home("police"), home)
    return lambda: home


def failing(home: Path, *words: str) -> str:
    """Run a command that must fail, and return its one line."""
    ended = CliRunner().invoke(agency_connector, ["--home", str(home), *words])
    assert ended.exit_code == 1, ended.output
    (line,) = ended.stderr.strip().splitlines()
    assert line.startswith("error: ")
    return one_line(line)


@pytest.mark.parametrize("word", ["keys", "sync", "status"])
def test_a_keyring_that_others_can_read(copy: Callable[[], Path], word: str) -> None:
    keys = copy() / "state" / "keys.json"
    keys.chmod(0o644)
    line = failing(copy(), word)
    assert f"chmod 600 {keys}" in line
    keys.chmod(0o600)
    Installation.open(copy()).close()


def test_a_keyring_of_another_agency(town: Town, copy: Callable[[], Path]) -> None:
    """Nothing is asked or published with it: it would all be in the other agency's name."""
    town.check("health", ZEPHYRINE)
    keys = copy() / "state" / "keys.json"
    shutil.copy(town.home("health") / "state" / "keys.json", keys)
    other = Installation.open(copy(), clock=town.clock)
    before = entries(town)
    for work in (
        lambda: asking.check(other, OFFICER, asked_for(ZEPHYRINE)),
        lambda: publishing.sync(other),
    ):
        with pytest.raises(OperatorError) as told:
            work()
        require_line(told, f"the keys in {keys} are those of health", "back from its backup")
    assert entries(town) == before
    other.close()


def test_a_keyring_sealed_with_another_key(town: Town, copy: Callable[[], Path]) -> None:
    """A wrong key opens nothing and spoils nothing."""
    right, wrong = copy() / "right.key", copy() / "wrong.key"
    for path, byte in ((right, b"\x01"), (wrong, b"\x02")):
        path.write_bytes(byte * 32)
        path.chmod(0o600)
    home = copy() / "sealed"
    made = CliRunner().invoke(
        agency_connector,
        ["--home", str(home), "init", "--agency", "annex", "--name", "Annex",
         "--index", INDEX_URL, "--evaluator", EVALUATOR_URL, "--seal", f"file:{right}"],
    )  # fmt: skip
    assert made.exit_code == 0, made.output
    settings = (home / "connector.toml").read_text()
    (home / "connector.toml").write_text(settings.replace(str(right), str(wrong)))
    line = failing(home, "keys")
    assert "key" in line
    (home / "connector.toml").write_text(settings)
    Installation.open(home).close()


@pytest.mark.parametrize("program", ["index", "evaluator"])
def test_a_service_does_not_start_on_keys_that_others_can_read(
    tmp_path: Path, program: str
) -> None:
    home = tmp_path / program
    words = [] if program == "index" else ["evaluator"]
    told = ["--organisation", "S", "--accountable-officer", "A", "--data-protection-contact", "d@s"]
    made = CliRunner().invoke(
        index_service,
        [*words, "init", "--home", str(home), "--partnership", "eastmere",
         "--seal", "unsealed", *(told if program == "index" else [])],
    )  # fmt: skip
    assert made.exit_code == 0, made.output
    (keys,) = home.glob("*keys.json")
    keys.chmod(0o640)
    ended = CliRunner().invoke(index_service, [*words, "run", "--home", str(home)])
    assert ended.exit_code == 1
    assert f"chmod 600 {keys}" in one_line(ended.stderr.strip())


def test_an_index_with_another_key_is_not_believed(
    town: Town, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The address leads to another index of the same name: nothing it says is used."""
    check = new_id()
    folder = tmp_path_factory.mktemp("other")
    other = new_index(Database(f"sqlite:///{folder / 'other.db'}"), town.clock)
    with in_place_of(town, create_app(other)):
        with pytest.raises(NotGenuine) as told:
            town.check("police", ZEPHYRINE, check)
        require_line(told, "does not come from the index whose key is pinned here")
        report = town.sync("council")
        assert not report.marked
        require_line(" ".join(report.troubles), "whose key is pinned here")
    other.database.close()
    require_works(town, check)


# --- Sources -----------------------------------------------------------------------------------


def test_a_source_that_cannot_be_read_withdraws_nothing_and_says_so_to_partners(
    town: Town,
) -> None:
    """The flags stand, and an answer says that they are not fresh."""
    source = town.home("council") / "cases.csv"
    kept, before = source.read_bytes(), standing(town)
    source.unlink()
    report = town.sync("council")
    require_line(" ".join(report.troubles), "cases.csv", "nothing of cases was withdrawn")
    town.later()
    answer = town.check("police", ZEPHYRINE)
    assert phones(answer) == FOUND
    (told,) = town.check("police", ("Leocadia", "Wintersmoon", "1979-08-23")).not_searched
    assert "cannot be read at present" in told.why
    assert standing(town) == before
    source.write_bytes(kept)
    assert town.sync("council").marked
    town.later()
    assert town.check("police", ZEPHYRINE).not_searched == ()
