"""The connector's local API answers whatever is sent by whomever as its OpenAPI document says."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import hypothesis
import msgspec
import pytest
from flask import Flask
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.core import NotSet
from werkzeug.test import TestResponse

from agency_connector.app import create_app
from agency_connector.pages import local_users
from protocol.keys import SigningKey
from schemas.checks import CheckAnswer, Choices, ResolveAnswer
from schemas.operations import (
    CHECK,
    CHOICES,
    CONNECTOR_OPERATIONS,
    LOOK_WIDER,
    RESOLVE_LOCALLY,
    Operation,
)
from tests.end_to_end.eastmere import (
    EVALUATOR_URL,
    INDEX_URL,
    OFFICER,
    PHONES,
    ZEPHYRINE,
    Town,
    asked_for,
    new_id,
)
from tests.schemas.conformance import Contract

CONTRACT = Contract("connector.openapi.json")
EXAMPLES = 20


class Standing(StrEnum):
    """How a request stands with the connector."""

    LOCAL_USER = "with a local token"
    NOBODY = "without a token"
    STRANGER = "with a token that nobody has"
    REPLACED = "with a token that a newer one has replaced"
    FOREIGN_PAGE = "from a page of another origin"
    FOREIGN_NAME = "by another name of this machine"


@dataclass(frozen=True)
class LocalApi:
    """The police's connector as programs on its machine call it."""

    app: Flask
    token: str
    replaced: str

    def send(self, operation: Operation, body: bytes, standing: Standing) -> TestResponse:
        token = {
            Standing.NOBODY: "",
            Standing.STRANGER: "ifi-local-" + "A" * 43,
            Standing.REPLACED: self.replaced,
        }.get(standing, self.token)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if body:
            headers["Content-Type"] = "application/json"
        if standing is Standing.FOREIGN_PAGE:
            headers["Origin"] = "https://elsewhere.example"
        if standing is Standing.FOREIGN_NAME:
            headers["Host"] = "elsewhere.example"
        return self.app.test_client().open(
            operation.path, method=operation.method, headers=headers, data=body
        )


@pytest.fixture(scope="module")
def api(town: Town) -> LocalApi:
    police = town["police"]
    replaced = local_users.new_token(police, OFFICER)
    token = local_users.new_token(police, OFFICER)
    return LocalApi(create_app(police), token, replaced)


def sent(message: msgspec.Struct | dict[str, Any]) -> bytes:
    return msgspec.json.encode(message)


@pytest.mark.parametrize("operation", CONNECTOR_OPERATIONS, ids=lambda operation: operation.name)
def test_the_local_api_answers_as_documented(api: LocalApi, operation: Operation) -> None:
    """Whatever comes from whomever: no 5xx, and a status, type and body that are documented."""
    modes = list(GenerationMode) if operation.request else [GenerationMode.POSITIVE]
    told = CONTRACT.schema[operation.path][operation.method]

    @hypothesis.settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate],
    )
    @hypothesis.given(st.one_of([told.as_strategy(generation_mode=mode) for mode in modes]))
    def answers(case: Case) -> None:
        body = b""
        if operation.request is not None and not isinstance(case.body, NotSet):
            body = case.body if isinstance(case.body, bytes) else json.dumps(case.body).encode()
        for standing in Standing:
            hypothesis.note(f"{operation.name}, {standing}: {body[:2000]!r}")
            answer = api.send(operation, body, standing)
            CONTRACT.check(operation, answer)
            granted = standing is Standing.LOCAL_USER or (
                # A browser says where a page is from only if it sends something.
                standing is Standing.FOREIGN_PAGE and operation.method == "GET"
            )
            assert granted or answer.status_code in (401, 403, 421)

    answers()


def test_what_is_granted_is_answered_as_documented(api: LocalApi) -> None:
    """A program on the machine does the whole job; a reference that is another's is refused."""
    user = Standing.LOCAL_USER
    answer = api.send(CHOICES, b"", user)
    CONTRACT.check(CHOICES, answer)
    choices = msgspec.json.decode(answer.data, type=Choices)
    assert (choices.officer, [code for code, _ in choices.purposes]) == (OFFICER, ["safeguarding"])

    answer = api.send(CHECK, sent(asked_for(ZEPHYRINE)), user)
    CONTRACT.check(CHECK, answer)
    told = msgspec.json.decode(answer.data, type=CheckAnswer)
    assert [hit.team.phone for hit in told.involved] == [PHONES["council"]]

    answer = api.send(LOOK_WIDER, sent({"check": new_id(), "follows": told.check}), user)
    CONTRACT.check(LOOK_WIDER, answer)
    assert answer.status_code == 200

    answer = api.send(RESOLVE_LOCALLY, sent({"reference": told.involved[0].reference}), user)
    CONTRACT.check(RESOLVE_LOCALLY, answer)
    assert answer.status_code == 404  # it is the council's, and the police are told no more


def test_the_holder_resolves_a_reference_as_documented(api: LocalApi, town: Town) -> None:
    council = town["council"]
    holder = LocalApi(create_app(council), local_users.new_token(council, "duty.worker"), "")
    (hit,) = town.check("police", ZEPHYRINE).involved
    answer = holder.send(RESOLVE_LOCALLY, sent({"reference": hit.reference}), Standing.LOCAL_USER)
    CONTRACT.check(RESOLVE_LOCALLY, answer)
    told = msgspec.json.decode(answer.data, type=ResolveAnswer)
    assert (told.local_id, told.asked_by) == ("council-0", "Police")


@pytest.mark.parametrize("url", [INDEX_URL, EVALUATOR_URL])
@pytest.mark.parametrize("operation", [CHOICES, CHECK, RESOLVE_LOCALLY], ids=lambda o: o.name)
def test_a_service_that_is_down_is_a_documented_problem(
    api: LocalApi, town: Town, url: str, operation: Operation
) -> None:
    """503 with one sentence; a form is still offered, from what was last seen."""
    body = {CHECK: sent(asked_for(ZEPHYRINE)), RESOLVE_LOCALLY: sent({"reference": "2345678922"})}
    town.later()
    town.down(url)
    answer = api.send(operation, body.get(operation, b""), Standing.LOCAL_USER)
    CONTRACT.check(operation, answer, may_be_5xx=True)
    if operation is CHECK:
        assert answer.status_code == 503
        assert "cannot be reached" in answer.json["detail"]
    if operation is CHOICES:
        assert answer.status_code == 200


@pytest.mark.parametrize("operation", [CHOICES, CHECK], ids=lambda operation: operation.name)
def test_an_index_that_lies_is_a_documented_problem(
    api: LocalApi, town: Town, operation: Operation
) -> None:
    """502: the connector is in order, and what stands behind it is not."""
    town.later()
    honest, town.index.key = town.index.key, SigningKey.generate()
    town.index.lies |= {"directory": lambda told: told, "look-up": lambda told: told}
    body = sent(asked_for(ZEPHYRINE)) if operation is CHECK else b""
    answer = api.send(operation, body, Standing.LOCAL_USER)
    town.index.key = honest
    CONTRACT.check(operation, answer, may_be_5xx=True)
    assert answer.status_code == 502
