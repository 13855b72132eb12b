"""What of a statement's way to PostgreSQL needs psycopg: apart, for who is on SQLite needs none.

It goes by the functions of libpq that psycopg has, prepared, and several statements at once where
none needs another's answer.
"""

import select
import struct
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, Protocol, TypeAlias

from psycopg import Error, OperationalError, errors, pq

_Reader: TypeAlias = Callable[[bytes], object]
_BYTEA: Final = 17
# How PostgreSQL writes what it returns, in its binary format, by the number of the type
# (pg_type.dat): bytea; int8, int2 and int4; text and varchar.
_READERS: Final[Mapping[int, _Reader]] = {
    _BYTEA: bytes,
    **dict.fromkeys((20, 21, 23), lambda sent: int.from_bytes(sent, "big", signed=True)),
    **dict.fromkeys((25, 1043), bytes.decode),
}
_DONE: Final = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)


class Waiting(Protocol):
    """A statement that waits to be sent, with its values and their formats, and then its rows."""

    name: bytes
    words: bytes
    values: list[bytes | None]
    formats: list[int]
    found: list[tuple[Any, ...]] | None


class Line:
    """One connection to PostgreSQL: what waits to be sent, and which statements it knows.

    libpq's pipeline mode (PostgreSQL's documentation, 34.5): the server executes in order, each
    statement by itself, and skips what comes after one that fails. It is waited for once.
    """

    __slots__ = ("_poll", "_prepared", "_readers", "last_words", "server", "waiting")

    def __init__(self, server: pq.abc.PGconn) -> None:
        self.server = server
        self.waiting: list[Waiting] = []
        self.last_words: bytes | None = None
        # By name; what was prepared stays so, whether or not it succeeds and is committed.
        self._prepared: set[bytes] = set()
        self._readers: dict[bytes, list[_Reader]] = {}
        self._poll = select.poll()
        self._poll.register(server.socket, select.POLLIN)

    @property
    def is_idle(self) -> bool:
        """Whether the server is in no transaction."""
        return self.server.transaction_status == pq.TransactionStatus.IDLE

    @property
    def has_failed(self) -> bool:
        """Whether a statement of the transaction has failed, so that it will not be committed."""
        return self.server.transaction_status == pq.TransactionStatus.INERROR

    def roll_back(self) -> None:
        """Undo the transaction; raises psycopg's error if that cannot be known."""
        self.waiting = []
        if self.server.pipeline_status != pq.PipelineStatus.OFF:
            raise OperationalError("the exchange with the server was broken off")
        if not self.is_idle:
            _done(self.server.exec_(b"ROLLBACK"))

    def exchange(self, asked: Sequence[Waiting]) -> None:
        """Send `asked` and give each its rows; raises psycopg's error for the first that fails."""
        server = self.server
        new: set[bytes] = set()
        server.enter_pipeline_mode()
        for one in asked:
            if one.name not in self._prepared and one.name not in new:
                server.send_prepare(one.name, one.words)
                new.add(one.name)
            server.send_query_prepared(one.name, one.values, one.formats, 1)
        server.pipeline_sync()
        self._push()
        failure: Error | None = None
        for one in asked:
            try:
                if one.name in new:
                    new.remove(one.name)
                    unprepared = self._take_prepared(one.name)
                    failure = failure or unprepared
                one.found = self._rows(one.name, self._taken())
            except Error as error:
                if server.status != pq.ConnStatus.OK:
                    raise
                failure = failure or error
        self._answer()  # of the synchronisation: what follows begins anew
        server.exit_pipeline_mode()
        if failure is not None:
            raise failure

    @staticmethod
    def sent(value: object) -> tuple[bytes | None, int]:
        """Return a value as it goes to PostgreSQL, and its format: 0 is text, 1 binary.

        Raises TypeError for what is neither bytes, int, str, None nor a list of bytes.
        """
        if value is None or isinstance(value, bytes):
            return value, 1
        if isinstance(value, str | int):
            return str(value).encode(), 0
        if isinstance(
            value, list
        ):  # an array of bytea with one dimension, as array_send() writes it
            head = struct.pack("!iiiii", 1, 0, _BYTEA, len(value), 1)
            sizes = set(map(len, value))
            if len(sizes) == 1:  # as tokens are, which takes a tenth of the time
                return head + _size(sizes.pop()).join([b"", *value]), 1
            return head + b"".join([part for item in value for part in (_size(len(item)), item)]), 1
        raise TypeError(f"a {type(value).__name__} is not sent to a database")

    def _push(self) -> None:
        """Write out what libpq could not at once; the server may have to be read meanwhile."""
        while self.server.flush():
            self._poll.modify(self.server.socket, select.POLLIN | select.POLLOUT)
            [(_, ready)] = self._poll.poll()
            self._poll.modify(self.server.socket, select.POLLIN)
            if ready & ~select.POLLOUT:
                self.server.consume_input()

    def _take_prepared(self, name: bytes) -> Error | None:
        """Take the answer to a preparation; return psycopg's error if that failed.

        It is not raised: the statement's own answer, that it was skipped, comes all the same.
        """
        try:
            self._taken()
        except Error as error:
            if self.server.status != pq.ConnStatus.OK:
                raise
            return error
        self._prepared.add(name)
        return None

    def _taken(self) -> pq.abc.PGresult:
        """Return the next statement's result; raises psycopg's error if it failed."""
        result = self._answer()
        if result is None:
            raise OperationalError("the server ended the connection")
        self._answer()  # None: the end of this statement's results
        return _done(result)

    def _answer(self) -> pq.abc.PGresult | None:
        while self.server.is_busy():
            self._poll.poll()
            self.server.consume_input()
        return self.server.get_result()

    def _rows(self, name: bytes, result: pq.abc.PGresult) -> list[tuple[Any, ...]]:
        self.last_words = result.command_status
        readers = self._readers.get(name)
        if readers is None:
            readers = [_READERS[result.ftype(column)] for column in range(result.nfields)]
            self._readers[name] = readers
        if not readers:
            return []
        return [
            tuple(
                [
                    None if (value := result.get_value(row, column)) is None else read(value)
                    for column, read in enumerate(readers)
                ]
            )
            for row in range(result.ntuples)
        ]


@lru_cache(maxsize=64)
def _size(length: int) -> bytes:
    return length.to_bytes(4, "big")


def _done(result: pq.abc.PGresult) -> pq.abc.PGresult:
    """Return the result if it is one; raises psycopg's error for what the server says instead."""
    if result.status in _DONE:
        return result
    state = result.error_field(pq.DiagnosticField.SQLSTATE)
    said = result.error_message.decode(errors="replace").strip()
    if state is None:  # not the server's words but libpq's: the connection is lost
        raise OperationalError(said)
    raise errors.lookup(state.decode())(said)
