"""What a policy refuses to be, each with what to do about it."""

from typing import Any

import msgspec
import pytest

from tests.agency_connector.policy.records import PROTECTED, policy

DECLARED = {"roles": None, "holds_no_protected_roles": True}


@pytest.mark.parametrize("rule", ["open_status", "longest_life_days", "lawful_basis", "desk"])
def test_the_rules_that_every_policy_needs(rule: str) -> None:
    """There is no default for whom, how long, on what ground and where."""
    with pytest.raises(msgspec.ValidationError, match=rule):
        policy(**{rule: None})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"open_status": []}, "open_status"),
        ({"longest_life_days": 731}, "<= 730"),
        ({"longest_life_days": 0}, ">= 1"),
        ({"lawful_basis": "because we may"}, "lawful_basis"),
        ({"desk": "Front Desk"}, "desk"),
        ({"roles": {"Client": "customer"}}, "roles"),
        ({"roles": {"Client": "subject", "client ": "victim"}}, "one value twice"),
        ({"categories": {}}, "give include"),
        ({"categories": {"include": ["a"], "exclude": ["A"]}}, "excluded and also"),
        ({"categories": {"exclude": ["a"], "desks": {"a": "team-a"}}}, "excluded and also"),
        ({"categories": {"desks": {"a": "team-a", "A": "team-b"}}}, "one category twice"),
        ({"minimum_age": 17}, "members' approval"),
        ({"minimum_age": 17, "protected": PROTECTED}, "members' approval"),
        ({"protected": PROTECTED | {"under_18": True}}, "has no effect"),
        ({"protected": PROTECTED | {"roles": []}}, "approve somebody"),
        ({"protected": PROTECTED | {"roles": ["subject"]}}, "roles"),
        ({"protected": PROTECTED | {"agreed": [], "not_asked": []}}, "agreed or not_asked"),
        ({"protected": PROTECTED | {"not_asked": ["yes"]}}, "both agreed and not_asked"),
        ({"protected": PROTECTED | {"approval": ""}}, "approval"),
        (DECLARED, "declared_by"),
        (DECLARED | {"declared_by": "Head of Housing"}, "declared_on"),
        (DECLARED | {"declared_by": "Head", "declared_on": "2026-02-30"}, "declared_on"),
        (DECLARED | {"roles": {"A": "subject"}, "declared_by": "Head",
                     "declared_on": "2026-01-01"}, "exclude each other"),
        ({"declared_by": "Head of Housing"}, "go with holds_no_protected_roles"),
    ],
)  # fmt: skip
def test_a_policy_that_contradicts_itself_is_refused(changes: dict[str, Any], said: str) -> None:
    """The message names what to change."""
    with pytest.raises(msgspec.ValidationError, match=said):
        policy(**changes)


@pytest.mark.parametrize("missing", ["approval", "lawful_basis", "hidden_desk"])
def test_approval_lawful_basis_and_hidden_desk_are_needed(missing: str) -> None:
    """Without any one of them nobody who is protected can be switched on."""
    block = {key: value for key, value in PROTECTED.items() if key != missing}
    with pytest.raises(msgspec.ValidationError, match=missing):
        policy(protected=block)


def test_a_policy_names_its_desks() -> None:
    """So that a check can compare them with the directory, and hidden ones with the hidden."""
    rules = policy(categories={"desks": {"Debt": "debt-team"}}, protected=PROTECTED)
    assert rules.visible_desks() == {"front-desk", "debt-team"}
    assert rules.hidden_desks() == {"quiet-desk"}
    assert policy().hidden_desks() == frozenset()
