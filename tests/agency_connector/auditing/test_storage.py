"""The journal of readings, on both databases: sealed, and the largest head is remembered."""

from sqlalchemy import select

from agency_connector.auditing.asking import NO_FILTER
from agency_connector.auditing.records import Question, Told
from agency_connector.auditing.storage import ReadingJournal, answered_checks, readings
from agency_connector.journal import storage as journal
from agency_connector.receipts import storage as following
from protocol import documents, receipts
from protocol.encoding import b64u_encode
from protocol.keys import SigningKey
from protocol.log.proofs import Head
from protocol.merkle import leaf_hash
from schemas.audit import AuditStatement
from schemas.checks import TypedParticulars
from schemas.envelopes import Envelope, Signature
from tests.agency_connector.conftest import Town

READING = b"\x01" * 16
LOG = "borsetshire.ifi-log"
DAY_MS = 86_400_000
ENVELOPE = Envelope(
    payload_type="application/json", payload="", signatures=(Signature(keyid="A" * 22, sig=""),)
)


def question() -> Question:
    return Question(
        user="reader", officer="A" * 22, of="person", ground="Complaint 17/2026", salt=None,
        particulars=TypedParticulars(full_name="Zephyrine Quillfeather"), second=None,
        filter=NO_FILTER, asked_at=5,
    )  # fmt: skip


def told(statement: Envelope = ENVELOPE, entry: bytes = b"entry") -> Told:
    key = SigningKey.generate()
    return Told(
        statement=statement, checkpoint="", entry=b64u_encode(entry),
        receipt=receipts.issue(entry, LOG, 5, 6, key), numbers=(7,), alarms=(),
    )  # fmt: skip


def stated(of: str, first: int, end: int | None) -> Envelope:
    asked = AuditStatement(
        partnership="borsetshire", agency="oversight", reading=b64u_encode(READING),
        officer="A" * 22, of=of, ground=None, subject=None, tokens=(), filter=NO_FILTER,  # type: ignore[arg-type]  # a parameter of the test
        first=first, end=end, confirmations=(), signed_at=5,
    )  # fmt: skip
    return documents.sign(asked, SigningKey.generate())


def test_what_was_asked_is_sealed_and_the_largest_head_is_remembered(town: Town) -> None:
    kept = ReadingJournal(town.enrolled("oversight"))
    assert kept.largest_head(LOG) is None
    for reading, head in (
        (READING, Head(9, b"\x09" * 32)),
        (b"\x02" * 16, Head(12, b"\x0c" * 32)),
        (b"\x03" * 16, Head(10, b"\x0a" * 32)),
    ):
        kept.begin(reading, question(), 5)
        kept.keep(reading, told(entry=reading), head)
    assert kept.largest_head(LOG) == Head(12, b"\x0c" * 32)
    assert kept.largest_head("borsetshire.ifi-log-2") is None
    with kept.installation.database.read() as connection:
        rows = connection.execute(select(readings)).all()
    assert len(rows) == 3
    for row in rows:
        for secret in (b"Zephyrine", b"Complaint", b"reader"):
            assert secret not in bytes(row.asked) + bytes(row.told)


def test_the_receipt_of_a_reading_is_followed(town: Town) -> None:
    """One for each, from the transaction that keeps what it brought."""
    kept = ReadingJournal(town.enrolled("oversight"))
    kept.begin(READING, question(), 5)
    kept.keep(READING, told(stated("person", 0, None)), Head(9, b"\x09" * 32))
    with kept.installation.database.read() as connection:
        receipt = following.find(connection, leaf_hash(b"entry"))
    assert receipt is not None
    assert (receipt.kind, receipt.reference) == ("reading", b64u_encode(READING))
    assert kept.told(READING) is not None
    assert kept.told(b"\x02" * 16) is None


def test_what_two_people_scanned_from_the_first_entry_on_is_open_for_a_day(town: Town) -> None:
    kept = ReadingJournal(town.enrolled("oversight"))
    made = (
        (5, stated("lookups", 0, None), 40),
        (5, stated("everything", 3, None), 41),
        (5, stated("everything", 0, 20), 30),
        (6, stated("everything", 0, 99), 25),
    )
    for number, (at, statement, size) in enumerate(made):
        reading = bytes([number]) * 16
        kept.begin(reading, question(), at)
        kept.keep(reading, told(statement, reading), Head(size, b"\x09" * 32))
    lapses = DAY_MS - 600_000
    assert kept.scanned_to(6) == kept.scanned_to(4 + lapses) == 25
    assert kept.scanned_to(5 + lapses) == 25
    assert kept.scanned_to(6 + lapses) == 0


def test_a_reading_without_an_answer_says_why(town: Town) -> None:
    kept = ReadingJournal(town.enrolled("oversight"))
    kept.begin(READING, question(), 5)
    kept.note_failure(READING, "not-an-auditor")
    with kept.installation.database.read() as connection:
        row = connection.execute(select(readings)).one()
    assert (row.failed, row.told, row.size) == ("not-an-auditor", None, None)
    assert kept.largest_head(LOG) is None


def test_only_checks_that_have_an_answer_are_held_to_the_log(town: Town) -> None:
    installation = town.enrolled("police")
    with installation.database.write() as connection:
        for number, at in enumerate((10, 20, 30)):
            journal.begin(connection, bytes([number]) * 16, b"o" * 32, at, b"sealed")
        for number in (0, 1):
            journal.keep(connection, bytes([number]) * 16, b"sealed")
    with installation.database.read() as connection:
        assert answered_checks(connection, 0, 100) == [b"\x00" * 16, b"\x01" * 16]
        assert answered_checks(connection, 10, 20) == [b"\x00" * 16]
