"""The rules of the house: who may import whom, and what a file of ours looks like."""

import ast
import configparser
import importlib.metadata
import os
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PRODUCT = ("foundation", "protocol", "schemas", "index_service", "agency_connector")
CODE = (*PRODUCT, "tests", "deploy", "benchmarks")

LONGEST_FILE = 500
EMPTY_NAMES = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "managers"}
# What a library brings with it and shows in its own interface, so that it needs no line of its own.
SHOWN_BY = {"flask": {"werkzeug", "jinja2", "markupsafe"}, "requests": {"urllib3"}}


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def own_text_files() -> Iterator[Path]:
    """Every file of ours that is text: not what git ignores by its name, nor binary fixtures."""
    skipped = {".git", "__pycache__", "build", "dist", "demo-state"}
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [
            name
            for name in folders
            if name not in skipped and not name.startswith(".") and not name.endswith(".egg-info")
        ]
        for name in files:
            path = Path(folder, name)
            if path.suffix not in {".gz", ".xlsx", ".sqlite", ".png", ".ico", ".woff2", ".bin"}:
                yield path


def comments(path: Path) -> Iterator[tuple[int, str]]:
    with tokenize.open(path) as source:
        for token in tokenize.generate_tokens(source.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


def listed(offences: list[str]) -> str:
    return "\n" + "\n".join(offences)


def test_each_package_imports_only_what_it_may() -> None:
    """The import contract stands in pyproject.toml and is checked by import-linter."""
    checked = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache", "--no-logo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_folder_of_the_product_is_a_package() -> None:
    """Without an __init__.py a folder is left out of an installation, and out of the contract."""
    folders = {path.parent for path in python_files(*PRODUCT)}
    # A history of migrations is read by Alembic from its folder, not imported.
    bare = [
        str(folder.relative_to(ROOT))
        for folder in sorted(folders)
        if not (folder / "__init__.py").exists() and "migrations" not in folder.parts
    ]
    assert not bare, listed(bare)


def test_every_library_that_the_product_imports_is_declared() -> None:
    """An import that only works because a test tool brought the library would fail at an agency."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    declared = {
        re.split(r"[\[<>=~! ]", line, maxsplit=1)[0].lower()
        for line in settings["options"]["install_requires"].splitlines()
        if line and not line.startswith("#")
    }
    for library, shown in SHOWN_BY.items():
        declared |= shown if library in declared else set()
    providers = importlib.metadata.packages_distributions()
    undeclared = []
    for path in python_files(*PRODUCT):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                modules = [node.module]
            else:
                continue
            for module in modules:
                top = module.partition(".")[0]
                if top in PRODUCT or top in sys.stdlib_module_names:
                    continue
                # PEP 503: a distribution's name is the same with dashes and with underscores.
                names = {name.lower().replace("_", "-") for name in providers.get(top, [top])}
                if not names & declared:
                    undeclared.append(f"{path.relative_to(ROOT)}:{node.lineno} imports {module}")
    assert not undeclared, listed(undeclared)


def test_a_file_is_read_in_one_sitting() -> None:
    """No Python file is longer than 500 lines, but for tests and migrations."""
    long = []
    for path in python_files(*PRODUCT, "deploy", "benchmarks"):
        lines = len(path.read_text().splitlines())
        if lines > LONGEST_FILE and "migrations" not in path.parts:
            long.append(f"{path.relative_to(ROOT)}: {lines} lines")
    assert not long, listed(long)


def test_a_module_is_named_for_what_it_does() -> None:
    """No module or package is called utils, helpers, common, misc or manager."""
    empty = [
        str(path.relative_to(ROOT))
        for path in python_files(*CODE)
        if EMPTY_NAMES & {part.strip("_") for part in path.relative_to(ROOT).with_suffix("").parts}
    ]
    assert not empty, listed(empty)


def test_a_module_opens_with_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in python_files(*PRODUCT, "deploy", "benchmarks")
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert not silent, listed(silent)


EXCEPTION = re.compile(r"#\s*(noqa|type:\s*ignore|nosec|pragma:|ruff:\s*noqa|mypy:)", re.IGNORECASE)
# The rule that is waived, and then the reason in words; examples are in the test below.
REASONED = re.compile(
    r"#\s*(?:ruff:\s*)?noqa:\s*[A-Z]+[0-9]+(?:\s*,\s*[A-Z]+[0-9]+)*\s*(?:#|-+|:)\s*\w+.*"
    r"|#\s*type:\s*ignore\[[a-z-]+(?:\s*,\s*[a-z-]+)*\]\s*(?:#|-+|:)\s*\w+.*"
)


def test_every_exception_to_a_lint_rule_has_its_reason_beside_it() -> None:
    bare = [
        f"{path.relative_to(ROOT)}:{line}: {comment}"
        for path in python_files(*CODE)
        for line, comment in comments(path)
        if EXCEPTION.search(comment) and not REASONED.search(comment)
    ]
    assert not bare, listed(bare)


@pytest.mark.parametrize(
    ("comment", "reasoned"),
    [
        ("# noqa", False),
        ("# noqa: S603", False),
        ("# noqa: S603 - starts our own program", True),
        ("# noqa: S603, S607 # starts our own program", True),
        ("# type: ignore", False),
        ("# type: ignore[arg-type]", False),
        ("# type: ignore[arg-type]  # the stub is behind the library", True),
    ],
)
def test_a_reason_is_told_from_a_bare_exception(comment: str, reasoned: bool) -> None:
    assert EXCEPTION.search(comment)
    assert bool(REASONED.search(comment)) is reasoned


def test_no_file_names_a_place_on_one_machine() -> None:
    """A path into somebody's home or checkout works nowhere else."""
    # Built from parts, so that this file does not name one.
    place = re.compile(r"(?<![\w.~-])/(?:" + "|".join(["work", "root", "home", "Users"]) + r")/\w")
    offences = []
    for path in own_text_files():
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        offences += [
            f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
            for number, line in enumerate(lines, 1)
            if place.search(line)
        ]
    assert not offences, listed(offences)


def test_make_help_lists_every_target() -> None:
    """Each target that a person may call has its line; set-up steps are not targets to call."""
    makefile = (ROOT / "Makefile").read_text()
    called = set(re.findall(r"^\.PHONY: ([a-z-]+)$", makefile, re.MULTILINE)) - {"prerequisites"}
    shown = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert called == set(re.findall(r"^  make ([a-z-]+) ", shown, re.MULTILINE))


def test_continuous_integration_runs_what_the_readme_tells_people_to_run() -> None:
    assert "make test" in (ROOT / ".ci" / "run").read_text()
    assert "make test" in (ROOT / "README.md").read_text()
