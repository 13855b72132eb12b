"""A program as source: real processes that print, fail, hang and print nonsense."""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agency_connector.sources.rows import Refusal, RowRefused, SourceFailed, SourceRow

Read = Callable[..., list[SourceRow | RowRefused]]
JOHN: dict[str, Any] = {
    "Ref": 1,
    "First": "John",
    "Last": "Smith",
    "DOB": "1985-03-14",
    "Role": "Client",
    "Status": "Open",
    "Opened": "2026-10-01T09:30:00Z",
    "NHS": 9434765919,
}
MARY = JOHN | {"Ref": "A2", "First": "Mary", "NHS": None}


def printing(*lines: object, then: str = "") -> list[str]:
    """A command that prints the lines (objects as JSON) and then runs a statement."""
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    statements = [
        "import sys, os, time",
        f"sys.stdout.write({''.join(t + chr(10) for t in texts)!r})",
    ]
    return [sys.executable, "-c", "; ".join([*statements, "sys.stdout.flush()", then or "pass"])]


def test_objects_arrive_as_rows(read: Read) -> None:
    """Numbers become text, null is nothing."""
    john, mary = read(kind="program", command=printing(JOHN, "", MARY))
    assert isinstance(john, SourceRow)
    assert isinstance(mary, SourceRow)
    assert (john.where, john.local_id, mary.where) == ("line 1", "1", "line 3")
    assert john.particulars.identifiers == (("nhs", "9434765919"),)
    assert mary.particulars.identifiers == ()
    assert john.facts.opened is not None


def test_no_shell_reads_the_command(read: Read) -> None:
    """Arguments reach the program as written."""
    code = "import sys; print(sys.argv[1])"
    command = [sys.executable, "-c", code, json.dumps(JOHN | {"First": "$(id); `id` | x"})]
    (row,) = read(kind="program", command=command)
    assert isinstance(row, SourceRow)
    assert row.particulars.given == "$(id); `id` | x"


def test_the_program_runs_in_the_folder_of_the_settings(tmp_path: Path, read: Read) -> None:
    """A relative path means the same on every machine."""
    script = tmp_path / "export"
    script.write_text(f"#!/bin/sh\ncat <<'E'\n{json.dumps(JOHN)}\nE\n")
    script.chmod(0o700)
    assert len(read(kind="program", command=["./export"])) == 1


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("{not json", Refusal.UNREADABLE),
        ("[1, 2]", Refusal.UNREADABLE),
        ('"text"', Refusal.UNREADABLE),
        ("[" * 50_000, Refusal.UNREADABLE),
        (JOHN | {"First": {"a": "John"}}, Refusal.VALUE_UNUSABLE),
        (JOHN | {"First": "J" * 10_000_000}, Refusal.TOO_LARGE),
        (JOHN | {"First": "J" * 2_000}, Refusal.TOO_LARGE),
        (JOHN | {"Ref": None}, Refusal.LOCAL_ID_MISSING),
        ({key: value for key, value in JOHN.items() if key != "Role"}, Refusal.KEY_MISSING),
    ],
    ids=["json", "list", "text", "deep", "nested", "10 MB", "long", "number", "key"],
)
def test_a_bad_line_is_refused_and_the_rest_goes_on(
    tmp_path: Path, read: Read, line: object, code: Refusal
) -> None:
    """One clear line for it, without its values."""
    text = line if isinstance(line, str) else json.dumps(line)
    (tmp_path / "lines").write_text(f"{json.dumps(JOHN)}\n{text}\n{json.dumps(MARY)}\n")
    john, broken, mary = read(kind="program", command=["cat", "lines"])
    assert isinstance(broken, RowRefused)
    assert (broken.code, broken.where) == (code, "line 2")
    assert "John" not in broken.sentence
    assert isinstance(john, SourceRow)
    assert isinstance(mary, SourceRow)


def test_bytes_that_are_not_utf_8_refuse_their_line(tmp_path: Path, read: Read) -> None:
    """The rest goes on."""
    lines = [json.dumps(MARY), json.dumps(JOHN).replace("John", "Zoé"), json.dumps(MARY)]
    (tmp_path / "lines").write_bytes("\n".join(lines).encode("latin-1"))
    _, broken, mary = read(kind="program", command=["cat", "lines"])
    assert isinstance(broken, RowRefused)
    assert broken.code in (Refusal.UNDECODABLE, Refusal.UNREADABLE)
    assert isinstance(mary, SourceRow)


def test_a_missing_key_in_the_first_object_fails_the_source(read: Read) -> None:
    """The settings name a key that the program does not know."""
    command = printing({("Born" if key == "DOB" else key): value for key, value in JOHN.items()})
    with pytest.raises(SourceFailed, match=r"no column 'DOB': .*'Born'"):
        read(kind="program", command=command)


def test_a_failing_program_fails_the_source_without_its_words(read: Read) -> None:
    """Its error output may hold names; the line says where to look."""
    command = printing(JOHN, then="sys.exit('no such person: John Smith')")
    with pytest.raises(SourceFailed, match=r"failed \(exit code 1\): run it by hand") as caught:
        read(kind="program", command=command)
    assert "Smith" not in str(caught.value)


def test_the_error_output_of_the_program_reaches_nobody(
    read: Read, capfd: pytest.CaptureFixture[str]
) -> None:
    """It would otherwise stand in the connector's own log."""
    read(kind="program", command=printing(JOHN, then="sys.stderr.write('John Smith')"))
    assert capfd.readouterr().err == ""


def test_a_killed_program_fails_the_source(read: Read) -> None:
    """An end by a signal is no success."""
    with pytest.raises(SourceFailed, match="signal 9"):
        read(kind="program", command=printing(JOHN, then="os.kill(os.getpid(), 9)"))


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ("time.sleep(60)", "printed nothing for 1 seconds"),
        ("os.close(1); time.sleep(60)", "closed its output but did not end"),
    ],
)
def test_a_program_that_hangs_is_stopped(read: Read, last: str, said: str) -> None:
    """Neither waiting for output nor for the end takes longer than the settings allow."""
    started = time.monotonic()
    with pytest.raises(SourceFailed, match=said):
        read(kind="program", timeout_seconds=1, command=printing(JOHN, then=last))
    assert time.monotonic() - started < 10


def test_what_the_program_started_is_stopped_too(tmp_path: Path, read: Read) -> None:
    """No process of ours is left behind after a time-out."""
    script = "sleep 60 & echo $! > child; wait"
    with pytest.raises(SourceFailed, match="printed nothing"):
        read(kind="program", timeout_seconds=1, command=["sh", "-c", script])
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 5
    while _runs(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(child)


def test_closing_the_rows_early_stops_the_program(
    tmp_path: Path, source: Callable[..., Any]
) -> None:
    """Whoever stops reading leaves no process behind."""
    endless = (
        "import os; open('pid', 'w').write(str(os.getpid()))\n"
        f"while True: print({json.dumps(JOHN)!r})"
    )
    rows = source(kind="program", command=[sys.executable, "-c", endless]).rows()
    next(rows)
    rows.close()
    assert not _runs(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize("command", [["./none"], ["/"], ["nul\0"]])
def test_a_program_that_does_not_start_says_so(read: Read, command: list[str]) -> None:
    """The line names the command and what to check."""
    with pytest.raises(SourceFailed, match="does not start"):
        read(kind="program", command=command)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    return state != "Z"
