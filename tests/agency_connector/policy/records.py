"""Records and policies that the tests of policy begin from: ones that are published."""

from datetime import date
from typing import Any

import msgspec

from agency_connector.matching.particulars import Particulars
from agency_connector.policy.decision import Publish, Withhold, decide
from agency_connector.policy.settings import Policy
from agency_connector.sources.rows import SourceFacts, SourceRow

TODAY = date(2026, 11, 1)
POLICY: dict[str, Any] = {
    "open_status": ["Open", "Under review"],
    "longest_life_days": 100,
    "lawful_basis": "uk-gdpr-6-1-e",
    "desk": "front-desk",
    "roles": {
        "Client": "subject",
        "Victim": "victim",
        "Witness": "witness",
        "Caller": "reporter",
        "Landlord": "other",
    },
}
PROTECTED: dict[str, Any] = {
    "approval": "partnership board, minute 12 of 1 May 2026",
    "lawful_basis": "dpa-2018-sch1-p18",
    "hidden_desk": "quiet-desk",
    "roles": ["victim"],
    "agreed": ["Yes"],
    "not_asked": ["Would endanger"],
}


def policy(**changes: Any) -> Policy:
    """The usual policy with some rules changed; None takes a rule away."""
    rules = {key: value for key, value in (POLICY | changes).items() if value is not None}
    return msgspec.convert(rules, Policy)


def row(born: str = "1985-03-14", **changes: Any) -> SourceRow:
    """A record that the usual policy publishes, with some facts changed."""
    facts: dict[str, Any] = {"role": "Client", "status": "Open", "opened": date(2026, 10, 1)}
    return SourceRow(
        where="line 2",
        local_id="A1",
        particulars=Particulars(given="John", family="Smith", born=born),
        facts=SourceFacts(**(facts | changes)),
    )


def published(record: SourceRow, rules: Policy, today: date = TODAY) -> Publish:
    """The decision, which has to be to publish."""
    decision = decide(record, rules, today)
    assert isinstance(decision, Publish), decision
    return decision


def withheld(record: SourceRow, rules: Policy, today: date = TODAY) -> str:
    """The code of the decision, which has to be to withhold."""
    decision = decide(record, rules, today)
    assert isinstance(decision, Withhold), decision
    return decision.code.value
