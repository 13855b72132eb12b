"""A reading says who countersigned what it is proved against, and holds it to what was seen."""

from sqlalchemy import update

from agency_connector.auditing import printing, reading
from agency_connector.auditing.reading import Report
from agency_connector.receipts import following, storage
from protocol.log.compact_range import CompactRange
from tests.agency_connector.lookups.county import OFFICER
from tests.agency_connector.receipts.conftest import Log, log, template, town

__all__ = ["log", "template", "town"]


def read(log: Log) -> Report:
    return reading.own(log.police, OFFICER)


def test_it_says_that_enough_partners_have_countersigned_it(log: Log) -> None:
    log.grow(300)
    report = read(log)
    assert report.every_alarm == ()
    assert "countersigned by 3 of 3 witnesses: council (" in report.countersigned
    assert report.countersigned in list(printing.closing(report))
    assert report.countersigned.encode() in printing.as_json(report)


def test_it_says_that_too_few_have(log: Log) -> None:
    log.witnessed = ("police",)
    report = read(log)
    assert "too few witnesses have countersigned any of it" in report.countersigned
    assert report.every_alarm == ()


def test_it_says_to_where_enough_have(log: Log) -> None:
    """The newest checkpoint of too few, and behind it one of enough."""
    size = log.kept.published().size
    old = log.cosigned(log.kept.state.note or b"")
    log.grow(300)
    log.witnessed = ("police",)
    log.instead["/log/checkpoint/cosigned"] = lambda _: old
    report = read(log)
    assert f"Its first {size} entries are countersigned by 3 of 3" in report.countersigned
    assert "the log alone has signed so far" in report.countersigned
    assert report.every_alarm == ()


def test_a_log_that_cannot_be_read_now_is_said_and_no_alarm(log: Log) -> None:
    log.instead["/log/checkpoint"] = lambda note: note[:-9]
    report = read(log)
    assert "could not be found out: the checkpoint that the index shows" in report.countersigned
    assert report.every_alarm == ()


def test_a_checkpoint_older_than_one_that_was_followed_is_an_alarm(log: Log) -> None:
    """No earlier reading had seen it: the connector had read the log by itself."""
    seen = CompactRange()
    seen.extend([bytes(32)] * (log.kept.published().size + 5))
    with log.police.database.write() as connection:
        storage.mark(connection, log.police.anchors().log_name, seen, log.police.clock())
    report = read(log)
    assert any("what came since is missing here" in alarm for alarm in report.every_alarm)
    assert [kind for kind, _ in log.alarms()] == ["audit-reading"]


def test_a_checkpoint_of_another_history_than_was_followed_is_an_alarm(log: Log) -> None:
    following.follow(log.police)
    log.grow(20)
    with log.police.database.write() as connection:
        read_so_far = storage.last_read(connection, log.police.anchors().log_name)
        assert read_so_far is not None
        roots = bytes(32 * read_so_far.head.size.bit_count())
        connection.execute(update(storage.marks).values(roots=roots))
    report = read(log)
    assert any("it shows two histories" in alarm for alarm in report.every_alarm)


def test_tiles_that_do_not_make_what_was_signed_are_an_alarm(log: Log) -> None:
    log.grow(20)
    size = log.kept.published().size
    log.instead[f"/log/tile/0/000.p/{size}"] = lambda tile: bytes(len(tile))
    report = read(log)
    assert report.countersigned == "Who countersigned this is not shown."
    assert any("does not prove that its checkpoint" in alarm for alarm in report.every_alarm)
