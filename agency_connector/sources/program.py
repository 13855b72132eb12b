"""Runs a program of the agency's and streams the JSON objects it prints, one to a line.

What it writes to its error output is not read: it may hold names.
"""

import contextlib
import os
import select
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from agency_connector.sources.columns import Mapping
from agency_connector.sources.rows import (
    MAX_ROW_BYTES,
    Refusal,
    RowRefused,
    SourceFailed,
    SourceRow,
)
from agency_connector.sources.settings import ProgramSource

_READ_BYTES: Final = 65_536
_OBJECT: Final = msgspec.json.Decoder(dict[str, object])


@dataclass(frozen=True, slots=True)
class ProgramReader:
    """A `Source` that reads a program's standard output."""

    settings: ProgramSource
    base_directory: Path

    @property
    def name(self) -> str:
        """The source's name in the settings."""
        return self.settings.name

    def rows(self) -> Iterator[SourceRow | RowRefused]:
        """Yield what the program prints; see `Source.rows`.

        The first object has to have every column in use, and each later one too: a value that is
        not known is written as null.
        """
        process = self._start()
        try:
            keys: tuple[str, ...] = ()
            mapping: Mapping | None = None
            for number, line in enumerate(self._lines(process), start=1):
                if line is not None and not line.strip():
                    continue
                where = f"line {number}"
                read = self._object(where, line)
                if isinstance(read, RowRefused):
                    yield read
                    continue
                if mapping is None:
                    keys = tuple(dict.fromkeys(self.settings.columns.named().values()))
                    Mapping(self.name, self.settings.columns, self.settings.dates, list(read))
                    mapping = Mapping(self.name, self.settings.columns, self.settings.dates, keys)
                yield self._row(mapping, where, keys, read)
            self._require_success(process)
        finally:
            _end(process)

    def _start(self) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(  # noqa: S603 - the agency's own command, without a shell
                self.settings.command,
                cwd=self.base_directory,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it cannot be run"
            raise SourceFailed(
                f"{self.name}: {self.settings.command[0]}: does not start ({reason}): check "
                "command, and that the connector's user may run it"
            ) from None

    def _lines(self, process: subprocess.Popen[bytes]) -> Iterator[bytes | None]:
        """Yield the lines printed; None for each line that is too long, which is skipped."""
        held = b""
        skipping = False
        while data := self._read(process):
            first, *rest = data.split(b"\n")
            held = b"" if skipping else held + first
            for following in rest:
                yield None if skipping or len(held) > MAX_ROW_BYTES else held
                held, skipping = following, False
            if len(held) > MAX_ROW_BYTES:
                held, skipping = b"", True
        if held or skipping:
            yield None if skipping else held

    def _read(self, process: subprocess.Popen[bytes]) -> bytes:
        if process.stdout is None:
            raise SourceFailed(f"{self.name}: the program has no output")
        seconds = self.settings.timeout_seconds
        waiting = select.poll()
        waiting.register(process.stdout, select.POLLIN | select.POLLHUP)
        if not waiting.poll(seconds * 1000):
            raise SourceFailed(
                f"{self.name}: {self.settings.command[0]}: printed nothing for {seconds} seconds "
                "and was stopped: run it by hand, or raise timeout_seconds"
            )
        return os.read(process.stdout.fileno(), _READ_BYTES)

    def _object(self, where: str, line: bytes | None) -> dict[str, object] | RowRefused:
        if line is None:
            sentence = f"the line is longer than {MAX_ROW_BYTES} bytes: shorten it at source"
            return RowRefused(where=where, local_id=None, code=Refusal.TOO_LARGE, sentence=sentence)
        try:
            return _OBJECT.decode(line)
        except UnicodeDecodeError:
            code = Refusal.UNDECODABLE
            sentence = "the line is not UTF-8 text: have the program print UTF-8"
        except (msgspec.DecodeError, RecursionError):
            code = Refusal.UNREADABLE
            sentence = "the line is not one JSON object: have the program print one to each line"
        return RowRefused(where=where, local_id=None, code=code, sentence=sentence)

    def _row(
        self, mapping: Mapping, where: str, keys: tuple[str, ...], read: dict[str, object]
    ) -> SourceRow | RowRefused:
        for key in keys:
            if key not in read:
                values = [read.get(key) for key in keys]
                return RowRefused(
                    where=where,
                    local_id=mapping.local_id(values),
                    code=Refusal.KEY_MISSING,
                    sentence=f"the line has no '{key}': have the program print every key, with "
                    "null where nothing is known",
                )
        return mapping.row(where, [read[key] for key in keys])

    def _require_success(self, process: subprocess.Popen[bytes]) -> None:
        command = self.settings.command[0]
        try:
            status = process.wait(self.settings.timeout_seconds)
        except subprocess.TimeoutExpired:
            raise SourceFailed(
                f"{self.name}: {command}: closed its output but did not end and was stopped: run "
                "it by hand, or raise timeout_seconds"
            ) from None
        if status != 0:
            how = f"exit code {status}" if status > 0 else f"signal {-status}"
            raise SourceFailed(
                f"{self.name}: {command}: failed ({how}): run it by hand as the connector's user "
                "to see what it says; its error output is not kept here because it may hold names"
            )


def _end(process: subprocess.Popen[bytes]) -> None:
    """Stop the program and whatever it started, if it is still there, and collect it."""
    if process.stdout is not None:
        process.stdout.close()
    for kind in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, kind)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(2)
