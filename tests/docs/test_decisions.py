"""Each decision says what was decided, why, and what was thrown away; the index lists each once."""

import re
from pathlib import Path

import pytest

from tests.docs.problem_codes import ROOT

FOLDER = ROOT / "docs" / "decisions"
INDEX = FOLDER / "README.md"
PAGES = sorted(path for path in FOLDER.glob("*.md") if path != INDEX)
HEAD = re.compile(
    r"# [^\n]+\n\n"
    r"\*(In force since [A-Z][a-z]+ 20\d\d|Overruled by \[[^\]]+\]\([^)]+\))\. "
    r"Code: `[^*]+`\.\*\n\n"
    r"\*\*Decided\.\*\* [^#]+?\n\n"
    r"\*\*Why\.\*\* [^#]+?\n\n"
    r"\*\*Thrown away\.\*\* "
)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_a_decision_begins_as_all_do(page: Path) -> None:
    """docs/decisions/README.md says how a page begins, so that each can be skimmed alike."""
    assert HEAD.match(page.read_text(encoding="utf-8")), "see docs/decisions/README.md"


def test_the_index_lists_each_decision_once() -> None:
    listed = re.findall(
        r"^\| \[([a-z0-9-]+)\]\(\1\.md\) \|", INDEX.read_text("utf-8"), re.MULTILINE
    )
    assert listed == [page.stem for page in PAGES]
