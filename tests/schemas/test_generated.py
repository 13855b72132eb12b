"""The committed documents: made from the typed messages, and valid by their standards."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis

from schemas import generate, operations
from schemas.generate import DIRECTORY, SCHEMA_DIALECT, documents, main
from schemas.operations import Operation

OPENAPI = {
    "index.openapi.json": operations.INDEX_OPERATIONS,
    "evaluator.openapi.json": operations.EVALUATOR_OPERATIONS,
    "connector.openapi.json": operations.CONNECTOR_OPERATIONS,
}


def committed(name: str) -> Any:
    return json.loads((DIRECTORY / name).read_text(encoding="utf-8"))


def test_the_committed_documents_are_those_that_the_messages_make() -> None:
    """After a change to a message run `python -m schemas.generate` and commit what it writes."""
    assert {path.name for path in DIRECTORY.iterdir()} == set(documents())
    for name, text in documents().items():
        assert (DIRECTORY / name).read_text(encoding="utf-8") == text, f"{name} is out of date"


def test_generating_writes_what_changed_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "DIRECTORY", tmp_path)
    main()
    assert capsys.readouterr().out.count("wrote") == len(documents())
    (tmp_path / "index.openapi.json").write_text("{}")
    main()
    assert capsys.readouterr().out.split("/")[-1] == "index.openapi.json\n"
    assert (tmp_path / "index.openapi.json").read_text() == documents()["index.openapi.json"]


def test_the_messages_are_json_schema_2020_12() -> None:
    document = committed("messages.schema.json")
    assert document["$schema"] == SCHEMA_DIALECT
    jsonschema_rs.meta.validate(document)
    for name in document["$defs"]:
        schema = {"$ref": f"#/$defs/{name}", "$schema": SCHEMA_DIALECT, "$defs": document["$defs"]}
        jsonschema_rs.Draft202012Validator(schema)  # refuses a $ref that leads nowhere


@pytest.mark.parametrize("name", OPENAPI)
def test_the_operations_are_openapi_3_1(name: str) -> None:
    document = committed(name)
    assert document["openapi"].startswith("3.1.")
    schemathesis.openapi.from_dict(document).validate()
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema)


@pytest.mark.parametrize("name", OPENAPI)
def test_each_operation_is_documented_once(name: str) -> None:
    documented = {
        (method.upper(), path, told["operationId"])
        for path, methods in committed(name)["paths"].items()
        for method, told in methods.items()
    }
    assert documented == {(o.method, o.path, o.name) for o in OPENAPI[name]}
    assert len(documented) == len(OPENAPI[name])


@pytest.mark.parametrize(
    "operation",
    [o for offered in OPENAPI.values() for o in offered],
    ids=lambda operation: operation.name,
)
def test_only_who_may_call_without_signing_is_documented_so(operation: Operation) -> None:
    """An empty `security` says that anyone may call: of two identities, and of nothing else."""
    (document,) = (name for name, offered in OPENAPI.items() if operation in offered)
    told = committed(document)["paths"][operation.path][operation.method.lower()]
    assert (told["security"] == []) is (operation.caller == "anyone")
    assert (operation.caller == "anyone") is operation.name.endswith("-identity")
