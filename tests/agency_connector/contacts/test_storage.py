"""Contact requests are kept, found and moved on alike on both databases."""

from dataclasses import replace

import pytest

from agency_connector.contacts import storage
from agency_connector.contacts.storage import ON_ITS_WAY, ContactRow, StepRow
from agency_connector.database import LOCATION
from foundation.database import Database, migrate

ROW = ContactRow(
    contact_id=b"a" * 16, sent=True, agency="council", reference="2222222222", desk="front",
    officer_id=b"o" * 32, state="asked", steps=0, head=None, asked_at=100, stepped_at=100,
    closed_at=None, crime_answered=False, about=b"about", erased=False,
)  # fmt: skip
STEP = StepRow(
    contact_id=b"a" * 16, number=ON_ITS_WAY, step="asked", ours=True, at=100, digest=None,
    told=b"told", prepared=None, tries=0, refused=None,
)  # fmt: skip
DIGEST = b"d" * 32


@pytest.fixture
def kept(database: Database) -> Database:
    """A database in which one request waits to be sent."""
    migrate(database, LOCATION)
    with database.write() as connection:
        assert storage.add(connection, ROW)
        storage.put_step(connection, STEP)
    return database


def test_a_request_is_added_once_and_its_step_waits_until_it_is_taken(kept: Database) -> None:
    with kept.write() as connection:
        assert not storage.add(connection, replace(ROW, agency="health"))
        assert storage.to_send(connection) == (ROW.contact_id,)
        storage.prepare(connection, ROW.contact_id, b"bytes", 1)
        waiting = storage.on_its_way(connection, ROW.contact_id)
        assert waiting == replace(STEP, prepared=b"bytes", tries=1)
        storage.taken(connection, ROW.contact_id, 0, DIGEST)
        storage.move_on(
            connection, ROW, state="asked", head=DIGEST, at=100, closes=False, crime_answered=False
        )
        assert storage.to_send(connection) == ()
        assert storage.find(connection, ROW.contact_id, lock=True) == replace(
            ROW, steps=1, head=DIGEST
        )


def test_a_request_is_open_until_it_is_closed_or_its_first_step_refused(kept: Database) -> None:
    with kept.write() as connection:
        assert storage.open_about(connection, ROW.reference)
        storage.refuse(connection, ROW.contact_id, "too old")
        assert not storage.open_about(connection, ROW.reference)
        assert storage.to_send(connection) == ()
        storage.put_step(connection, STEP)
        assert storage.open_about(connection, ROW.reference)
        storage.move_on(
            connection, ROW, state="spoken", head=DIGEST, at=200, closes=True, crime_answered=False
        )
        assert not storage.open_about(connection, ROW.reference)
        assert [row.closed_at for row in storage.crime_open(connection, 9)] == [200]


def test_the_lists_are_those_of_officer_desk_and_time(kept: Database) -> None:
    received = replace(ROW, contact_id=b"b" * 16, sent=False, officer_id=None, asked_at=50)
    unread = replace(received, contact_id=b"c" * 16, desk="", asked_at=60)
    with kept.write() as connection:
        for row in (received, unread):
            storage.add(connection, row)
        assert [r.contact_id[:1] for r in storage.received(connection, "front", True, 9)] == [
            b"b", b"c",
        ]  # fmt: skip
        assert [r.contact_id[:1] for r in storage.received(connection, "other", True, 9)] == [b"c"]
        assert storage.sent_by(connection, b"o" * 32, 100, 9) == [ROW]
        assert storage.sent_by(connection, b"o" * 32, 101, 9) == []
        assert storage.sent_by(connection, b"p" * 32, 0, 9) == []
        assert len(storage.stepped_before(connection, 101, 9)) == 3
        assert storage.stepped_before(connection, 100, 9) == []


def test_words_are_erased_and_what_never_got_an_answer_is_closed(kept: Database) -> None:
    with kept.write() as connection:
        storage.taken(connection, ROW.contact_id, 0, DIGEST)
        assert storage.erase(connection, 100) == 0
        assert storage.erase(connection, 101) == 1
        assert storage.erase(connection, 101) == 0
        [step] = storage.steps_of(connection, [ROW.contact_id])
        assert step.told is None
        row = storage.find(connection, ROW.contact_id)
    assert row is not None
    assert (row.erased, row.closed_at) == (True, 101)
