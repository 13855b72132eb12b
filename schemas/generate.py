"""Writes the committed JSON Schema 2020-12 and OpenAPI 3.1 documents from the typed messages."""

import json
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from schemas.agencies import Desk, Introduction, KeyChange
from schemas.contacts import ContactContents, ContactStatement
from schemas.entries import Entry, ReceiptStatement
from schemas.epochs import EpochDescriptor
from schemas.evaluation import EvaluatorCounts
from schemas.exports import Manifest
from schemas.flags import PublicationStatement
from schemas.handover import HandoverContents, HandoverPackage
from schemas.lookups import LookupStatement, ResolutionStatement, WithheldResult
from schemas.operations import (
    CONNECTOR_OPERATIONS,
    EVALUATOR_OPERATIONS,
    INDEX_OPERATIONS,
    Operation,
)
from schemas.problems import ProblemDocument
from schemas.successions import LogSuccession
from schemas.witnesses import WitnessDeclaration

DIRECTORY: Final = Path(__file__).parent / "generated"
SCHEMA_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

# What is signed or hashed rather than sent as a body of its own.
DOCUMENTS: Final[tuple[Any, ...]] = (
    Introduction, KeyChange, Desk, WitnessDeclaration, EpochDescriptor, HandoverPackage,
    HandoverContents, PublicationStatement, LookupStatement, ResolutionStatement, ReceiptStatement,
    WithheldResult, Entry, LogSuccession, EvaluatorCounts, Manifest, ContactStatement,
    ContactContents,
)  # fmt: skip

_SECURITY: Final[dict[str, list[dict[str, list[str]]]]] = {
    "anyone": [],
    "local_user": [{"localToken": []}],
}
_STATUSES: Final = {
    400: "The request is malformed; `detail` says where.",
    401: "The request is not signed as it must be, or the local token is missing.",
    403: "The caller may not do this.",
    404: "There is nothing here for the caller.",
    409: "It contradicts what is already recorded.",
    413: "The body is larger than any message.",
    415: "The body is not application/json.",
    421: "Called by another name than this machine's own.",
    422: "Understood, and refused; `detail` says why.",
    429: "Over a limit; `retry_after` says in seconds when to try again.",
    502: "The index or the evaluator did not answer as it must; nothing is shown.",
    503: "Storage cannot be reached now; nothing was recorded and nothing answered.",
}
_SECURITY_SCHEMES: Final = {
    "requestSignature": {
        "type": "apiKey",
        "in": "header",
        "name": "Signature",
        "description": "RFC 9421 with Ed25519 and tag ifi/1, as docs/protocol.md writes it.",
    },
    "localToken": {"type": "http", "scheme": "bearer"},
}


def json_schemas() -> dict[str, Any]:
    """Return one JSON Schema document that defines every message and signed document by name."""
    types: list[Any] = [*DOCUMENTS, ProblemDocument]
    for operation in (*INDEX_OPERATIONS, *EVALUATOR_OPERATIONS, *CONNECTOR_OPERATIONS):
        types += [t for t in (operation.request, operation.response) if t is not None]
    components = _components(types, "#/$defs/{name}")
    return {
        "$schema": SCHEMA_DIALECT,
        "title": "Interest Flag Index messages",
        "$defs": dict(sorted(components.items())),
    }


def openapi(title: str, operations: tuple[Operation, ...]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of one program's operations."""
    types: list[Any] = [ProblemDocument]
    for operation in operations:
        types += [t for t in (operation.request, operation.response) if t is not None]
    components = _components(types, "#/components/schemas/{name}")
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": SCHEMA_DIALECT,
        "info": {"title": title, "version": "1"},
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": _SECURITY_SCHEMES,
        },
    }


def _components(types: list[Any], ref_template: str) -> dict[str, Any]:
    _, components = msgspec.json.schema_components(types, ref_template=ref_template)
    return {name: _in_ecma_262(schema) for name, schema in components.items()}


def _in_ecma_262(schema: Any) -> Any:
    """Return `schema` with patterns as JSON Schema has them (ECMA-262): `$` for Python's `\\Z`."""
    if isinstance(schema, dict):
        return {
            name: part.replace(r"\Z", "$")
            if name == "pattern" and isinstance(part, str)
            else _in_ecma_262(part)
            for name, part in schema.items()
        }
    return [_in_ecma_262(part) for part in schema] if isinstance(schema, list) else schema


def _operation(operation: Operation) -> dict[str, Any]:
    # A signature is checked wherever there is one, also where none is asked for.
    statuses = [400, 401, 503, *operation.refusals]
    if operation.caller != "anyone":
        statuses += [403, 404, 422, 429]
    if operation.caller == "local_user":
        statuses.append(421)
    if operation.request is not None:
        statuses += [413, 415]
    document: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "security": _SECURITY.get(operation.caller, [{"requestSignature": []}]),
        "responses": {
            "200": {
                "description": "Done.",
                "content": {"application/json": {"schema": _reference(operation.response)}},
            },
            **{str(status): _problem(status) for status in sorted(set(statuses))},
        },
    }
    if operation.request is not None:
        document["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _reference(operation.request)}},
        }
    return document


def _problem(status: int) -> dict[str, Any]:
    return {
        "description": _STATUSES[status],
        "content": {"application/problem+json": {"schema": _reference(ProblemDocument)}},
    }


def _reference(message: type[Any]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{message.__name__}"}


def documents() -> dict[str, str]:
    """Return the text of each committed document by file name."""
    made = {
        "messages.schema.json": json_schemas(),
        "index.openapi.json": openapi("Interest Flag Index: the index", INDEX_OPERATIONS),
        "evaluator.openapi.json": openapi("The evaluator", EVALUATOR_OPERATIONS),
        "connector.openapi.json": openapi("A connector's local API", CONNECTOR_OPERATIONS),
    }
    return {
        name: json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        for name, content in made.items()
    }


def main() -> None:
    """Write the documents; prints the files that changed."""
    DIRECTORY.mkdir(exist_ok=True)
    for name, text in documents().items():
        path = DIRECTORY / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote {path}\n")


if __name__ == "__main__":
    main()
