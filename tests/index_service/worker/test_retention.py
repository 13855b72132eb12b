"""What the index may keep no longer goes; what it must keep stays."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Table, func, select

from index_service.agencies import documents
from index_service.agencies.documents import signed_documents
from index_service.agencies.storage import enrolment_codes
from index_service.audit.intake import intake
from index_service.database import nonces
from index_service.installation import Installation
from index_service.lookups.limits import lookup_counts
from index_service.lookups.storage import lookups, references, side_records
from index_service.settings import RuleSettings
from index_service.worker import retention
from index_service.worker.doing import Piece
from schemas.envelopes import Envelope
from tests.conftest import FakeClock
from tests.index_service.partnership import DAY_MS, Partnership
from tests.index_service.publishing import flag, look_up, publish

YEAR_MS = 365 * DAY_MS
TOKEN = b"a token, 16 byte"


def count(index: Installation, table: Table) -> int:
    with index.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def swept(index: Installation, piece: Piece) -> int:
    with index.database.write() as connection:
        return piece(connection, index, index.clock()).rows


@pytest.fixture
def checked(partnership: Partnership) -> Installation:
    """An index in which one lookup has been answered with one hit."""
    police = partnership.member("police")
    health = partnership.member("health", police)
    police.open_epoch()
    partnership.agree(police, health)
    publish(health, flag(health, TOKEN))
    assert look_up(police, TOKEN).status == 200
    return partnership.index


def test_a_side_record_is_erased_after_two_years_and_its_entry_stays(
    checked: Installation, clock: FakeClock
) -> None:
    entries = count(checked, intake)
    clock.advance(2 * YEAR_MS)
    assert swept(checked, retention.erase_side_records) == 0
    clock.advance(1)
    assert swept(checked, retention.erase_side_records) == 1
    assert count(checked, side_records) == 0
    assert count(checked, lookups) == 1
    assert count(checked, intake) == entries + 1  # one says that it was erased


def test_the_years_are_the_settings(partnership: Partnership, clock: FakeClock) -> None:
    six = Partnership.on(partnership.index.database, clock, rules=RuleSettings(side_record_years=6))
    police = six.member("police")
    police.open_epoch()
    six.agree(police)
    assert look_up(police, TOKEN).status == 200
    clock.set(retention.years_before(clock(), -6))
    assert swept(six.index, retention.erase_side_records) == 0
    clock.advance(1)
    assert swept(six.index, retention.erase_side_records) == 1


def test_a_leap_day_is_kept_until_the_28th() -> None:
    def at(*date: int) -> int:
        return int(datetime(*date, tzinfo=UTC).timestamp() * 1000)  # type: ignore[misc]  # a date

    assert retention.years_before(at(2028, 2, 29), 2) == at(2026, 2, 28)


def test_a_reference_goes_when_it_can_be_quoted_no_more(
    checked: Installation, clock: FakeClock
) -> None:
    clock.advance(30 * DAY_MS - 1)
    assert swept(checked, retention.forget_references) == 0
    clock.advance(1)
    assert swept(checked, retention.forget_references) == 1
    assert count(checked, references) == 0


def test_counts_stay_for_two_days(checked: Installation, clock: FakeClock) -> None:
    clock.advance(2 * DAY_MS)
    assert swept(checked, retention.forget_counts) == 0
    clock.advance(DAY_MS)
    assert swept(checked, retention.forget_counts) == 1
    assert count(checked, lookup_counts) == 0


def test_a_code_goes_when_it_is_too_old_whether_it_was_used_or_not(
    checked: Installation, partnership: Partnership, clock: FakeClock
) -> None:
    partnership.newcomer("probation").register()
    clock.advance(3 * DAY_MS - 1)
    assert swept(checked, retention.forget_codes) == 0
    clock.advance(1)
    assert swept(checked, retention.forget_codes) == 3
    assert count(checked, enrolment_codes) == 0


def test_nonces_go_when_their_requests_are_refused_for_their_age(
    checked: Installation, clock: FakeClock
) -> None:
    kept = count(checked, nonces)
    clock.advance(15 * 60_000)
    assert swept(checked, retention.forget_nonces) == 0
    clock.advance(1)
    assert swept(checked, retention.forget_nonces) == kept > 0


def test_a_sealed_package_goes_a_month_after_it_was_sent(
    checked: Installation, clock: FakeClock
) -> None:
    with checked.database.write() as connection:
        entry = connection.execute(select(func.max(intake.c.id))).scalar_one()
        package = Envelope(payload_type="p", payload="", signatures=())
        documents.keep(connection, "handover", "health", package, entry)
    clock.advance(30 * DAY_MS)
    assert swept(checked, retention.forget_handovers) == 0
    clock.advance(1)
    assert swept(checked, retention.forget_handovers) == 1


def test_other_documents_than_hand_overs_are_kept(checked: Installation, clock: FakeClock) -> None:
    kept = count(checked, signed_documents)
    clock.advance(10 * YEAR_MS)
    assert swept(checked, retention.forget_handovers) == 0
    assert count(checked, signed_documents) == kept > 0
