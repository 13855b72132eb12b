"""docs/protocol.md says what the code does: its generated parts, its codes and its vectors."""

import json
import re

from tests.docs import generate, problem_codes
from tests.docs.meanings import MEANINGS
from tests.docs.problem_codes import ROOT

DOCUMENT = generate.DOCUMENT.read_text(encoding="utf-8")


def test_every_generated_part_is_what_the_code_says() -> None:
    """A table that was not written anew after a change of the code is a wrong document."""
    assert generate.filled(DOCUMENT) == DOCUMENT, "run: python -m tests.docs.generate"


def test_every_part_that_can_be_generated_stands_in_the_document() -> None:
    assert sorted(generate.parts_in(DOCUMENT)) == sorted(generate.PARTS)


def test_every_problem_code_in_the_source_has_a_meaning_and_no_other_has() -> None:
    in_source = {code for code, _, _ in problem_codes.problem_codes()}
    assert in_source == set(MEANINGS), "say what the code means in tests/docs/meanings.py"


def test_the_codes_of_limits_are_those_that_are_listed() -> None:
    """They are put together at run time, so that reading the source does not show them whole."""
    assert problem_codes.limit_names() == problem_codes.LIMIT_NAMES


def test_every_code_named_in_the_text_exists() -> None:
    """Between backticks and round brackets, such as (`too-wide`), stands a problem code."""
    named = set(re.findall(r"\(`([a-z]+(?:-[a-z]+)+)`\)", DOCUMENT))
    assert named
    assert named <= set(MEANINGS)


def test_every_part_of_the_vectors_is_referred_to() -> None:
    file = ROOT / "tests" / "protocol" / "vectors" / "protocol.json"
    parts = set(json.loads(file.read_text(encoding="utf-8"))) - {"about"}
    assert set(re.findall(r"\*\(vectors: `([a-z_]+)`\)\*", DOCUMENT)) == parts
