"""The README: what it tells people to type and to open has to be there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", ["make demo", "make test", "make demo ONCE=1", "make help"])
def test_the_readme_names_the_commands_that_a_newcomer_needs(command: str) -> None:
    assert f"`{command}`" in README or f"    {command}\n" in README


def test_every_target_that_the_readme_names_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)\b", README)) <= targets


def test_every_file_that_the_readme_links_to_is_there() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", README)
    assert links
    missing = [link for link in links if not (ROOT / link).exists()]
    assert not missing, missing


@pytest.mark.parametrize(
    "document",
    ["docs/protocol.md", "docs/threat-model.md", "docs/glossary.md", "docs/policy.md",
     "docs/decisions/"],
)  # fmt: skip
def test_the_readme_leads_to_the_documents(document: str) -> None:
    assert f"]({document})" in README


def test_the_readme_says_what_does_not_hold_yet() -> None:
    """Whoever judges the product by its README must not be misled."""
    assert "## What does not hold yet" in README
