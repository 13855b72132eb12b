"""The preview: by local id, with people masked."""

import pytest

from agency_connector.matching.particulars import Particulars
from agency_connector.policy.preview import mask, preview_lines
from agency_connector.sources.rows import Refusal, RowRefused
from tests.agency_connector.policy.records import TODAY, policy, row


@pytest.mark.parametrize(
    ("particulars", "masked"),
    [
        (Particulars(given="John", family="Smith", born="1985-03-14"), "J… S…, 19…"),
        (Particulars(given="Ann", middle="Lee", family="De Vries", born="2001"), "A… D… V…, 20…"),
        (Particulars(full_name="Łukasz Nowak", born=""), "Ł… N…, …"),
        (Particulars(full_name="李小龍", born="14/03/1985"), "李…, …"),
        (Particulars(given="9434765919", family="(Smith)", born="x"), "…, …"),
        (Particulars(), "…, …"),
    ],
)
def test_a_mask_shows_initials_and_century(particulars: Particulars, masked: str) -> None:
    """Nothing by which somebody could be looked up."""
    assert mask(particulars) == masked


def test_every_record_has_a_line_that_names_nobody() -> None:
    """What would be published, withheld and refused, and why."""
    refused = RowRefused(
        where="line 5", local_id=None, code=Refusal.TOO_LARGE, sentence="the record is too long"
    )
    rows = [row(), row(status="Closed"), row(role=""), refused]
    lines = [str(line) for line in preview_lines(rows, policy(), TODAY)]
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
    outcomes = [line.outcome for line in preview_lines(rows, policy(), TODAY)]
    assert outcomes == ["publish", "withhold", "refuse", "refuse"]
