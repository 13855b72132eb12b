"""Only the very desk that a flag or an asker names is shown, however well another one is signed."""

from typing import Any

import msgspec
import pytest

from agency_connector.lookups import resolving, verifying
from agency_connector.lookups.errors import AnswerDisbelieved
from agency_connector.trust import directory, storage
from protocol import documents
from schemas.agencies import Desk
from schemas.lookups import LookupAnswer, Resolution
from schemas.operations import LOOK_UP, RESOLVE
from tests.agency_connector.lookups.county import DESK, County, new_id
from tests.agency_connector.lookups.test_checking import journalled
from tests.agency_connector.lookups.test_lying_index import LIES, Liar

replace = msgspec.structs.replace
BACK_DESK = DESK.format(id="back", name="Back desk", phone="01632 960777", more="")


def signed_desk(town: County, agency: str, desk: str) -> Any:
    """Return the envelope of a desk as its agency signed it."""
    with town.connectors[agency].database.read() as connection:
        rows = storage.own_desks(connection)
    (found,) = [row.envelope for row in rows if row.desk.desk == desk]
    return found


@pytest.mark.parametrize(("agency", "desk"), [("council", "back"), ("health", "front")])
def test_a_hit_is_not_shown_with_another_desk_of_whomever(
    town: County, agency: str, desk: str
) -> None:
    town.sign_again("council", "", BACK_DESK)
    other = signed_desk(town, agency, desk)
    version = documents.claimed(other, Desk).version

    def lie(answer: LookupAnswer) -> LookupAnswer:
        return Liar(town).hit(replace(answer, desks=(other,)), desk_version=version)

    town.lying.lies[LOOK_UP.path] = lie
    answer = town.check()
    assert answer.involved == ()
    assert answer.alarms
    assert b"960777" not in msgspec.json.encode(answer)


@pytest.mark.parametrize("changed", ["hidden", "withdrawn", "newer"])
def test_a_hit_is_not_shown_with_a_desk_that_is_hidden_withdrawn_or_of_another_version(
    town: County, changed: str
) -> None:
    """The council has signed it so; an index that shows it all the same is not followed."""
    more = {
        "hidden": 'visibility = "hidden"', "withdrawn": "withdrawn = true",
        "newer": 'email = "desk@council.example"',
    }  # fmt: skip
    check = new_id()
    hit = town.check(check=check).involved[0]
    kept = journalled(town, check).kept.answer.shown.hits[0]
    assert hit.reference.replace("-", "") == kept.reference
    town.sign_again("council", more[changed], BACK_DESK)
    envelope = signed_desk(town, "council", "front")
    version = documents.claimed(envelope, Desk).version
    view, anchors = directory.refresh(town.police), town.police.anchors()
    named = replace(kept, desk_version=version - 1 if changed == "newer" else version)
    assert verifying.desk_of(named, (envelope,), anchors, view) is None
    if changed == "newer":
        right = replace(kept, desk_version=version)
        assert verifying.desk_of(right, (envelope,), anchors, view) is not None


def test_another_desk_of_the_asker_is_not_the_one_to_ring_back(town: County) -> None:
    """The asker's statement names one desk; the index may not choose another."""
    town.sign_again("police", "", BACK_DESK)
    other = signed_desk(town, "police", "back")
    town.lying.lies[RESOLVE.path] = lambda answer: replace(answer, call_back=other)
    reference = town.check().involved[0].reference
    answer = resolving.resolve(town.connectors["council"], "jo", reference)
    assert answer.call_back is None
    assert b"960777" not in msgspec.json.encode(answer)


def test_a_hidden_desk_is_none_to_ring_back(town: County) -> None:
    reference = town.check().involved[0].reference
    town.sign_again("police", 'visibility = "hidden"', BACK_DESK)
    hidden = signed_desk(town, "police", "front")

    def lie(answer: Resolution) -> Resolution:
        return replace(answer, call_back=hidden)

    town.lying.lies[RESOLVE.path] = lie
    assert resolving.resolve(town.connectors["council"], "jo", reference).call_back is None


@pytest.mark.parametrize(
    "name", ["a dummy's position", "a position beyond the set", "an epoch that was not searched"]
)
def test_positions_are_checked_with_the_rest_of_the_answer(town: County, name: str) -> None:
    """Whoever calls `check_answer` alone is told too, not only whoever grades the hits."""
    check = new_id()
    town.check(check=check)
    kept = journalled(town, check)
    what, lie = LIES[name]
    lied = lie(Liar(town), kept.kept.answer)
    with pytest.raises(AnswerDisbelieved, match=what):
        verifying.check_answer(lied, kept.prepared, town.police.anchors())
