"""Streams a file of separated values, whatever one of its records may hold.

Records are cut out of the bytes before anything is decoded or parsed, so that a record which is too
long or cannot be decoded is left out by itself, and no record is ever held beyond its limit.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final

from agency_connector.sources.columns import Mapping
from agency_connector.sources.files import cannot_read, open_file
from agency_connector.sources.rows import (
    MAX_ROW_BYTES,
    Refusal,
    RowRefused,
    SourceFailed,
    SourceRow,
)
from agency_connector.sources.settings import CsvSource

_QUOTE: Final = ord('"')
_BOM: Final = b"\xef\xbb\xbf"


class _At(Enum):
    """Where in a record the cutter is: the states of RFC 4180's grammar."""

    FIELD_START = auto()
    IN_FIELD = auto()
    IN_QUOTES = auto()
    AFTER_QUOTE = auto()


@dataclass(frozen=True, slots=True)
class _Record:
    line: int
    data: bytes
    whole: bool


@dataclass(frozen=True, slots=True)
class CsvReader:
    """A `Source` that reads a CSV file."""

    settings: CsvSource
    path: Path

    @property
    def name(self) -> str:
        """The source's name in the settings."""
        return self.settings.name

    def rows(self) -> Iterator[SourceRow | RowRefused]:
        """Yield the file's records; see `Source.rows`."""
        with open_file(self.name, self.path) as file:
            try:
                records = self._records(file)
                mapping = self._header(next(records, None))
                for record in records:
                    row = self._row(mapping, record)
                    if row is not None:
                        yield row
            except OSError as error:
                raise cannot_read(self.name, self.path, error) from None

    def _records(self, file: BinaryIO) -> Iterator[_Record]:
        """Cut the file into records; a record ends at a line's end outside quotation marks."""
        delimiter = ord(self.settings.delimiter)
        at, line, first_line = _At.FIELD_START, 1, 1
        pieces: list[bytes] = []
        size = 0
        first = file.readline(MAX_ROW_BYTES).removeprefix(_BOM)
        for piece in chain((first,), iter(lambda: file.readline(MAX_ROW_BYTES), b"")):
            room = MAX_ROW_BYTES - size
            if room > 0:
                pieces.append(piece[:room])
            size += len(piece)
            at = _after(at, piece, delimiter)
            if not piece.endswith(b"\n"):
                continue
            line += 1
            if at is _At.IN_QUOTES:
                continue
            yield _Record(first_line, b"".join(pieces), size <= MAX_ROW_BYTES)
            at, first_line, size = _At.FIELD_START, line, 0
            pieces.clear()
        if at is _At.IN_QUOTES:
            raise SourceFailed(
                f"{self.name}: {self.path}: a quotation mark opens in the record that begins on "
                f"line {first_line} and never closes: export the file again, or correct that line"
            )
        if any(pieces):
            yield _Record(first_line, b"".join(pieces), size <= MAX_ROW_BYTES)

    def _header(self, record: _Record | None) -> Mapping:
        if record is None or not record.data.strip():
            raise SourceFailed(
                f"{self.name}: {self.path}: is empty or begins with an empty line: the first line "
                "must hold the column names"
            )
        try:
            names = self._fields(record.data.decode(self.settings.encoding))
        except (UnicodeDecodeError, csv.Error):
            names = []
        if not record.whole or not names:
            raise SourceFailed(
                f"{self.name}: {self.path}: the line of column names cannot be read as "
                f"{self.settings.encoding}: check encoding (utf-8-sig or cp1252) and delimiter"
            )
        return Mapping(self.name, self.settings.columns, self.settings.dates, names)

    def _row(self, mapping: Mapping, record: _Record) -> SourceRow | RowRefused | None:
        if not record.data.strip():
            return None
        where = f"line {record.line}"
        if not record.whole:
            sentence = f"the record is longer than {MAX_ROW_BYTES} bytes: shorten it at source"
            return self._refused(mapping, record, Refusal.TOO_LARGE, sentence)
        try:
            fields = self._fields(record.data.decode(self.settings.encoding))
        except UnicodeDecodeError:
            sentence = (
                f"the record is not {self.settings.encoding} text: export it in that encoding, or "
                "change encoding (utf-8-sig or cp1252)"
            )
            return self._refused(mapping, record, Refusal.UNDECODABLE, sentence)
        except csv.Error:
            sentence = "the record is not well-formed CSV: export it again, or correct that line"
            return self._refused(mapping, record, Refusal.UNREADABLE, sentence)
        if len(fields) != mapping.width:
            sentence = (
                f"the record has {len(fields)} fields and the first line has {mapping.width}: "
                "put quotation marks round values that hold the delimiter"
            )
            return RowRefused(
                where=where, local_id=None, code=Refusal.WRONG_FIELD_COUNT, sentence=sentence
            )
        return mapping.row(where, fields)

    def _refused(
        self, mapping: Mapping, record: _Record, code: Refusal, sentence: str
    ) -> RowRefused:
        """Refuse a record that cannot be read, with its local id if that much can be read."""
        local_id = None
        try:
            fields = self._fields(record.data.decode(self.settings.encoding, "replace"))
        except csv.Error:
            fields = []
        if not record.whole:
            fields = fields[:-1]  # the last one is cut off
        if len(fields) > mapping.local_id_place:
            local_id = mapping.local_id(fields)
        return RowRefused(
            where=f"line {record.line}", local_id=local_id, code=code, sentence=sentence
        )

    def _fields(self, text: str) -> list[str]:
        return next(csv.reader((text,), delimiter=self.settings.delimiter), [])


def _after(at: _At, piece: bytes, delimiter: int) -> _At:
    """Return where in the record one is after `piece`, as Python's csv module would read it."""
    if at is not _At.IN_QUOTES and _QUOTE not in piece:
        return _At.FIELD_START if piece[-1:] == bytes((delimiter,)) else _At.IN_FIELD
    place, end = 0, len(piece)
    while place < end:
        if at is _At.IN_QUOTES:
            place = piece.find(_QUOTE, place) + 1
            if place == 0:
                return at
            at = _At.AFTER_QUOTE
        elif at is _At.IN_FIELD:
            place = piece.find(delimiter, place) + 1
            if place == 0:
                return at
            at = _At.FIELD_START
        elif at is _At.FIELD_START:
            if piece[place] == _QUOTE:
                at, place = _At.IN_QUOTES, place + 1
            else:
                at = _At.IN_FIELD
        else:
            following, place = piece[place], place + 1
            if following == _QUOTE:
                at = _At.IN_QUOTES
            else:
                at = _At.FIELD_START if following == delimiter else _At.IN_FIELD
    return at
