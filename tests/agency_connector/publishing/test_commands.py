"""What a person sees of `sync` and `preview`, and the exit codes that a timer sees."""

from typing import Any

import pytest
from click.testing import CliRunner, Result

from agency_connector.cli import main
from agency_connector.commands import preview as preview_command
from agency_connector.commands import sync as sync_command
from agency_connector.installation import Installation
from tests.agency_connector.publishing.borsetshire import SOURCE, Borsetshire, person


@pytest.fixture
def run(town: Borsetshire, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a command on the town's clock."""
    real = Installation.open

    class Opened:
        @staticmethod
        def open(home: Any) -> Installation:
            return real(home, clock=town.clock)

    monkeypatch.setattr(sync_command, "Installation", Opened)
    monkeypatch.setattr(preview_command, "now_ms", town.clock)

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, ["--home", str(town.folder), *words])

    return run


def test_sync_prints_what_it_did_and_exits_0(town: Borsetshire, run: Any) -> None:
    town.write(person(1), person(2, Status="closed"), person(3, Role=""))
    result = run("sync")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "cases: 3 read, 1 may be flagged, 1 role-not-mapped, 1 status-not-open",
        "epoch 1: 1 new, 0 changed, 0 unchanged, 0 withdrawn",
        "1 batch delivered, 0 waiting; partners see a complete reading",
    ]
    assert "to mend: cases: line 4: C3: the policy does not say" in result.stderr
    assert "Ambridge" not in result.output


def test_a_trouble_is_one_error_line_and_exit_code_1(town: Borsetshire, run: Any) -> None:
    town.write(*(person(n) for n in range(10)))
    assert run("sync").exit_code == 0
    town.write(person(1))
    result = run("sync")
    assert result.exit_code == 1
    assert result.stderr.count("error:") == 1
    assert "--confirm-withdrawals 9" in result.stderr
    assert run("sync", "--confirm-withdrawals", "9").exit_code == 0
    assert len(town.flags()) == 1


def test_lines_of_one_kind_are_cut_short(town: Borsetshire, run: Any) -> None:
    town.write(*(person(n, Role="") for n in range(30)))
    assert run("sync").stderr.count("to mend:") == 21


def test_sync_all_publishes_unchanged_flags_too(town: Borsetshire, run: Any) -> None:
    town.write(person(1))
    run("sync")
    assert "0 new, 1 changed" in run("sync", "--all").stdout
    assert len(town.flags()) == 1


def test_preview_masks_people_and_asks_nobody(town: Borsetshire, run: Any) -> None:
    """Neither index nor evaluator is asked, and nothing is kept."""
    town.write(
        person(1, First="Anna", Last="Smith", DOB="14/03/1985"),
        person(2, Status="closed"),
        person(3, First="", Last="", NHS="1"),
    )
    asked = len(town.index.bodies), len(town.evaluation.bodies)
    result = run("preview")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == (
        "cases: line 2: C1: A… S…, 19…: publish: at desk front-desk until 2026-12-01"
    )
    assert "cases: line 3: C2:" in lines[1]
    assert ": refuse: " in lines[2]
    assert "cases: 1 publish" in lines
    assert "cases: 1 withhold (status-not-open)" in lines
    assert not any(word in result.output for word in ("Anna", "Smith", "1985"))
    assert asked == (len(town.index.bodies), len(town.evaluation.bodies))


def test_preview_can_show_only_what_is_to_be_mended(town: Borsetshire, run: Any) -> None:
    town.write(person(1), person(2, Role=""))
    lines = run("preview", "--refused").stdout.splitlines()
    assert lines[0].startswith("cases: line 3: C2: ")


def test_preview_of_a_source_that_cannot_be_read_is_an_error_line(
    town: Borsetshire, run: Any
) -> None:
    result = run("preview")
    assert (result.exit_code, result.stderr.count("error:")) == (1, 1)
    assert run("preview", "--source", "nowhere").exit_code == 1


def test_preview_shows_what_sync_would_do(town: Borsetshire, run: Any) -> None:
    """Each record that `sync` publishes and each that it has mended, and no other."""
    town.write(
        person(1),
        person(2, Role=""),
        person(3, Status="closed"),
        person(4, First="", Last=""),
        person(5, DOB=""),
    )
    town.write(person(6), source="others")
    path = town.folder / "connector.toml"
    other = SOURCE.format(name="others").replace('desk = "front-desk"', 'desk = "new-desk"')
    path.write_text(path.read_text() + other)
    shown = run("preview").stdout.splitlines()
    to_mend = sorted(line.split(": ")[2] for line in shown if ": refuse: " in line)
    town.connector.close()
    town.connector = Installation.open(town.folder, clock=town.clock)
    report = town.sync()
    assert sorted(str(one.local_id) for one in town.told) == to_mend == ["C2", "C4", "C5", "C6"]
    assert sum(": publish: " in line for line in shown) == report.difference.new == 1
