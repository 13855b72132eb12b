"""Partners whose publication is too old are named to the steward; the metric only counts them."""

import pytest

from foundation import logs
from index_service.app import LOG_FIELDS
from index_service.settings import WorkerSettings
from index_service.worker.doing import do
from index_service.worker.jobs import jobs_of
from index_service.worker.staleness import stale_partners
from tests.conftest import FakeClock
from tests.index_service.partnership import DAY_MS, Partnership
from tests.index_service.publishing import mark


def stale(partnership: Partnership) -> tuple[str, ...]:
    index = partnership.index
    with index.database.read() as connection:
        return stale_partners(connection, index, index.clock())


def test_a_partner_is_stale_once_its_reading_is_older_than_allowed(
    partnership: Partnership, clock: FakeClock
) -> None:
    police = partnership.member("police")
    health = partnership.member("health", police)
    silent = partnership.member("housing", police)
    police.open_epoch()
    for agency in (police, health):
        assert mark(agency).status == 200
    clock.advance(2 * DAY_MS)
    assert stale(partnership) == ()
    clock.advance(1)
    assert mark(health).status == 200
    assert stale(partnership) == ("police",)
    assert silent.name == "housing"


def test_a_partner_that_has_paused_or_is_suspended_is_not_stale(
    partnership: Partnership, clock: FakeClock
) -> None:
    police = partnership.member("police")
    health = partnership.member("health", police)
    police.open_epoch()
    for agency in (police, health):
        assert mark(agency).status == 200
    clock.advance(3 * DAY_MS)
    assert mark(police, "paused", age=3 * DAY_MS).status == 200
    partnership.suspend(health)
    assert stale(partnership) == ()


def test_the_log_names_a_stale_partner_and_the_metric_counts_them(
    partnership: Partnership,
    clock: FakeClock,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As the worker configures its log, without taking over the hooks of the test's process.
    monkeypatch.setattr(logs, "_fields", {**logs._fields, **LOG_FIELDS})
    police = partnership.member("police")
    police.open_epoch()
    assert mark(police).status == 200
    clock.advance(3 * DAY_MS)
    shown: list[int] = []
    [job] = [j for j in jobs_of(WorkerSettings(), shown.append) if j.name == "report-stale"]
    assert do(job, partnership.index, lambda: False) is not None
    assert shown == [1]
    assert '"event": "partner.stale", "agency": "police"' in capsys.readouterr().err
