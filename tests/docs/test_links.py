"""What a document points to exists: files, folders, tests, and names in code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.problem_codes import ROOT

DOCUMENTS = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "CHANGELOG.md"]
_TOP = (
    "agency_connector", "benchmarks", "deploy", "docs", "foundation", "index_service", "protocol",
    "schemas", "tests", ".ci",
)  # fmt: skip
_QUOTED = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


def quoted_paths(text: str) -> Iterator[tuple[str, str | None]]:
    """Every `path` or `path::name` between backticks that begins with a folder of ours."""
    for quoted in _QUOTED.findall(text):
        path, _, name = quoted.partition("::")
        if path.partition("/")[0] in _TOP and "/" in path and re.fullmatch(r"[\w./*-]+", path):
            yield path, name or None


def exists(path: str) -> bool:
    return any(ROOT.glob(path)) if "*" in path else (ROOT / path).exists()


def names_in(path: Path) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_path_in_a_document_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    missing = [path for path, _ in quoted_paths(text) if not exists(path)]
    missing += [
        link
        for link in _LINK.findall(_QUOTED.sub("", text))
        if "://" not in link and not (document.parent / link).exists()
    ]
    assert not missing


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_test_and_name_in_a_document_exists(document: Path) -> None:
    missing = [
        f"{path}::{name}"
        for path, name in quoted_paths(document.read_text(encoding="utf-8"))
        if name is not None and exists(path) and name not in names_in(ROOT / path)
    ]
    assert not missing


def test_a_wrong_path_and_a_wrong_test_are_found() -> None:
    text = "`tests/docs/test_links.py::test_nothing` and `docs/nowhere.md` and `a/b`"
    assert list(quoted_paths(text)) == [
        ("tests/docs/test_links.py", "test_nothing"),
        ("docs/nowhere.md", None),
    ]
