"""The demo's folder: one demo at a time in it, and nothing left of the one before."""

import fcntl
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from foundation.operator import OperatorError

_MARKER: Final = "everything-here-is-wiped-at-each-start.txt"
_MARKER_TEXT: Final = (
    "Made by `make demo`. Everybody in here is fictional, the keys are not sealed, and the next\n"
    "run of the demo wipes the folder.\n"
)
_LOCK: Final = "lock"
_PROCESSES: Final = Path("/proc")
_STOP_SECONDS: Final = 10.0


@contextmanager
def fresh(folder: Path) -> Iterator[Path]:
    """Lock `folder`, stop what an earlier demo left running from it, empty it, and yield it.

    Raises OperatorError if another demo runs in it, if it holds what no demo made, or if it cannot
    be written.
    """
    try:
        _require_ours(folder)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / _MARKER).write_text(_MARKER_TEXT, encoding="utf-8")
        lock = (folder / _LOCK).open("w", encoding="utf-8")
    except OSError as error:
        raise _unusable(folder, error) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OperatorError(
                f"another demo is running in {folder}: stop it there with Ctrl-C, then start again"
            ) from None
        stop_left_over(folder)
        try:
            _empty(folder)
        except OSError as error:
            raise _unusable(folder, error) from None
        yield folder


def stop_left_over(folder: Path) -> int:
    """Stop every program of ours that still runs from a home below `folder`; return how many.

    A demo that was killed leaves its programs behind. They are told by their own command line,
    which names a home in this folder, and by belonging to this user.
    """
    found = _running_from(folder)
    for pid in found:
        _signal(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while (left := [pid for pid in _running_from(folder) if pid in found]) and (
        time.monotonic() < deadline
    ):
        time.sleep(0.05)
    for pid in left:
        _signal(pid, signal.SIGKILL)
    return len(found)


def _running_from(folder: Path) -> set[int]:
    if not _PROCESSES.is_dir():
        return set()
    beginning = f"{folder}{os.sep}".encode()
    found = set()
    for entry in _PROCESSES.iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            if entry.stat().st_uid != os.getuid():
                continue
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it ended while we looked
        homes = [words[at + 1] for at, word in enumerate(words[:-1]) if word == b"--home"]
        if any(home.startswith(beginning) for home in homes):
            found.add(int(entry.name))
    return found


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _require_ours(folder: Path) -> None:
    """Refuse to wipe a folder that was not made by a demo."""
    if folder.is_dir() and any(folder.iterdir()) and not (folder / _MARKER).exists():
        raise OperatorError(
            f"{folder} holds files that no demo made, and the demo would wipe them: name another "
            "folder with --state"
        )


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.name in (_MARKER, _LOCK):
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _unusable(folder: Path, error: OSError) -> OperatorError:
    return OperatorError(
        f"{folder} cannot be used ({error.strerror}): remove it, if need be as the user who made "
        "it, or name another folder with --state"
    )
