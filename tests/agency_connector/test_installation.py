"""An installation: made once, opened only if its files are as they should be, and clear if not."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agency_connector.cli import main
from agency_connector.installation import Installation
from foundation.database import Database, StorageUnavailable
from foundation.operator import OperatorError


@pytest.fixture
def migrated_url() -> Callable[[str], str]:
    """These tests are of files; the database is the default one."""
    return lambda _: ""


def init(
    home: Path, *more: str, agency: str = "oakshire", index: str = "http://127.0.0.1:1"
) -> Result:
    return CliRunner().invoke(
        main,
        ["--home", str(home), "init", "--agency", agency, "--name", 'Oakshire "Council"',
         "--index", index, "--evaluator", "https://evaluator.example", "--seal", "unsealed", *more],
    )  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "oakshire"
    made = init(home)
    assert made.exit_code == 0, made.output
    return home


def test_init_makes_an_installation_that_opens(home: Path) -> None:
    installation = Installation.open(home)
    assert installation.settings.agency.name == 'Oakshire "Council"'
    assert installation.keyring.names() == (
        "handles", "journal", "padding", "sealing", "signing", "witness",
    )  # fmt: skip
    installation.close()


def test_init_says_what_to_do_next_and_that_unsealed_keys_are_not_for_real_use(
    tmp_path: Path,
) -> None:
    said = init(tmp_path / "x").output
    assert "agency-connector enrol" in said
    assert "unsealed" in said


def test_nobody_else_may_read_keys_and_database(home: Path) -> None:
    for path in (home / "state").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE((home / "connector.toml").stat().st_mode) == 0o600


def test_init_never_overwrites(home: Path) -> None:
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    again = init(home)
    assert again.exit_code == 1
    assert "already" in again.output
    assert before == {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}


def test_init_leaves_the_state_of_a_lost_settings_file_alone(home: Path) -> None:
    (home / "connector.toml").unlink()
    again = init(home)
    assert again.exit_code == 1
    assert "restore the settings" in again.output


@pytest.mark.parametrize(
    ("given", "says"),
    [({"agency": "Oak Shire"}, "agency.id"), ({"index": "http://index.example"}, "write https")],
)
def test_init_tells_a_slip_and_leaves_nothing_behind(
    tmp_path: Path, given: dict[str, str], says: str
) -> None:
    home = tmp_path / "x"
    refused = init(home, **given)
    assert refused.exit_code == 1
    assert says in refused.output
    assert list(home.iterdir()) == []


def test_a_folder_without_settings_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="agency-connector init"):
        Installation.open(tmp_path)


def test_keys_that_others_can_read_are_refused(home: Path) -> None:
    (home / "state" / "keys.json").chmod(0o640)
    with pytest.raises(OperatorError, match="chmod 600"):
        Installation.open(home)


def test_a_wrong_key_is_refused(tmp_path: Path) -> None:
    seal = tmp_path / "seal"
    seal.write_text("a" * 44)
    seal.chmod(0o600)
    home = tmp_path / "x"
    made = init(home, "--seal", f"file:{seal}")
    assert made.exit_code == 0, made.output
    seal.write_text("b" * 44)
    with pytest.raises(OperatorError, match="does not open with this key"):
        Installation.open(home)


def test_a_database_that_was_not_migrated_is_refused(home: Path) -> None:
    (home / "state" / "connector.db").unlink()
    with pytest.raises(OperatorError, match="agency-connector migrate"):
        Installation.open(home)
    assert CliRunner().invoke(main, ["--home", str(home), "migrate"]).exit_code == 0
    Installation.open(home).close()


def test_a_locked_database_is_one_clear_line(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "foundation.database.Database.__init__.__kwdefaults__", {"lock_wait_ms": 50}
    )
    holder = Database(f"sqlite:///{home / 'state' / 'connector.db'}")
    installation = Installation.open(home)
    with (
        holder.write(),
        pytest.raises(StorageUnavailable, match="locked by another"),
        installation.database.write(),
    ):
        pass
    installation.close()
    holder.close()


def test_doctor_says_for_each_part_that_it_is_well(home: Path) -> None:
    told = CliRunner().invoke(main, ["--home", str(home), "doctor"])
    assert told.exit_code == 0, told.output
    assert [line[:4] for line in told.output.splitlines()] == ["ok  "] * 7


def test_doctor_goes_on_after_the_first_fault(home: Path) -> None:
    (home / "state" / "keys.json").chmod(0o644)
    home.chmod(0o777)
    told = CliRunner().invoke(main, ["--home", str(home), "doctor"])
    os.chmod(home, 0o700)
    assert told.exit_code == 1
    assert [line.partition(":")[0] for line in told.output.splitlines()] == [
        "ok    settings", "MEND  folder", "MEND  keys", "ok    database", "ok    alarms",
        "ok    room", "ok    mail",
    ]  # fmt: skip


def test_every_word_of_the_command_has_help() -> None:
    told = CliRunner().invoke(main, ["--help"])
    assert told.exit_code == 0, told.output
    for word in ("init", "enrol", "handover", "epoch", "desk", "status", "doctor", "keys"):
        assert f"\n  {word} " in told.output
