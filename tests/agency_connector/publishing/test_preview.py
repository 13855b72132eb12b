"""The preview: by local id, people masked, and what `sync` would do of each record."""

from typing import Any

import msgspec
import pytest

from agency_connector.matching.particulars import Particulars
from agency_connector.publishing.preview import preview_lines
from agency_connector.sources.rows import Refusal, RowRefused
from schemas.agencies import Desk
from tests.agency_connector.policy.records import PROTECTED, TODAY, policy, row


def desk(name: str, **changed: Any) -> Desk:
    """A visible desk as it was signed."""
    told: dict[str, Any] = {
        "partnership": "borsetshire",
        "agency": "council",
        "desk": name,
        "version": 1,
        "name": "Front desk",
        "phone": "01632 960000",
        "email": None,
        "hours": (),
        "time_zone": "Europe/London",
        "out_of_hours_phone": None,
        "purposes": None,
        "agencies": None,
        "visibility": "visible",
        "withdrawn": False,
        "signed_at": 0,
    }
    return Desk(**(told | changed))


DESKS = {"front-desk": desk("front-desk")}


def test_every_record_has_a_line_that_names_nobody() -> None:
    """What would be published, withheld and refused, and why."""
    refused = RowRefused(
        where="line 5", local_id=None, code=Refusal.TOO_LARGE, sentence="the record is too long"
    )
    rows = [row(), row(status="Closed"), row(role=""), refused]
    lines = [str(line) for line in preview_lines(rows, policy(), DESKS, TODAY)]
    assert lines == [
        "line 2: A1: J… S…, 19…: publish: at desk front-desk until 2027-01-09",
        (
            "line 2: A1: J… S…, 19…: withhold: the record's status is not one of the policy's "
            "open_status"
        ),
        (
            "line 2: A1: J… S…, 19…: refuse: the policy does not say what this record's role "
            "means: add its value to [sources.policy.roles], or correct the record"
        ),
        "line 5: refuse: the record is too long",
    ]


def test_the_outcome_tells_a_gap_from_the_policy_at_work() -> None:
    """Somebody has to mend the one and nobody the other."""
    rows = [row(), row(status="Closed"), row(status=""), row("")]
    outcomes = [line.outcome for line in preview_lines(rows, policy(), DESKS, TODAY)]
    assert outcomes == ["publish", "withhold", "refuse", "refuse"]


@pytest.mark.parametrize(
    ("desks", "outcome"),
    [
        ({"quiet-desk": desk("quiet-desk", visibility="hidden")}, "publish"),
        ({"quiet-desk": desk("quiet-desk")}, "refuse: the desk quiet-desk is not hidden"),
        ({"quiet-desk": desk("quiet-desk", withdrawn=True)}, "refuse: the desk quiet-desk is not"),
        (DESKS, "refuse: the desk quiet-desk is not signed"),
    ],
)
def test_a_desk_at_which_the_flag_may_not_stand_is_named(
    desks: dict[str, Desk], outcome: str
) -> None:
    """As `sync` would: the policy alone would let each of these go up."""
    victim = row(role="Victim", agreed="Yes")
    (line,) = preview_lines([victim], policy(protected=PROTECTED), desks, TODAY)
    assert f": {outcome}" in str(line)


def test_particulars_of_which_no_match_key_can_be_made_are_refused() -> None:
    record = msgspec.structs.replace(row(), particulars=Particulars(born="1985-03-14"))
    (line,) = preview_lines([record], policy(), DESKS, TODAY)
    assert (line.outcome, line.code) == ("refuse", "too-little")
