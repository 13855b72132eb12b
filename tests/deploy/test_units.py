"""The systemd units start what there is, as a user of its own, shut off from the machine."""

import configparser
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from click import Command, Context, Group

from agency_connector.cli import main as agency_connector
from foundation.serving import GRACEFUL_TIMEOUT_S, TUNABLE, _tuned
from index_service.cli import main as index_service

ROOT = Path(__file__).parent.parent.parent
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
PROGRAMS = {"index-service": index_service, "agency-connector": agency_connector}
MOST_EXPOSED = 1.5
"""What `systemd-analyze security` may give at most, of 10."""

each_unit = pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
with_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine"
)


def read(unit: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # keys are as written
    parser.read(unit)
    return parser


def test_there_is_a_unit_for_each_program() -> None:
    names = [unit.stem for unit in UNITS]
    assert names == ["agency-connector", "evaluator", "index-service", "index-worker"]


@each_unit
def test_a_unit_starts_a_command_with_options_that_it_has(unit: Path) -> None:
    program, *words = shlex.split(read(unit)["Service"]["ExecStart"])
    command: Command = PROGRAMS[Path(program).name]
    known: set[str] = set()
    while words:
        known |= {name for parameter in command.params for name in parameter.opts}
        word = words.pop(0)
        if word.startswith("--"):
            assert word in known, word
            words.pop(0)  # each of these takes a value
            continue
        assert isinstance(command, Group), word
        found = command.get_command(Context(command), word)
        assert found is not None, word
        command = found
    assert not isinstance(command, Group)


@each_unit
def test_a_unit_is_ready_when_the_program_says_so_and_leaves_it_time_to_finish(unit: Path) -> None:
    service = read(unit)["Service"]
    assert service["Type"] == "notify"
    assert service["KillMode"] == "mixed"
    assert int(service["TimeoutStopSec"]) > GRACEFUL_TIMEOUT_S
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"


@each_unit
def test_a_unit_is_shut_off_from_the_machine(unit: Path) -> None:
    service = read(unit)["Service"]
    assert service["User"] not in {"root", "nobody"}
    assert service["CapabilityBoundingSet"] == ""
    for yes in ("NoNewPrivileges", "PrivateTmp", "PrivateUsers", "MemoryDenyWriteExecute"):
        assert service[yes] == "yes", yes
    assert service["ProtectSystem"] == "strict"
    assert service["UMask"] == "0077"
    assert service["LoadCredentialEncrypted"].startswith("keyring:")


@with_systemd
@each_unit
def test_systemd_finds_nothing_wrong_with_a_unit(unit: Path, tmp_path: Path) -> None:
    text = unit.read_text()
    for program in PROGRAMS:
        (tmp_path / program).write_text("#!/bin/sh\n")
        (tmp_path / program).chmod(0o755)
        text = text.replace(f"/opt/interest-flag-index/bin/{program}", str(tmp_path / program))
    copy = tmp_path / unit.name
    copy.write_text(text)
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True, check=False
    )
    # What is wrong with other units of this machine is not ours.
    said = [line for line in checked.stderr.splitlines() if unit.name in line]
    assert said == []


@with_systemd
@each_unit
def test_systemd_gives_a_unit_a_low_exposure(unit: Path) -> None:
    checked = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", unit],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SYSTEMD_COLORS": "0", "LC_ALL": "C.UTF-8"},
    )
    if "unrecognized option" in checked.stderr:
        pytest.skip("this systemd cannot look at a unit that is not loaded")
    level = re.search(r"Overall exposure level for [\w.-]+: ([\d.]+)", checked.stdout)
    assert level is not None, checked.stdout + checked.stderr
    assert float(level[1]) <= MOST_EXPOSED


def test_the_gunicorn_configuration_is_one_that_the_programs_take() -> None:
    tuned = _tuned(ROOT / "deploy" / "gunicorn" / "gunicorn.conf.py")
    assert tuned.keys() <= TUNABLE
    assert tuned["graceful_timeout"] == GRACEFUL_TIMEOUT_S
