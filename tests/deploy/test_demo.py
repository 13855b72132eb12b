"""The demo from end to end: the real programs on loopback, and every answer what it should be."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from deploy.demo import __main__ as demo
from deploy.demo import programs
from deploy.demo.checks import (
    ALMOST_CERTAIN,
    GRADES,
    UNSURE,
    Expected,
    Told,
    differences_from,
    read_answer,
    shown_in_full,
    told_alike,
    without_times,
)
from deploy.demo.programs import CommandFailed, Services, command, done
from deploy.demo.state import fresh, stop_left_over
from deploy.demo.telling import Telling

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True, slots=True)
class Run:
    """A run of the demo that has ended."""

    state: Path
    code: int
    out: str
    err: str


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """One whole run, on what a demo that was killed half-way has left: homes and a process."""
    state = tmp_path_factory.mktemp("demo") / "state"
    with fresh(state):
        (state / "police" / "state").mkdir(parents=True)
        (state / "police" / "connector.toml").write_text("[agency]\nid = ")
    left_over = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(900)", "--home", str(state / "index")]
    )
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "deploy.demo", "--state", state],
            cwd=ROOT,
            env=os.environ | {"ONCE": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert left_over.wait(5) == -signal.SIGTERM
    finally:
        left_over.kill()
        left_over.wait()
    yield Run(state, ended.returncode, ended.stdout, ended.stderr)
    stop_left_over(state)


def test_every_answer_is_what_it_should_be(run: Run) -> None:
    """Enrolment, hand-over, four kinds of source, publishing, checks, refusals and a reference."""
    assert run.code == 0, run.out + run.err
    assert "Every answer is what it should be" in run.out
    assert "WRONG" not in run.out
    assert "The record is whole to " in run.out


def test_the_demo_is_calm_plain_and_honest_about_itself(run: Run) -> None:
    assert run.err == ""
    assert "Traceback" not in run.out
    assert "\x1b" not in run.out
    assert "fictional" in run.out
    assert "keys are NOT sealed" in run.out


def test_once_leaves_no_program_running(run: Run) -> None:
    assert stop_left_over(run.state) == 0


def test_neither_index_nor_evaluator_has_seen_a_name(run: Run) -> None:
    """Databases, write-ahead logs, keyrings and the programs' own logs hold nobody's name, in
    letters small or capital."""
    names = [check.name.split()[-1].lower().encode() for check in shown_in_full()]
    searched = 0
    for folder in ("index", "evaluator", "logs"):
        for path in (run.state / folder).rglob("*"):
            if path.is_file():
                held = path.read_bytes().lower()
                searched += len(held)
                assert not [name for name in names if name in held], path
    assert searched > 100_000
    exported = (run.state / "police" / "export" / "occurrences.csv").read_bytes().lower()
    assert names[0] in exported


def test_the_readmes_excerpt_is_what_the_demo_prints(run: Run) -> None:
    """References, times and whether a desk is open differ from run to run."""

    def plain(line: str) -> str:
        line = re.sub(r"\((open|closed) now\)", "(now)", without_times(line))
        return re.sub(r"quote: \S+", "quote: (reference)", line)

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    excerpt = readme.split("## What you will see")[1].split("## ")[0]
    shown = [line for line in excerpt.splitlines() if line.startswith("    ")]
    printed = {plain(line) for line in run.out.splitlines()}
    assert len(shown) > 20
    assert not [line for line in shown if plain(line) not in printed]


WORDS = """\
2 partners are involved

Involved: Anytown Police
  Front desk: 01632 960101
  Almost certainly the same person
  Same first name, surname and date of birth
  Reference to quote: EDK5J-ETTV8

Involved: Anytown Housing
  Front desk: 01632 960102
  May not be the same person
  Same first name and date of birth; surname was not compared
  Reference to quote: 4TGKE-WDRRN

None recorded
  Anytown Fire (read today at 15:46)

Not searched or out of date
  Anytown Probation: Not searched: no agreement between you covers this purpose.
    Duty officer: 01632 960401

Some partners never show whether they are involved; if they are, they decide whether to contact \
you: Anytown Health and Anytown School.

This check was recorded at 15:46. Your agency keeps the receipt.
"""
EXPECTED = Expected(
    involved={"Anytown Police": ALMOST_CERTAIN, "Anytown Housing": UNSURE},
    none_recorded=frozenset({"Anytown Fire"}),
    not_searched=frozenset({"Anytown Probation"}),
    never_show=frozenset({"Anytown Health", "Anytown School"}),
)


def test_an_answer_is_read_as_an_officer_reads_it() -> None:
    assert read_answer(WORDS) == Told(
        involved={"Anytown Police": ALMOST_CERTAIN, "Anytown Housing": UNSURE},
        none_recorded=("Anytown Fire",),
        not_searched=("Anytown Probation",),
        never_show=("Anytown Health", "Anytown School"),
        alarms=(),
    )
    assert differences_from(EXPECTED, read_answer(WORDS)) == []


@pytest.mark.parametrize(
    ("wrong", "difference"),
    [
        (WORDS.replace(ALMOST_CERTAIN, UNSURE), "Anytown Police should be involved: Almost"),
        (WORDS.replace("Involved: Anytown Police", ""), "Anytown Police should be involved"),
        (WORDS.replace("  Anytown Fire (", "  Anytown Post ("), "none recorded should be"),
        (WORDS.replace("  Anytown Probation:", "  Anytown Post:"), "not searched should be"),
        (WORDS.replace("Anytown Health and ", ""), "never shows should be"),
        (f"ALARM: something\n{WORDS}", "there is an alarm"),
        ("", "Anytown Police should be involved"),
    ],
)
def test_a_wrong_answer_is_found_and_named(wrong: str, difference: str) -> None:
    """The demo's exit code is worth what this comparison is worth."""
    assert [found for found in differences_from(EXPECTED, read_answer(wrong)) if
            found.startswith(difference)]  # fmt: skip


