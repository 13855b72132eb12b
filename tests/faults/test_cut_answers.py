"""An answer that is cut off says nothing about who gave it: the connector asks again."""

import socket
import threading

import pytest
import stamina

from agency_connector.transport import NotGenuine, SignedClient, Unreachable
from foundation.operator import OperatorError
from protocol.keys import SigningKey
from schemas.operations import DIRECTORY

HEAD = b"HTTP/1.1 200 OK\r\nServer: gunicorn\r\nContent-Type: application/json\r\n"


def asked(answer: bytes) -> tuple[OperatorError, int]:
    """Return what a client makes of `answer`, closed in good order, and how often it asked."""
    times = 0
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            nonlocal times
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    times += 1
                    connection.recv(65_536)
                    connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        key = SigningKey.generate()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        client = SignedClient(url, "index/eastmere", key, key.public)
        with stamina.set_testing(True, attempts=3, cap=True), pytest.raises(OperatorError) as told:
            client.call(DIRECTORY)
        client.close()
    return told.value, times


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 2", HEAD, HEAD + b"Content-Le", HEAD + b"Content-Length: 9\r\n\r\n{"],
    ids=["nothing", "first-line", "head", "within-a-field", "body"],
)
def test_an_answer_that_is_cut_off_is_asked_for_again(answer: bytes) -> None:
    error, times = asked(answer)
    assert isinstance(error, Unreachable), error
    assert times == 3


def test_a_whole_answer_without_a_signature_is_not_genuine() -> None:
    error, times = asked(HEAD + b"Content-Length: 2\r\n\r\n{}")
    assert isinstance(error, NotGenuine)
    assert times == 1
