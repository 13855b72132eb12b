"""A word's module is imported when the word is asked for, and no other with it."""

import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from foundation.words import Words

MODULE = "import click\n\n@click.command()\ndef say():\n    click.echo('{}')\n"


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> click.Group:
    """A command of two words, each in a module of its own, which is imported in no other test."""
    for name in ("words_one", "words_two"):
        (tmp_path / f"{name}.py").write_text(MODULE.format(name))
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    return Words(name="both", words={"two": ("words_two", "say"), "one": ("words_one", "say")})


def test_only_the_module_of_the_word_is_imported(group: click.Group) -> None:
    assert CliRunner().invoke(group, ["one"]).output == "words_one\n"
    assert "words_two" not in sys.modules


def test_an_unknown_word_is_refused_and_imports_nothing(group: click.Group) -> None:
    assert CliRunner().invoke(group, ["three"]).exit_code == 2
    assert "words_one" not in sys.modules


def test_the_help_lists_the_words_in_their_order(group: click.Group) -> None:
    told = CliRunner().invoke(group, ["--help"]).output
    assert 0 < told.index("two") < told.index("one")
