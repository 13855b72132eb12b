"""Someone has quoted a reference: the holder sees its own record and who asked; nobody else."""

import pytest

from agency_connector.journal.journal import Journal
from agency_connector.lookups import resolving
from agency_connector.lookups.errors import CheckRefused, problem_of
from agency_connector.transport import Refused
from protocol.encoding import b64u_decode
from protocol.references import spoken
from tests.agency_connector.lookups.county import County
from tests.conftest import FakeClock

DAY_MS = 86_400_000


def quoted(town: County) -> str:
    return town.check().involved[0].reference


def test_the_holder_sees_its_record_who_asked_and_where_to_ring_back(town: County) -> None:
    answer = resolving.resolve(town.connectors["council"], "jo", spoken(quoted(town)).lower())
    assert (answer.source, answer.local_id) == ("cases", "C-17")
    assert (answer.asked_by, answer.purpose) == ("Borsetshire Police", "Keeping a person safe")
    assert answer.call_back is not None
    assert answer.call_back.phone == "01632 960100"
    assert answer.asked == "today at 12:00"
    assert answer.sentences == (
        "Ring back on this number, not on one that the caller gives you.",
        "Only your agency can look up this reference, and it is recorded that you have.",
    )


@pytest.mark.parametrize("agency", ["health", "police"])
def test_nobody_else_learns_anything_from_a_reference(town: County, agency: str) -> None:
    """Another agency, and the asker itself, are refused as for a reference that never was."""
    reference = quoted(town)
    told = []
    for typed in (reference, "2222222222"):
        with pytest.raises(Refused) as refused:
            resolving.resolve(town.connectors[agency], "jo", typed)
        told.append(str(refused.value))
        assert problem_of(refused.value).status == 404
    assert told[0] == told[1]


@pytest.mark.parametrize("typed", ["", "ABC", "0OIL111111", "2222222223", "é" * 10])
def test_what_cannot_be_a_reference_is_refused_here(town: County, typed: str) -> None:
    with pytest.raises(CheckRefused, match="ask the caller to read it again") as refused:
        resolving.resolve(town.connectors["council"], "jo", typed)
    assert refused.value.status == 422


def test_a_reference_is_good_for_thirty_days(town: County, clock: FakeClock) -> None:
    reference = quoted(town)
    clock.advance(31 * DAY_MS)
    with pytest.raises(Refused, match="too old: ask the caller"):
        resolving.resolve(town.connectors["council"], "jo", reference)


def test_a_record_that_is_not_remembered_is_said_so(town: County) -> None:
    """After an older backup of the connector the number to ring back is still shown."""
    from sqlalchemy import delete

    from agency_connector.publishing.storage import published

    reference = quoted(town)
    council = town.connectors["council"]
    with council.database.write() as connection:
        connection.execute(delete(published))
    answer = resolving.resolve(council, "jo", reference)
    assert answer.local_id is None
    assert answer.call_back is not None
    assert any("does not remember" in sentence for sentence in answer.sentences)


def test_what_was_resolved_is_in_the_journal_for_its_own_user(town: County) -> None:
    council = town.connectors["council"]
    answer = resolving.resolve(council, "jo", quoted(town))
    assert resolving.shown_before(council, "jo", answer.resolution) == answer
    assert resolving.shown_before(council, "ed", answer.resolution) is None
    kept = Journal.of(council).find_resolution(b64u_decode(answer.resolution))
    assert kept is not None
    assert kept[0].user == "jo"
