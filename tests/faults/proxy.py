"""A network that fails: a TCP proxy on loopback that cuts, slows and resets what goes through."""

import contextlib
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

_CHUNK: Final = 16_384
_SLOW_CHUNK: Final = 1_024
_SLOW_PAUSE_S: Final = 0.005
_IDLE_S: Final = 60.0
_CONNECT_S: Final = 5.0
_RESET: Final = struct.pack("ii", 1, 0)

Kind = Literal["refused", "request-reset", "answer-reset", "answer-ended", "slow"]


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one request.

    `refused`: the connection is reset before anything of it gets through. `request-reset`: after
    `after` bytes of the request have got through. `answer-reset`, `answer-ended`: the request gets
    through and is answered; after `after` bytes of the answer the connection is reset, or closed in
    good order. `slow`: 1,024 bytes at a time, 5 ms apart, both ways.
    """

    kind: Kind
    after: int = 0


Plan = Callable[[], Fault | None]


class Proxy:
    """Stands at a port of its own before a service whose port may change.

    `plan` is asked at each request for what is to happen to it. `met` counts what did.
    """

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self.plan: Plan = lambda: None
        self.met: dict[str, int] = {}
        self._upstream = 0
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Where the service is to be reached through this proxy."""
        return f"http://127.0.0.1:{self.port}"

    def point_at(self, port: int) -> None:
        """Let new connections go to the service at `port` of this machine."""
        self._upstream = port

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self._upstream), _CONNECT_S)
        except OSError:
            _reset(client)
            return
        try:
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                end.settimeout(_IDLE_S)
            self._forward(client, server)
        except OSError:
            _reset(client)
            _reset(server)
        finally:
            client.close()
            server.close()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        """Pass bytes on both ways until one end closes or the plan's fault happens."""
        with selectors.DefaultSelector() as ready:
            ready.register(client, selectors.EVENT_READ)
            ready.register(server, selectors.EVENT_READ)
            fault: Fault | None = None
            asking, passed = False, 0
            while events := ready.select(_IDLE_S):
                for key, _ in events:
                    from_client = key.fileobj is client
                    data = (client if from_client else server).recv(_CHUNK)
                    if not data:
                        return
                    if from_client and not asking:
                        fault, passed = self._next_fault(), 0
                    if from_client != asking:
                        passed = 0
                    asking = from_client
                    where = "request-reset" if asking else "answer-reset"
                    other = server if asking else client
                    if fault is not None and fault.kind == "refused":
                        raise ConnectionResetError
                    cut = fault is not None and (
                        fault.kind == where or (fault.kind == "answer-ended" and not asking)
                    )
                    if fault is not None and cut and passed + len(data) > fault.after:
                        other.sendall(data[: fault.after - passed])
                        if fault.kind == "answer-ended":
                            return
                        raise ConnectionResetError
                    _send(other, data, slowly=fault is not None and fault.kind == "slow")
                    passed += len(data)

    def _next_fault(self) -> Fault | None:
        with self._lock:
            fault = self.plan()
            told = "none" if fault is None else fault.kind
            self.met[told] = self.met.get(told, 0) + 1
        return fault


def _send(to: socket.socket, data: bytes, *, slowly: bool) -> None:
    if not slowly:
        to.sendall(data)
        return
    for start in range(0, len(data), _SLOW_CHUNK):
        to.sendall(data[start : start + _SLOW_CHUNK])
        time.sleep(_SLOW_PAUSE_S)


def _reset(end: socket.socket) -> None:
    """Close so that the other side sees a reset (SO_LINGER of no time) instead of an end."""
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    end.close()