def test_the_checks_show_what_the_product_promises() -> None:
    """Each grade of importance, a partner not searched, one that never shows, a look wider."""
    checks = shown_in_full()
    wanted = [check.expected for check in checks] + [c.wider for c in checks if c.wider is not None]
    assert any(each.none_recorded for each in wanted)
    assert all(each.not_searched for each in wanted)
    assert all(each.never_show for each in wanted)
    assert {sure for each in wanted for sure in each.involved.values()} < set(GRADES)
    assert any(not each.involved for each in wanted)
    alike = told_alike(date(2026, 11, 1))
    assert [check.expected for check in alike] == [checks[-1].expected] * len(alike)


@pytest.fixture
def signals_and_stop_flag(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the demo changes for its whole process is put back."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    monkeypatch.setattr(programs, "_stopping", threading.Event())
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.usefixtures("signals_and_stop_flag")
def test_a_wrong_answer_makes_the_demo_fail_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class OneWrong:
        differences = ("Anytown Police should be involved and is not",)

        def __init__(self, *_: object) -> None: ...

        def all(self, _: object) -> None: ...

    monkeypatch.setattr(demo, "bring_up", lambda *_: None)
    monkeypatch.setattr(demo, "Checking", OneWrong)
    monkeypatch.setattr(demo, "countersign", lambda *_: ())
    monkeypatch.setattr(sys, "argv", ["demo", "--state", str(tmp_path / "state")])
    monkeypatch.setenv("ONCE", "1")
    assert demo.main() == 1
    assert "WRONG  Anytown Police should be involved and is not" in capsys.readouterr().out


@pytest.mark.usefixtures("signals_and_stop_flag")
def test_a_failing_command_is_one_line_and_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        done("agency-connector", "--home", tmp_path / "nowhere", "status")

    monkeypatch.setattr(demo, "bring_up", fail)
    monkeypatch.setattr(sys, "argv", ["demo", "--state", str(tmp_path / "state")])
    assert demo.main() == 1
    told = capsys.readouterr()
    assert told.err.startswith("error: `agency-connector --home")
    assert "there is no connector.toml here" in told.err
    assert told.err.count("\n") == 1


def test_a_program_that_serves_is_stopped_with_its_workers(tmp_path: Path) -> None:
    """Ctrl-C in the demo reaches the demo alone: it has to stop what it started."""
    home = tmp_path / "index"
    done(
        "index-service", "init", "--home", home, "--seal", "unsealed", "--partnership", "anytown",
        "--organisation", "Anytown Office", "--accountable-officer", "Somebody Invented",
        "--data-protection-contact", "dp@anytown.example", "--bind", "127.0.0.1:0",
    )  # fmt: skip
    services = Services(tmp_path / "logs")
    try:
        index = services.start("index", "index-service", "run", "--home", home)
        assert index.address.startswith("http://127.0.0.1:")
        assert services.ended() is None
    finally:
        services.stop()
    assert index.process.returncode == 0
    assert stop_left_over(tmp_path) == 0


def test_a_program_that_does_not_start_is_said_with_its_reason(tmp_path: Path) -> None:
    services = Services(tmp_path / "logs")
    with pytest.raises(CommandFailed, match="did not start"):
        services.start("index", "index-service", "run", "--home", tmp_path / "nothing-here")


@pytest.mark.usefixtures("signals_and_stop_flag")
def test_no_command_is_started_once_the_demo_is_being_stopped() -> None:
    """Otherwise Ctrl-C during set-up would let the rest of the set-up run on."""
    programs.start_no_more()
    with pytest.raises(CommandFailed, match="being stopped"):
        command("agency-connector", "--help")


@pytest.mark.usefixtures("signals_and_stop_flag")
def test_a_running_command_is_ended_when_the_demo_is_being_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever presses Ctrl-C does not wait for what other threads have begun."""
    waiting = [sys.executable, "-c", "import time; print(time.sleep(60))"]
    monkeypatch.setattr(programs, "_words", lambda *_: waiting)
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(command, "agency-connector", "sync")
        while not programs._running:
            time.sleep(0.01)
        programs.start_no_more()
        assert ended.result(timeout=20).code == -signal.SIGTERM


def test_what_is_printed_through_a_pipe_has_no_colours(capsys: pytest.CaptureFixture[str]) -> None:
    telling = Telling()
    telling.step("A step")
    telling.good("well")
    telling.quote("  indented " + "word " * 40)
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert max(map(len, printed.splitlines())) <= 100
    assert all(line.startswith("    │   ") for line in printed.splitlines()[3:])
