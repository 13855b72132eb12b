"""A program tells anyone whether it is alive and ready, and its figures only to its watchers."""

import threading
from collections.abc import Callable

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient

from foundation import health, metrics, problems
from foundation.health import WATCH_ADDRESS, Readiness, beside, watch_address
from foundation.metrics import Metrics
from foundation.operator import OperatorError
from foundation.problems import Problem
from foundation.routes import Guard

HERE = {"SERVER_NAME": "127.0.0.1", "SERVER_PORT": "9001"}


def program(**checks: Callable[[], object]) -> FlaskClient:
    app = Flask("program", static_folder=None)
    figures = Metrics()
    metrics.observe(app, figures)
    problems.register(app)
    guard = Guard({**health.CHECKS, "anyone": Guard.anyone})

    @guard.route(app, "/people/<name>", may="anyone", endpoint="look-up")
    def look_up(name: str) -> str:
        if name == "nobody":
            raise Problem(404, "nobody", "There is nobody of that name.")
        return name

    health.serve(app, guard, Readiness(checks), figures)
    guard.seal(app)
    app.config[WATCH_ADDRESS] = ("127.0.0.1", "9001")
    return app.test_client()


def fail() -> None:
    raise OperatorError("the database of Aoife is away: look")


def test_a_program_is_alive_even_if_it_is_not_ready() -> None:
    client = program(database=fail)
    assert client.get("/healthz").text == "alive\n"


def test_what_fails_is_named_and_why_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    answer = program(database=fail, keyring=lambda: None).get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["failing"] == ["database"]
    said = capsys.readouterr().err
    assert '"check": "database"' in said
    assert "Aoife" not in answer.text + said


def test_a_program_is_ready_when_nothing_fails() -> None:
    assert program(database=lambda: None).get("/readyz").text == "ready\n"


def test_asking_again_at_once_does_not_check_again() -> None:
    asked: list[int] = []
    readiness = Readiness({"database": lambda: asked.append(1)})
    callers = [threading.Thread(target=readiness.failing) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(asked) < 8


def test_figures_are_not_told_at_the_public_address() -> None:
    client = program()
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Host": "127.0.0.1:9001"}).status_code == 404
    assert client.get("/metrics", environ_overrides=HERE).status_code == 200


def test_nothing_but_health_is_told_at_the_watch_address() -> None:
    client = program()
    assert client.get("/people/aoife").status_code == 200
    assert client.get("/people/aoife", environ_overrides=HERE).status_code == 404
    assert client.get("/healthz", environ_overrides=HERE).status_code == 200


def test_figures_hold_operations_and_status_classes_and_nothing_that_was_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    client = program()
    for path in ("/people/aoife?born=1990", "/people/nobody", "/aoife", "/readyz"):
        client.get(path)
    told = client.get("/metrics", environ_overrides=HERE).text
    assert 'ifi_requests_total{operation="look-up",status="2xx"} 1.0' in told
    assert 'ifi_requests_total{operation="look-up",status="4xx"} 1.0' in told
    assert 'ifi_requests_total{operation="none",status="4xx"} 1.0' in told
    assert 'ifi_request_seconds_count{operation="look-up"} 2.0' in told
    said = capsys.readouterr().err
    for secret in ("aoife", "1990", "nobody", "people"):
        assert secret not in told
        assert secret not in said


def test_each_request_is_one_line_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    client = program()
    client.get("/people/aoife")
    client.get("/readyz")
    [line] = capsys.readouterr().err.splitlines()
    assert '"event": "request.answered", "operation": "look-up"' in line
    assert '"status": 200' in line
    assert '"duration_ms": ' in line


def test_a_program_that_serves_nothing_else_is_watched_from_a_thread() -> None:
    figures = Metrics()
    figures.counter("things", "Things done.").inc()
    with beside("127.0.0.1:0", Readiness({}), figures) as address:
        assert "ifi_things_total 1.0" in requests.get(f"{address}/metrics", timeout=10).text
        assert requests.get(f"{address}/readyz", timeout=10).text == "ready\n"
        with pytest.raises(OperatorError, match="cannot listen"):
            beside(address.removeprefix("http://"), Readiness({}), figures).__enter__()


@pytest.mark.parametrize(
    ("setting", "bind", "watch"),
    [
        (None, "10.0.0.1:8001", "127.0.0.1:9001"),
        (None, "127.0.0.1:0", "127.0.0.1:0"),
        (None, "127.0.0.1:65000", "127.0.0.1:0"),
        ("10.0.0.2:9100", "10.0.0.1:8001", "10.0.0.2:9100"),
        ("off", "10.0.0.1:8001", None),
    ],
)
def test_the_watch_address_is_on_loopback_unless_set(
    setting: str | None, bind: str, watch: str | None
) -> None:
    assert watch_address(setting, bind) == watch
