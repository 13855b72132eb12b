"""What `run` does by itself: it syncs, it looks at the index, and it says what needs a person."""

import secrets
import time
from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest
from flask.testing import FlaskClient

from agency_connector import scheduling
from agency_connector.app import create_app
from agency_connector.commands.run import LOG_FIELDS
from agency_connector.settings import ScheduleSettings
from agency_connector.trust import standing
from foundation import logs
from foundation.health import WATCH_ADDRESS
from foundation.metrics import Metrics
from foundation.operator import OperatorError
from index_service.agencies import documents as kept
from protocol import documents
from protocol.encoding import b64u_encode
from schemas.handover import HandoverPackage
from tests.agency_connector.publishing.borsetshire import Borsetshire, person

PATIENCE_S = 30
WATCH = {"SERVER_NAME": "127.0.0.1", "SERVER_PORT": "9300"}


@pytest.fixture(autouse=True)
def own_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log's fields as `run` configures them, without taking over the process's hooks."""
    monkeypatch.setattr(logs, "_fields", {**logs._fields, **LOG_FIELDS})


def wait_until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def test_a_scheduled_sync_publishes_and_is_counted(
    town: Borsetshire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduling, "_FIRST", 10**9)  # so that the first is due at once
    town.write(*(person(n) for n in range(5)))
    figures = Metrics()
    scheduler = scheduling.start(town.connector, figures)
    try:
        wait_until(
            lambda: (
                b'ifi_job_runs_total{job="look",outcome="done"} 1.0' in figures.render()
                and b'ifi_job_runs_total{job="sync",outcome="done"} 1.0' in figures.render()
            ),
            "a job was not done",
        )
    finally:
        scheduler.shutdown()
    assert len(town.flags()) == 5


def test_a_job_that_is_never_due_is_not_scheduled(town: Borsetshire) -> None:
    schedule = ScheduleSettings(
        sync_minutes=0, log_minutes=0, witness_seconds=0, contacts_seconds=0
    )
    settings = msgspec.structs.replace(town.connector.settings, schedule=schedule)
    scheduler = scheduling.start(replace(town.connector, settings=settings), Metrics())
    assert [job.args[0] for job in scheduler.get_jobs()] == ["look", "retention"]
    scheduler.shutdown()


def test_what_needs_a_person_is_counted_and_no_record_is_named(
    town: Borsetshire, capsys: pytest.CaptureFixture[str]
) -> None:
    town.write(person(1), person(2, DOB="no date"))
    assert scheduling.sync(town.connector) in {True, False}
    said = capsys.readouterr().err
    assert '"event": "sync.finished", "delivered": 1' in said
    assert "no date" not in said
    assert "dropped" not in said


def test_what_went_wrong_unwatched_can_be_found(
    town: Borsetshire, capsys: pytest.CaptureFixture[str]
) -> None:
    """The log has the kind of trouble, and `status` the line that says what to do."""

    def said() -> list[tuple[str, bool]]:
        found = standing.lines(town.connector)
        return [(line.sentence, line.good) for line in found if line.about == "sync"]

    assert said() == []
    (town.folder / "cases.csv").unlink(missing_ok=True)
    assert not scheduling.sync(town.connector)
    assert '"event": "sync.trouble", "trouble": "source-failed"' in capsys.readouterr().err
    (_, good), (trouble, _) = said()
    assert not good
    assert "nothing of cases was withdrawn" in trouble
    town.write(person(1))
    assert scheduling.sync(town.connector)
    ((sentence, good),) = said()
    assert good
    assert "UTC, with nothing to do" in sentence


def test_a_sync_that_could_not_begin_is_found_in_status_too(town: Borsetshire) -> None:
    town.configure()
    with pytest.raises(OperatorError):
        scheduling.sync(town.connector)
    found = [line for line in standing.lines(town.connector) if line.about == "sync"]
    assert any("no [[sources]]" in line.sentence for line in found)


def test_a_waiting_hand_over_is_said(town: Borsetshire, capsys: pytest.CaptureFixture[str]) -> None:
    """One for an epoch that this connector has is none to wait for."""
    assert scheduling.look(town.connector)
    index = town.partnership.index
    for epoch in (1, 2):
        package = HandoverPackage(
            partnership="borsetshire",
            epoch=epoch,
            sender="council",
            recipient="council",
            sender_keys=town.connector.keys,
            recipient_keys=town.connector.keys,
            ciphertext=b64u_encode(secrets.token_bytes(64)),
            signed_at=town.clock(),
        )
        envelope = documents.sign(package, town.connector.signing_key)
        with index.database.write() as connection:
            kept.keep(connection, "handover", "council", envelope, 1, epoch)
    assert not scheduling.look(town.connector)
    assert '"event": "partnership.look", "doubts": 0, "handovers": 1' in capsys.readouterr().err


@pytest.fixture
def client(town: Borsetshire) -> FlaskClient:
    app = create_app(town.connector)
    app.config[WATCH_ADDRESS] = ("127.0.0.1", "9300")
    return app.test_client()


def test_a_connector_that_was_handed_over_to_is_ready(client: FlaskClient) -> None:
    assert client.get("/healthz").text == "alive\n"
    assert client.get("/readyz").text == "ready\n"


def test_a_connectors_figures_are_told_at_the_watch_address_only(client: FlaskClient) -> None:
    client.get("/")
    assert client.get("/metrics").status_code == 404
    told = client.get("/metrics", environ_overrides=WATCH)
    assert "ifi_requests_total" in told.text
    assert "council" not in told.text
