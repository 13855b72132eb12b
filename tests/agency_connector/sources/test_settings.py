"""What the settings of a source refuse, each with what to do about it."""

import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agency_connector.matching import identifiers
from agency_connector.sources.settings import IDENTIFIER_KINDS, SourceSettings
from foundation.operator import OperatorError
from foundation.settings import load

COLUMNS = {"local_id": "Ref", "full_name": "Name", "born": "DOB", "role": "Role",
           "status": "Status", "opened": "Opened"}  # fmt: skip
POLICY = {
    "open_status": ["open"],
    "longest_life_days": 365,
    "lawful_basis": "uk-gdpr-6-1-e",
    "desk": "front-desk",
    "roles": {"Client": "subject"},
}
PROTECTED = {"approval": "minute 12 of 1 May 2026", "lawful_basis": "uk-gdpr-6-1-e",
             "hidden_desk": "quiet-desk", "roles": ["victim"], "agreed": ["yes"]}  # fmt: skip
CSV = {"kind": "csv", "name": "cases", "path": "c.csv", "columns": COLUMNS, "policy": POLICY}
SQL = CSV | {"kind": "sql", "query": "SELECT 1"}
del SQL["path"]


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    sources: tuple[SourceSettings, ...]


def without(mapping: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if name != key}


def refused(settings: dict[str, Any]) -> str:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(settings, SourceSettings)
    return str(caught.value)


def test_the_examples_in_the_document_are_accepted(tmp_path: Path) -> None:
    """docs/policy.md can be copied: the whole example, and each part added to it."""
    document = (Path(__file__).parents[3] / "docs" / "policy.md").read_text()
    whole, *parts = [part.partition("```")[0] for part in document.split("```toml\n")[1:]]
    path = tmp_path / "connector.toml"
    path.write_text(whole)
    assert load(path, Settings).sources
    assert len(parts) == 2
    for part in map(tomllib.loads, parts):
        (source,) = tomllib.loads(whole)["sources"]
        if part["sources"]["policy"].get("holds_no_protected_roles"):
            del source["policy"]["roles"], source["columns"]["role"]
        for table, added in part["sources"].items():
            source[table] |= added
        assert msgspec.convert(source, SourceSettings)


def test_without_a_policy_a_source_is_refused_with_how_to_write_one(tmp_path: Path) -> None:
    """No policy, no publishing."""
    path = tmp_path / "connector.toml"
    lines = ['[[sources]]\nkind = "csv"\nname = "cases"\npath = "c.csv"\n[sources.columns]']
    path.write_text("\n".join(lines + [f'{field} = "{name}"' for field, name in COLUMNS.items()]))
    with pytest.raises(OperatorError, match=r"\[sources\.policy\] with open_status"):
        load(path, Settings)


def test_unknown_kinds_and_keys_are_refused() -> None:
    """A misspelt key is never a default."""
    assert "unknown field" in refused(CSV | {"delimeter": ";"})
    assert "unknown field" in refused(CSV | {"columns": COLUMNS | {"firstname": "x"}})
    assert "unknown field" in refused(CSV | {"policy": POLICY | {"min_age": 12}})
    assert "kind" in refused(CSV | {"kind": "xml"})


def test_columns_that_no_row_could_be_published_with_are_refused() -> None:
    """A name, a date of birth, a status and a dated fact are needed."""
    assert "full_name" in refused(CSV | {"columns": without(COLUMNS, "full_name")})
    assert "given and family" in refused(
        CSV | {"columns": without(COLUMNS, "full_name") | {"given": "First"}}
    )
    assert "opened or reviewed" in refused(CSV | {"columns": without(COLUMNS, "opened")})
    assert "born" in refused(CSV | {"columns": without(COLUMNS, "born")})
    assert "status" in refused(CSV | {"columns": without(COLUMNS, "status")})


def test_columns_and_policy_have_to_fit_each_other() -> None:
    """A rule without its column, or a role column without a rule, is a mistake."""
    assert "roles" in refused(CSV | {"policy": without(POLICY, "roles")})
    assert "columns.role" in refused(CSV | {"columns": without(COLUMNS, "role")})
    assert "columns.category" in refused(
        CSV | {"policy": POLICY | {"categories": {"include": ["Housing"]}}}
    )
    assert "columns.agreed" in refused(CSV | {"policy": POLICY | {"protected": PROTECTED}})
    assert "row_lawful_bases" in refused(CSV | {"columns": COLUMNS | {"lawful_basis": "Basis"}})
    assert "row_lawful_bases" in refused(
        CSV | {"policy": POLICY | {"row_lawful_bases": ["uk-gdpr-6-1-e"]}}
    )


@pytest.mark.parametrize("delimiter", ["", ",,", '"', "\n", "a", "\u00a7"])
def test_a_delimiter_is_one_plain_sign(delimiter: str) -> None:
    """One byte in every encoding, and never a letter or quotation mark."""
    assert "delimiter" in refused(CSV | {"delimiter": delimiter})


def test_a_password_may_not_stand_in_the_settings() -> None:
    """Neither in the address nor among its options; the refusal does not repeat it."""
    for url in ("postgresql://me:hunter2@db/c", "postgresql://me@db/c?password=hunter2"):
        message = refused(SQL | {"url": url})
        assert "url_file" in message
        assert "hunter2" not in message
    assert msgspec.convert(SQL | {"url": "postgresql://me@db/c"}, SourceSettings)


def test_the_address_of_a_database_is_given_once() -> None:
    """Which of two is meant is not guessed."""
    assert "either url or url_file" in refused(SQL)
    assert "either url or url_file" in refused(SQL | {"url": "sqlite:///c", "url_file": "f"})
    assert "not a database URL" in refused(SQL | {"url": "cases"})


@pytest.mark.parametrize("query", ["DELETE FROM cases", "selected", "", "DROP TABLE c; SELECT 1"])
def test_a_query_begins_with_select_or_with(query: str) -> None:
    """A first guard, before the read-only transaction."""
    assert "query" in refused(SQL | {"url": "sqlite:///c", "query": query})
    assert msgspec.convert(SQL | {"url": "sqlite:///c", "query": "\n Select 1"}, SourceSettings)


def test_a_command_has_a_program() -> None:
    """An empty list starts nothing."""
    program = without(CSV, "path") | {"kind": "program", "command": []}
    assert "command" in refused(program)


def test_every_identifier_is_of_a_kind_that_matching_knows() -> None:
    """An identifier of an unknown kind would be dropped without a word."""
    assert set(IDENTIFIER_KINDS.values()) == set(identifiers.KINDS)
