"""verify-log: the whole log from outside, and the first bad place by its name."""

import re

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select, update

from agency_connector.auditing import reading
from agency_connector.cli import main
from agency_connector.installation import Installation
from agency_connector.receipts import following, storage, whole
from agency_connector.receipts.storage import receipts
from agency_connector.receipts.whole import Fault
from foundation.operator import OperatorError
from index_service import revision
from index_service.agencies.storage import agencies
from index_service.audit.intake import intake, record
from protocol import documents
from protocol.entries import new_entry_salt, read_entry
from protocol.keys import SigningKey
from schemas.entries import Consultation
from schemas.envelopes import Envelope
from schemas.lookups import LookupStatement
from tests.agency_connector.receipts.conftest import Log
from tests.conftest import FakeClock
from tests.index_service.partnership import PARTNERSHIP


@pytest.fixture(autouse=True)
def _commands_use_the_tests_clock(monkeypatch: pytest.MonkeyPatch, clock: FakeClock) -> None:
    real = Installation.open.__func__  # type: ignore[attr-defined]  # the function of a classmethod
    monkeypatch.setattr(
        Installation, "open", classmethod(lambda cls, home, **_: real(cls, home, clock=clock))
    )


def command(log: Log, *words: str) -> Result:
    return CliRunner().invoke(main, ["--home", str(log.police.home), *words])


@pytest.fixture
def grown(log: Log) -> Log:
    """A log with a second level, which the police have followed with one check in it."""
    log.town.check()
    log.grow(600)
    following.follow(log.police)
    log.grow(40)
    return log


def test_it_says_in_words_what_is_whole(grown: Log) -> None:
    told = command(grown, "verify-log")
    assert told.exit_code == 0, told.output
    size = grown.kept.published().size
    assert f"The log borsetshire.ifi-log is whole: its {size} entries make" in told.output
    assert "countersigned by 3 of 3 witnesses: council (" in told.output
    assert f"latest with {size - 40} entries" in told.output
    assert re.search(r"\b8 of our own entries stand", told.output)  # one check, seven documents
    assert "only an auditor may" in told.output


def test_who_did_not_countersign_is_said(grown: Log) -> None:
    grown.witnessed = ("council",)
    told = command(grown, "verify-log")
    assert "countersigned by 1 of 3 witnesses: council (" in told.output
    assert "fewer than the trust file wants" in told.output


def test_an_auditor_reads_what_two_people_scanned_in_the_last_day(
    grown: Log, clock: FakeClock
) -> None:
    """Before that nothing is fetched: a refusal would be an entry of the log."""
    _make_auditor(grown)
    size = grown.kept.published().size
    told = command(grown, "verify-log")
    assert told.exit_code == 0, told.output
    assert "two people run `agency-connector audit everything`" in told.output
    grown.grow()
    assert grown.kept.published().size == size
    _scan(grown, end=300)
    assert whole.verify(grown.police).entries == 300
    _scan(grown)
    read = f"All {size} entries were read, are what was hashed, and what is signed in them is by"
    assert read in command(grown, "verify-log").output
    grown.grow()
    newer = command(grown, "verify-log")
    assert f"The first {size} entries, which two people scanned" in newer.output
    clock.advance(86_400_000)
    assert whole.verify(grown.police).entries == 0


def test_an_entry_with_a_statement_that_its_agency_did_not_sign_is_named(
    grown: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its bytes are what was hashed: only who reads it can see that nobody said so."""
    forged = documents.sign(
        documents.claimed(_statement(grown), LookupStatement), SigningKey.generate()
    )
    with grown.kept.index.database.write() as connection:
        entry = Consultation(
            v=1, partnership=PARTNERSHIP, at=grown.town.clock(), salt=new_entry_salt(),
            statement=forged, shown="A" * 43, withheld="A" * 43,
        )  # fmt: skip
        record(connection, grown.kept.index.log, entry)
    grown.grow()
    size = grown.kept.published().size
    _make_auditor(grown)
    _scan(grown)
    with pytest.raises(Fault, match=f"entry {size - 1}: it is signed with a key that was not"):
        whole.verify(grown.police)


def _statement(log: Log) -> Envelope:
    with log.kept.index.database.read() as connection:
        every = connection.execute(select(intake.c.entry)).scalars().all()
    found = [entry for one in every if isinstance(entry := read_entry(bytes(one)), Consultation)]
    return found[0].statement


def _scan(log: Log, end: int | None = None) -> None:
    report = reading.everything(log.police, "first", "second", "Yearly review", end=end)
    assert not [alarm for alarm in report.every_alarm if "left out" in alarm]


def _make_auditor(log: Log) -> None:
    with log.kept.index.database.write() as connection:
        connection.execute(
            update(agencies).where(agencies.c.agency == "police").values(role="auditor")
        )
        revision.move_on(connection)
    with log.police.database.write() as connection:
        connection.exec_driver_sql("UPDATE enrolment SET role = 'auditor'")


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("tile/1/000.p/2", "tile/1/000.p/2: its hash 1 is not what tile/0/001 makes"),
        ("tile/0/001", "tile/1/000.p/2: its hash 1 is not what tile/0/001 makes"),
        ("tile/0/002.p/{rest}", "checkpoint: its root"),
    ],
)
def test_the_first_bad_place_is_named_and_is_an_alarm(grown: Log, path: str, named: str) -> None:
    rest = grown.kept.published().size - 512
    grown.instead["/log/" + path.format(rest=rest)] = lambda tile: tile[:-1] + bytes([tile[-1] ^ 1])
    told = command(grown, "verify-log")
    assert told.exit_code == 1
    assert named in told.output
    assert [kind for kind, _ in grown.alarms()] == ["log-lies"]


def test_an_entry_of_an_auditor_that_is_not_what_was_hashed_is_named(grown: Log) -> None:
    _make_auditor(grown)
    _scan(grown)
    grown.instead["/log/tile/entries/001"] = lambda bundle: bundle.replace(
        b"A purpose", b"a purpose", 1
    )
    with pytest.raises(Fault, match="entry 256: its bytes"):
        whole.verify(grown.police)


def test_another_entry_in_the_place_of_ours_is_named(grown: Log) -> None:
    """As if the log had put another entry where this connector found its own."""
    with grown.police.database.write() as connection:
        ours = update(receipts).where(receipts.c.kind == "lookup")
        connection.execute(ours.values(position=receipts.c.position + 1))
    with pytest.raises(Fault, match=r"entry \d+: it is another than the one of lookup"):
        whole.verify(grown.police)


def test_a_receipt_that_vanished_from_this_database_is_named(grown: Log) -> None:
    with grown.police.database.write() as connection:
        connection.execute(receipts.delete())
    with pytest.raises(OperatorError, match="this connector's database was changed"):
        whole.verify(grown.police)


def test_a_history_that_is_not_the_one_we_read_is_found(grown: Log) -> None:
    """The same size, other entries: what only somebody who kept an older head can see."""
    log = grown.police.anchors().log_name
    with grown.police.database.write() as connection:
        read = storage.last_read(connection, log)
        assert read is not None
        roots = bytes(32 * read.head.size.bit_count())
        newest = storage.marks.c.size == read.head.size
        connection.execute(update(storage.marks).where(newest).values(roots=roots))
    with pytest.raises(Fault, match="another history"):
        whole.verify(grown.police)
