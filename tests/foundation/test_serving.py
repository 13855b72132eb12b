"""The real server, started from a real command and stopped as a service manager stops it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

PROGRAM = Path(__file__).parent / "served_program.py"


def started(folder: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), *options],
        cwd=folder,
        env=os.environ | {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def running(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    program = started(folder, "--bind", "127.0.0.1:0", *options)
    try:
        if program.stdout is None:
            raise AssertionError
        yield program, urlsplit(program.stdout.readline().strip()).netloc
    finally:
        program.kill()
        program.communicate()


def ended(folder: Path, *options: str) -> tuple[int, str]:
    """Return the exit code of a program that must end by itself, and what it said."""
    with started(folder, *options) as program:
        try:
            _, err = program.communicate(timeout=20)
        finally:
            program.kill()
    return program.returncode, err


def get(netloc: str, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(netloc, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body


def test_it_serves_and_logs_no_request(tmp_path: Path) -> None:
    with running(tmp_path) as (program, netloc):
        assert get(netloc, "/?name=Aoife") == (200, "hello")
        assert get(netloc, "/Aoife")[0] == 404
        with socket.create_connection(tuple(netloc.split(":"))) as bad:  # type: ignore[arg-type]  # host and port as text
            bad.sendall(b"GET /Aoife HTTP/9.9\r\nAoife\r\n\r\n")
            bad.recv(1000)
        assert get(netloc, "/slow") == (200, "done")  # time enough for a control socket
        assert [path.name for path in tmp_path.iterdir()] == ["started"]
        program.send_signal(signal.SIGTERM)
        out, err = program.communicate(timeout=20)
    assert program.returncode == 0
    assert "Aoife" not in out + err
    events = [json.loads(line)["event"] for line in err.splitlines()]
    assert events[0] == "serving.started"
    assert set(events[1:]) <= {"library.message"}


def test_a_request_under_way_is_answered_before_it_stops(tmp_path: Path) -> None:
    with running(tmp_path) as (program, netloc), ThreadPoolExecutor(1) as pool:
        answer = pool.submit(get, netloc, "/slow")
        deadline = time.monotonic() + 10
        while not (tmp_path / "started").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        program.send_signal(signal.SIGTERM)
        assert answer.result() == (200, "done")
        program.communicate(timeout=20)
    assert program.returncode == 0


def test_a_taken_port_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        code, err = ended(tmp_path, "--bind", bind)
    assert code == 1
    assert err.startswith(f"error: cannot listen on {bind} (Address already in use")
    assert err.count("\n") == 1


@pytest.mark.parametrize("bind", ["8000", ":8000", "127.0.0.1:", "127.0.0.1:99999", "a:b"])
def test_a_wrong_address_is_refused_with_an_example(bind: str) -> None:
    from foundation.operator import OperatorError
    from foundation.serving import serve

    with pytest.raises(OperatorError, match=r"write 127\.0\.0\.1:8000"):
        serve(lambda: pytest.fail("not reached"), bind, 1, 1)


@pytest.mark.parametrize(
    ("factory", "told"),
    [
        ("refusing", "error: the database is empty: run `served init`"),
        ("broken", "error: the program could not be made ready: its log has the place"),
    ],
)
def test_an_app_that_cannot_be_made_ends_the_program_with_the_reason(
    tmp_path: Path, factory: str, told: str
) -> None:
    code, err = ended(tmp_path, "--bind", "127.0.0.1:0", "--factory", factory)
    assert code == 1
    assert told in err.splitlines()
    assert "Aoife" not in err


def test_a_worker_that_finds_no_database_is_made_anew_and_the_program_stays(tmp_path: Path) -> None:
    """A restart of the database at the wrong moment must not end the whole program."""
    with running(tmp_path, "--factory", "database") as (program, netloc):
        assert get(netloc, "/") == (200, "hello")
        (tmp_path / "away").touch()
        pid = program.pid
        (worker,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        os.kill(int(worker), signal.SIGKILL)
        assert program.stderr is not None
        said = ""
        while "serving.waits_for_database" not in said:
            said = program.stderr.readline()
            assert said, "the program ended"
        (tmp_path / "away").unlink()
        assert get(netloc, "/") == (200, "hello")
        assert program.poll() is None
