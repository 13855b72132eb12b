"""Sends requests that were signed beforehand, and times them: a process of its own.

    python -m benchmarks.load_generator PORT FILE

FILE holds lanes of requests (msgspec, `Load`). Each lane is one client with one connection, which
sends its next request when the answer to the last is complete. A connection that the program
closes before the first byte of an answer is opened anew and the request sent again, as every
client has to expect (RFC 9112 §9.5); had the program taken it, it says that it was sent before.
Prints `Took` as JSON. It does nothing but send and receive, so that it takes little of the machine
it shares with the program.
"""

from __future__ import annotations

import selectors
import socket
import sys
import time
from pathlib import Path

import msgspec

_REOPENED_AT_MOST = 3
_HEAD_END = b"\r\n\r\n"


class Load(msgspec.Struct, frozen=True):
    """What to send: per client its HTTP requests in order, byte for byte."""

    lanes: tuple[tuple[bytes, ...], ...]


class Took(msgspec.Struct, frozen=True):
    """How long it took: seconds for each request and for all, and CPU seconds of this process.

    `refused` holds the end of each answer that was not 200; `reopened` counts the connections that
    were opened anew.
    """

    seconds: tuple[float, ...]
    wall: float
    cpu: float
    refused: tuple[str, ...]
    reopened: int


class _Lane:
    def __init__(self, port: int, requests: tuple[bytes, ...]) -> None:
        self._port = port
        self.socket = self._opened()
        self.seconds: list[float] = []
        self.refused: list[str] = []
        self.reopened = 0
        self._request = b""
        self._requests = iter(requests)
        self._answer = bytearray()
        self._whole = 0
        self._sent_at = 0.0

    def send(self) -> bool:
        """Send the next request; False if there is none."""
        request = next(self._requests, None)
        if request is None:
            self.socket.close()
            return False
        self._request = request
        self._answer.clear()
        self._whole = 0
        self._sent_at = time.perf_counter()
        try:
            self.socket.sendall(request)
        except ConnectionError:
            self.reopen()
        return True

    def reopen(self) -> None:
        """Send the request again on a new connection; SystemExit if an answer had begun."""
        if self._answer or self.reopened == _REOPENED_AT_MOST:
            raise SystemExit(
                f"the program closed a connection after {len(self.seconds)} answers and"
                f" {len(self._answer)} bytes of the next"
            )
        self.reopened += 1
        self.socket.close()
        self.socket = self._opened()
        self.socket.sendall(self._request)

    def _opened(self) -> socket.socket:
        opened = socket.create_connection(("127.0.0.1", self._port))
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return opened

    def receive(self) -> bool | None:
        """Take what has come; True if the answer is complete, None if there is no connection."""
        try:
            part = self.socket.recv(1 << 20)
        except ConnectionError:
            part = b""
        if not part:
            return None
        self._answer += part
        if not self._whole:
            end = self._answer.find(_HEAD_END)
            if end < 0:
                return False
            head = bytes(self._answer[:end]).lower()
            length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
            self._whole = end + len(_HEAD_END) + int(length)
        if len(self._answer) < self._whole:
            return False
        self.seconds.append(time.perf_counter() - self._sent_at)
        if self._answer[9:12] != b"200":
            self.refused.append(self._answer[-300:].decode(errors="replace"))
        return True


def main() -> None:
    """The command."""
    port, path = int(sys.argv[1]), Path(sys.argv[2])
    load = msgspec.msgpack.decode(path.read_bytes(), type=Load)
    lanes = [_Lane(port, requests) for requests in load.lanes]
    started, cpu = time.perf_counter(), time.process_time()
    with selectors.DefaultSelector() as waiting:
        for lane in lanes:
            if lane.send():
                waiting.register(lane.socket, selectors.EVENT_READ, lane)
        while waiting.get_map():
            for key, _ in waiting.select():
                complete = key.data.receive()
                if complete is False:
                    continue
                waiting.unregister(key.data.socket)
                if complete is None:
                    key.data.reopen()
                elif not key.data.send():
                    continue
                waiting.register(key.data.socket, selectors.EVENT_READ, key.data)
    took = Took(
        seconds=tuple(second for lane in lanes for second in lane.seconds),
        wall=time.perf_counter() - started,
        cpu=time.process_time() - cpu,
        refused=tuple(said for lane in lanes for said in lane.refused),
        reopened=sum(lane.reopened for lane in lanes),
    )
    sys.stdout.buffer.write(msgspec.json.encode(took))


if __name__ == "__main__":
    main()
