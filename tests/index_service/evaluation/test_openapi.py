"""Requests made from the evaluator's own OpenAPI document, valid and not: none makes it fail."""

import json
import secrets
from collections.abc import Iterator

import msgspec
import pytest
import schemathesis
from hypothesis import given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode

from foundation.clock import now_ms
from foundation.database import Database
from index_service.evaluation import storage
from protocol.keys import SigningKey
from schemas.generate import DIRECTORY
from schemas.operations import EVALUATOR_OPERATIONS, Operation
from schemas.problems import ProblemDocument
from tests.index_service.evaluation.evaluators import AUDIENCE, Asker, new_evaluator
from tests.protocol.signed_calls import signed

EXAMPLES = 20
SUSPENDED = SigningKey.generate()
UNKNOWN = SigningKey.generate()

DOCUMENT = schemathesis.openapi.from_dict(
    json.loads((DIRECTORY / "evaluator.openapi.json").read_text(encoding="utf-8"))
)


@pytest.fixture(scope="module")
def asker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    """One evaluator for all examples, with an enrolled agency and a suspended one."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('openapi') / 'evaluator.sqlite'}")
    made = Asker(new_evaluator(database, now_ms))
    with database.write() as connection:
        storage.add_agency(connection, "south-police", "South Police", now_ms())
        storage.give_key(connection, "south-police", SUSPENDED.key_id, SUSPENDED.public, now_ms())
        storage.set_status(connection, "south-police", "suspended")
    yield made
    database.close()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("operation", EVALUATOR_OPERATIONS, ids=lambda one: one.name)
def test_no_request_makes_the_evaluator_fail_whoever_signs_it(
    asker: Asker, operation: Operation, mode: GenerationMode
) -> None:
    described = DOCUMENT[operation.path][operation.method]
    if operation.request is None and mode is GenerationMode.NEGATIVE:
        strategy: st.SearchStrategy[Case] = described.as_strategy()  # nothing in it can be wrong
    else:
        strategy = described.as_strategy(generation_mode=mode)

    @settings(max_examples=EXAMPLES)
    @given(strategy)
    def sends(case: Case) -> None:
        body = b"" if operation.request is None else _body(case.body)
        for key in (None, UNKNOWN, SUSPENDED, asker.key):
            headers = _headers(operation, body, key)
            answer = asker.client.open(
                operation.path, method=operation.method, headers=headers, data=body
            )
            if answer.status_code == 200:
                msgspec.json.decode(answer.data, type=operation.response)
            else:
                assert answer.status_code < 500
                assert answer.content_type == "application/problem+json"
                msgspec.json.decode(answer.data, type=ProblemDocument)
                assert str(answer.status_code) in described.definition.raw["responses"]

    sends()


def _headers(operation: Operation, body: bytes, key: SigningKey | None) -> list[tuple[str, str]]:
    if key is None:
        return [("Content-Type", "application/json")] if body else []
    nonce = secrets.token_bytes(16)
    request = signed(operation, body, key, at=now_ms(), nonce=nonce, audience=AUDIENCE)
    return list(request.headers)


def _body(made: object) -> bytes:
    return made if isinstance(made, bytes) else json.dumps(made, default=str).encode()
