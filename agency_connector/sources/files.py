"""Opens the files that sources name, and says plainly why one cannot be opened."""

import stat
from pathlib import Path
from typing import BinaryIO

from agency_connector.sources.rows import SourceFailed


def open_file(source: str, path: Path) -> BinaryIO:
    """Open `path` to be read, as bytes; raise `SourceFailed` if that cannot be done."""
    try:
        return path.open("rb")
    except OSError as error:
        raise cannot_read(source, path, error) from None


def cannot_read(source: str, path: Path, error: OSError) -> SourceFailed:
    """Return the failure that an error of the operating system means for this source."""
    if isinstance(error, FileNotFoundError):
        return SourceFailed(f"{source}: {path}: there is no such file: check path and the export")
    if isinstance(error, PermissionError):
        return SourceFailed(f"{source}: {path}: let the connector's user read this file")
    return SourceFailed(
        f"{source}: {path}: cannot be read ({error.strerror}): check path, and the disk or share "
        "that the file is on"
    )


def read_secret(source: str, path: Path) -> str:
    """Return the one line in a file that only its owner may read.

    Raises `SourceFailed` if the file is missing, others can read it, or it holds no single line.
    """
    with open_file(source, path) as file:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise SourceFailed(f"{source}: others can read {path}: run: chmod 600 {path}")
        try:
            lines = file.read(10_000).decode().strip().splitlines()
        except UnicodeDecodeError:
            lines = []
    if len(lines) != 1:
        raise SourceFailed(f"{source}: {path}: must hold one line of text, the database's URL")
    return lines[0]
