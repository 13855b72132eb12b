"""Sends requests that were signed beforehand, and times them: a process of its own.

    python -m benchmarks.load_generator PORT FILE

FILE holds lanes of requests (msgspec, `Load`). Each lane is one client with one connection, which
sends its next request when the answer to the last is complete. Prints `Took` as JSON. It does
nothing but send and receive, so that it takes little of the machine it shares with the program.
"""

from __future__ import annotations

import selectors
import socket
import sys
import time
from pathlib import Path

import msgspec

_HEAD_END = b"\r\n\r\n"


class Load(msgspec.Struct, frozen=True):
    """What to send: per client its HTTP requests in order, byte for byte."""

    lanes: tuple[tuple[bytes, ...], ...]


class Took(msgspec.Struct, frozen=True):
    """How long it took: seconds for each request and for all, and CPU seconds of this process.

    `refused` holds the beginning of each answer that was not 200.
    """

    seconds: tuple[float, ...]
    wall: float
    cpu: float
    refused: tuple[str, ...]


class _Lane:
    def __init__(self, port: int, requests: tuple[bytes, ...]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.seconds: list[float] = []
        self.refused: list[str] = []
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
        self._answer.clear()
        self._whole = 0
        self._sent_at = time.perf_counter()
        self.socket.sendall(request)
        return True

    def receive(self) -> bool:
        """Take what has come; True if the answer is complete."""
        part = self.socket.recv(1 << 20)
        if not part:
            raise SystemExit(
                f"the program closed a connection after {len(self.seconds)} answers and"
                f" {len(self._answer)} bytes of the next"
            )
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
                if key.data.receive():
                    waiting.unregister(key.data.socket)
                    if key.data.send():
                        waiting.register(key.data.socket, selectors.EVENT_READ, key.data)
    took = Took(
        seconds=tuple(second for lane in lanes for second in lane.seconds),
        wall=time.perf_counter() - started,
        cpu=time.process_time() - cpu,
        refused=tuple(said for lane in lanes for said in lane.refused),
    )
    sys.stdout.buffer.write(msgspec.json.encode(took))


if __name__ == "__main__":
    main()
