"""Files that must not be half written, and files that nobody else may read."""

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from foundation.operator import OperatorError


def write_atomically(path: Path, content: bytes, *, mode: int = 0o600, new: bool = False) -> None:
    """Put `content` at `path` so that a crash leaves the old file or the new one, never a part.

    The content and then the folder's entry reach the disk before this returns. With `new` an
    existing file is left alone and FileExistsError raised. Raises OperatorError if it cannot be
    written; then the old file is as it was.
    """
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(file.fileno(), mode)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if new:
                os.link(temporary, path)  # unlike rename, never replaces
            else:
                os.rename(temporary, path)
        finally:
            Path(temporary).unlink(missing_ok=True)
        _sync_folder(path.parent)
    except FileExistsError:
        raise
    except OSError as error:
        raise OperatorError(
            f"{path}: cannot be written ({error.strerror}): make room or let this user write in "
            f"{path.parent}; what was there before is unchanged"
        ) from None


def read_private(path: Path, *, owner_may_be_root: bool = False) -> bytes:
    """Return the content of a file that only this user can read.

    Raises OperatorError, with the command that mends it, if the file is missing, if its group or
    others have any right to it, or if it belongs to another user. `owner_may_be_root` also allows
    root's file, as a mount has it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise OperatorError(
            f"{path}: there is no such file: create it or correct the path"
        ) from None
    except OSError as error:
        raise OperatorError(
            f"{path}: cannot be read ({error.strerror}): run this as the file's owner"
        ) from None
    try:
        _require_private(path, os.fstat(descriptor), owner_may_be_root)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, for which other processes wait that change a file in it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise OperatorError(
            f"{folder}: cannot be opened ({error.strerror}): create the folder for this user"
        ) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _require_private(path: Path, status: os.stat_result, owner_may_be_root: bool) -> None:
    user = os.geteuid()
    if not stat.S_ISREG(status.st_mode):
        raise OperatorError(f"{path}: is not a file: correct the path")
    if status.st_uid != user and not (owner_may_be_root and status.st_uid == 0):
        raise OperatorError(
            f"{path}: belongs to user {status.st_uid} and this program runs as {user}: "
            f"run it as that user, or `chown {user} {path}`"
        )
    if status.st_mode & 0o077:
        raise OperatorError(
            f"{path}: others can reach it (mode {stat.S_IMODE(status.st_mode):04o}): "
            f"`chmod 600 {path}`, and change the keys in it if others may have read them"
        )


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
