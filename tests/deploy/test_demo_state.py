"""The demo's folder: a run works whatever the one before left, and touches nothing else."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.demo.state import fresh, stop_left_over
from foundation.operator import OperatorError


@contextmanager
def running(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process with these words in its command line, which only a signal ends."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", *words])
    try:
        # Its command line is the parent's until it has been replaced.
        while sys.executable.encode() not in Path(f"/proc/{process.pid}/cmdline").read_bytes():
            time.sleep(0.01)
        yield process
    finally:
        process.kill()
        process.wait()


def test_what_an_earlier_demo_left_is_wiped(tmp_path: Path) -> None:
    """Half-made homes, and links to elsewhere: the link goes, what it points to stays."""
    folder, elsewhere = tmp_path / "state", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").write_text("kept")
    with fresh(folder):
        (folder / "police" / "state").mkdir(parents=True)
        (folder / "police" / "connector.toml").write_text("half of")
        (folder / "link").symlink_to(elsewhere)
    with fresh(folder):
        left = {entry.name for entry in folder.iterdir()}
    assert left == {"lock", "everything-here-is-wiped-at-each-start.txt"}
    assert (elsewhere / "kept").exists()


def test_a_folder_that_no_demo_made_is_not_wiped(tmp_path: Path) -> None:
    """Somebody may name a folder of their own by mistake."""
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(OperatorError, match="no demo made"), fresh(tmp_path):
        pass
    assert (tmp_path / "letter.txt").read_text() == "mine"


def test_a_file_in_the_folders_place_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(OperatorError, match="cannot be used"), fresh(tmp_path / "state"):
        pass


def test_one_demo_at_a_time(tmp_path: Path) -> None:
    """A second one would wipe the databases of the first."""
    with fresh(tmp_path):
        (tmp_path / "index").mkdir()
        with pytest.raises(OperatorError, match="another demo is running"), fresh(tmp_path):
            pass
        assert (tmp_path / "index").exists()


def test_programs_that_a_killed_demo_left_behind_are_stopped(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    with running("run", "--home", str(folder / "index")) as left_over:
        assert stop_left_over(folder) == 1
        assert left_over.wait(5) != 0


def test_programs_of_other_folders_are_let_be(tmp_path: Path) -> None:
    """An index for real use, or another demo, may run on the same machine."""
    beside = tmp_path / "state-of-another"
    with running("run", "--home", str(beside / "index")) as other:
        assert stop_left_over(tmp_path / "state") == 0
        assert other.poll() is None
