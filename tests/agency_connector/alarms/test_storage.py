"""Alarms: one for each thing that went wrong, until a person says that they have seen it."""

import pytest

from agency_connector.alarms import acknowledge, every_alarm, open_alarms, raise_alarm
from agency_connector.database import LOCATION
from foundation.database import Database, migrate


@pytest.fixture
def alarmed(database: Database) -> Database:
    migrate(database, LOCATION)
    _raise(database, "receipt-overdue", "one", 1)
    return database


def _raise(database: Database, kind: str, subject: str, now: int) -> None:
    with database.write() as connection:
        raise_alarm(connection, kind=kind, subject=subject, sentence=f"at {now}", now=now)


def test_one_thing_is_one_alarm_however_often_it_is_seen(alarmed: Database) -> None:
    _raise(alarmed, "receipt-overdue", "one", 2)
    _raise(alarmed, "receipt-overdue", "two", 3)
    _raise(alarmed, "split-view", "one", 4)
    with alarmed.read() as connection:
        told = [(alarm.kind, alarm.subject, alarm.raised_at) for alarm in open_alarms(connection)]
    assert told == [
        ("receipt-overdue", "one", 1), ("receipt-overdue", "two", 3), ("split-view", "one", 4),
    ]  # fmt: skip


def test_an_alarm_is_over_when_a_person_says_so_and_their_name_is_kept(alarmed: Database) -> None:
    with alarmed.write() as connection:
        (alarm,) = open_alarms(connection)
        assert acknowledge(connection, alarm.number, "mary", 5)
        assert open_alarms(connection) == ()
        assert not acknowledge(connection, alarm.number, "tom", 6)
        (kept,) = every_alarm(connection)
    assert (kept.acknowledged_by, kept.acknowledged_at) == ("mary", 5)


def test_what_happens_again_after_it_was_acknowledged_is_a_new_alarm(alarmed: Database) -> None:
    with alarmed.write() as connection:
        (alarm,) = open_alarms(connection)
        acknowledge(connection, alarm.number, "mary", 5)
    _raise(alarmed, "receipt-overdue", "one", 7)
    with alarmed.read() as connection:
        (again,) = open_alarms(connection)
    assert again.number > alarm.number
