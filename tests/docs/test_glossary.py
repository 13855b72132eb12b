"""docs/glossary.md has the words that the code uses, each once."""

import re

from tests.docs.problem_codes import ROOT

TEXT = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
# What every program has; pages are where people meet the words, not a word themselves.
NO_WORDS = {"commands", "migrations", "pages"}


def test_each_folder_of_the_programs_is_a_word() -> None:
    """A folder is a word of the domain: what is no word yet gets a line, or another name."""
    folders = [
        f"{program}/{folder.name}"
        for program in ("index_service", "agency_connector")
        for folder in sorted((ROOT / program).iterdir())
        if (folder / "__init__.py").exists() and folder.name not in NO_WORDS
    ]
    assert folders
    assert [folder for folder in folders if f"`{folder}`" not in TEXT] == []


def test_no_word_is_explained_twice() -> None:
    words = [
        word.strip()
        for row in re.findall(r"^\| ([^|]+) \|", TEXT, re.MULTILINE)
        for word in row.split(",")
        if row != "word"
    ]
    assert len(words) == len(set(words)), sorted({w for w in words if words.count(w) > 1})
