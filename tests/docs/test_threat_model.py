"""docs/threat-model.md says of each promise on what it rests, or that it does not hold yet."""

import re

import pytest

from tests.docs.problem_codes import ROOT

TEXT = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
PROMISES = re.findall(r"^### (\d+)\n\n(> .*?)(?=^##)", TEXT, re.MULTILINE | re.DOTALL)


def test_all_eight_promises_are_there() -> None:
    assert [number for number, _ in PROMISES] == list("12345678")


@pytest.mark.parametrize(("number", "said"), PROMISES, ids=lambda value: value[:1])
def test_a_promise_names_its_tests_or_what_is_missing(number: str, said: str) -> None:
    assert said.startswith("> **")
    assert "`tests/" in said, f"promise {number} names no test"
    assert "**Not promised.**" in said or "**Not yet.**" in said
