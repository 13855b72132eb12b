"""What the journal may keep no longer goes, with the keys of its pseudonyms; on both databases."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, insert, select

from agency_connector import retention
from agency_connector.auditing.storage import ReadingJournal, readings
from agency_connector.contacts.storage import contacts, steps
from agency_connector.database import metadata
from agency_connector.installation import Installation
from agency_connector.journal.journal import Journal
from agency_connector.journal.records import Act, Beside, Quoted
from agency_connector.journal.storage import checks, pseudonym_years
from agency_connector.justifying.justifications import Justifications
from agency_connector.lookups.officers import pseudonym
from agency_connector.sign_in import trail
from agency_connector.sign_in.roles import Person, Role, Way
from agency_connector.supervising.reviewing import Supervision
from protocol.encoding import b64u_encode
from schemas.checks import CheckRequest, TypedParticulars
from tests.agency_connector.bare import BareConnector
from tests.agency_connector.supervising.conftest import asked
from tests.conftest import FakeClock

DAY_MS = 86_400_000
Opens = Callable[[str], Installation]


@pytest.fixture
def opens(bare: BareConnector) -> Opens:
    """Opens the connector with some more settings."""
    return bare.opens


def work_of_a_day(installation: Installation) -> bytes:
    """Leave something in each table of the journal, now; return the check's id."""
    now, check = installation.clock(), secrets.token_bytes(16)
    journal = Journal.of(installation)
    journal.begin(check, asked(at=now))
    number = secrets.token_bytes(16)
    journal.note_act(
        number, Act(user="pc-archer", what="printed", check=b64u_encode(check), at=now)
    )
    quoted = Quoted(user="jo", reference="ABCDE23456", asked_at=now)
    journal.begin_resolution(secrets.token_bytes(16), quoted)
    ReadingJournal(installation).begin(secrets.token_bytes(16), quoted, now)
    wanted = CheckRequest(
        check=b64u_encode(check), particulars=TypedParticulars(full_name="Shula Hebden"),
        purpose="safeguarding", reason="Welfare visit",
    )  # fmt: skip
    Justifications(installation).owe("pc-archer", wanted, Beside(at_once=True))
    Supervision(installation).open("sgt-grundy", b64u_encode(check), "sample")
    person = Person(
        user=f"pc-{now}", name="Phoebe Archer", given_name="Phoebe", family_name="Archer",
        roles=frozenset({Role.OFFICER}), way=Way.ACCOUNT, authenticated_at=now,
    )  # fmt: skip
    trail.note_sign_in(installation, person, "signed-in", "127.0.0.1")
    pseudonym(installation, "pc-archer", now)
    request = secrets.token_bytes(16)
    with installation.database.write() as connection:
        connection.execute(insert(contacts).values(
            contact_id=request, sent=True, agency="council", reference="ABCDE23456", desk="front",
            state="asked", steps=1, asked_at=now, stepped_at=now, crime_answered=False,
            erased=True,
        ))  # fmt: skip
        connection.execute(insert(steps).values(
            contact_id=request, number=0, step="ask", ours=True, at=now, tries=0
        ))  # fmt: skip
    return check


def rows(installation: Installation) -> dict[str, int]:
    """How many rows each table of the journal has."""
    with installation.database.read() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (*(each for each, _ in retention._ENDED_BY), contacts, steps)
        }


def test_after_two_years_nothing_of_that_day_is_left_and_what_is_younger_stays(
    opens: Opens, clock: FakeClock
) -> None:
    installation = opens("")
    old = work_of_a_day(installation)
    began = datetime.fromtimestamp(clock() / 1000, UTC)
    clock.advance(DAY_MS)
    young = work_of_a_day(installation)
    two = rows(installation)
    assert set(two.values()) == {2}, two
    later = began.replace(year=began.year + 2)
    clock.advance(int(later.timestamp() * 1000) - clock())
    assert retention.end(installation)
    assert rows(installation) == two, "not a moment early"
    clock.advance(1)
    assert retention.end(installation)
    assert set(rows(installation).values()) == {1}
    journal = Journal.of(installation)
    assert journal.find(old) is None
    assert journal.find(young) is not None


def test_the_agencys_own_term_counts(opens: Opens, clock: FakeClock) -> None:
    installation = opens("[retention]\njournal_years = 1\n")
    work_of_a_day(installation)
    clock.advance(366 * DAY_MS)
    retention.end(installation)
    assert set(rows(installation).values()) == {0}


def test_more_rows_than_a_portion_all_go(
    opens: Opens, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "PORTION", 2)
    installation = opens("")
    for _ in range(5):
        Journal.of(installation).begin(secrets.token_bytes(16), asked(at=clock()))
    clock.advance(3 * 366 * DAY_MS)
    retention.end(installation)
    with installation.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(checks)).scalar_one() == 0


def test_the_key_of_a_years_pseudonyms_goes_with_the_last_that_the_journal_has_of_that_year(
    opens: Opens, clock: FakeClock
) -> None:
    """Until then somebody at the agency can tell who an officer in the log is, and after it nobody.

    What another process removed in between is no trouble.
    """
    installation = opens("")
    year = datetime.fromtimestamp(clock() / 1000, UTC).year
    pseudonym(installation, "pc-archer", clock())
    last = datetime(year + 3, 1, 1, tzinfo=UTC)
    clock.advance(int(last.timestamp() * 1000) - 1 - clock())
    retention.end(installation)
    assert f"pseudonym-{year}" in installation.keyring.names()
    clock.advance(1)
    other = opens("")
    other.keyring.remove(f"pseudonym-{year}")
    retention.end(installation)
    assert f"pseudonym-{year}" not in installation.keyring.names()
    with installation.database.read() as connection:
        assert connection.execute(select(pseudonym_years)).all() == []


def test_each_table_that_seals_something_of_a_person_has_its_end() -> None:
    """A table of the journal that is added later has to be erased here."""
    sealed = {
        name
        for name, table in metadata.tables.items()
        if {"asked", "told", "about", "act", "quoted", "known"} & set(table.c.keys())
    }
    ended = {table.name for table, _ in retention._ENDED_BY}
    assert sealed == ended | {contacts.name, steps.name}
    assert readings.name in sealed
