"""Holds an answer against the OpenAPI document of the program that gave it."""

import json
from functools import cached_property
from typing import Any

import jsonschema_rs
import schemathesis

# At once, since it derives from requests' Session, in whose place a test may put its own.
import schemathesis.transport.requests
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    status_code_conformance,
)
from werkzeug.test import TestResponse

from schemas.generate import documents
from schemas.operations import Operation


class Contract:
    """One committed OpenAPI document, by file name."""

    def __init__(self, name: str) -> None:
        self.document = json.loads(documents()[name])
        self._bodies: dict[str, jsonschema_rs.Validator] = {}

    @cached_property
    def schema(self) -> Any:
        """The document as schemathesis reads it."""
        return schemathesis.openapi.from_dict(self.document)

    def check(
        self, operation: Operation, answer: TestResponse, *, may_be_5xx: bool = False
    ) -> None:
        """Raise unless status, media type and body are as documented, and the status no 5xx."""
        case = self.schema[operation.path][operation.method].Case()
        checks = [status_code_conformance, content_type_conformance]
        if not may_be_5xx:
            checks.append(not_a_server_error)
        case.validate_response(answer, checks=checks)
        self._check_body(operation, answer)

    def _check_body(self, operation: Operation, answer: TestResponse) -> None:
        """Validate the body: schemathesis reads `prefixItems` of responses in another way."""
        told = self.document["paths"][operation.path][operation.method.lower()]
        content = told["responses"][str(answer.status_code)]["content"]
        reference = content[answer.mimetype]["schema"]["$ref"]
        if reference not in self._bodies:
            schema = {"$ref": reference, "components": self.document["components"]}
            self._bodies[reference] = jsonschema_rs.Draft202012Validator(schema)
        self._bodies[reference].validate(json.loads(answer.data))
