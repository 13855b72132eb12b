"""The local API: bearer token, JSON alone, problem documents, and the same words as the pages."""

import dataclasses
from typing import Any

import msgspec
import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient

from agency_connector.app import create_app
from agency_connector.installation import Installation
from agency_connector.justifying import checks
from agency_connector.justifying.justifications import Justifications
from agency_connector.pages import local_users
from agency_connector.settings import ChecksSettings
from schemas.checks import CheckAnswer, Choices, ResolveAnswer
from schemas.operations import CHECK, CONNECTOR_OPERATIONS
from tests.agency_connector.lookups.county import County, new_id
from tests.agency_connector.pages.browser import Browser


@pytest.fixture
def client(town: County, app: Flask) -> FlaskClient:
    """A case system with pc-archer's token."""
    token = local_users.new_token(town.police, "pc-archer")
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client


def a_check(**changed: Any) -> dict[str, Any]:
    return {
        "check": new_id(),
        "particulars": {"full_name": "Shula Hebden", "born": "8 8 1958"},
        "purpose": "safeguarding",
        "reason": "Welfare visit",
        **changed,
    }


def code(answer: Any) -> str:
    assert answer.content_type == "application/problem+json"
    assert answer.json["status"] == answer.status_code
    return str(answer.json["type"]).rpartition(":")[2]


def strict(town: County) -> Installation:
    """The police's connector, where every check is drawn."""
    settings = msgspec.structs.replace(
        town.police.settings, checks=ChecksSettings(justify_one_in=1)
    )
    return dataclasses.replace(town.police, settings=settings)


def test_the_draw_cannot_be_gone_round_by_the_api(client: FlaskClient, town: County) -> None:
    """A drawn check is refused here, whatever is sent next, until its officer has justified it."""
    made = a_check()
    assert client.post(CHECK.path, json=made).status_code == 200
    drawing = create_app(strict(town)).test_client()
    drawing.environ_base["HTTP_AUTHORIZATION"] = client.environ_base["HTTP_AUTHORIZATION"]
    first = a_check()
    for told in (first, a_check(), first):
        refused = drawing.post(CHECK.path, json=told)
        assert (refused.status_code, code(refused)) == (409, "justification-first")
        assert "lookup --justify" in refused.json["detail"]
        assert "Hebden" not in refused.text
    assert drawing.post(CHECK.path, json=made).status_code == 200, "answered before, drawn no more"
    assert len(town.consultations()) == 1
    waiting = Justifications(town.police).pending("pc-archer")
    assert [each.about.wanted.check for each in waiting] == [first["check"]]
    checks.justify(town.police, waiting[0], "Her neighbour rang about shouting tonight")
    assert drawing.post(CHECK.path, json=first).status_code == 200
    assert len(town.consultations()) == 2


def test_what_waits_on_the_pages_waits_in_the_api_too(client: FlaskClient, town: County) -> None:
    """One draw for an officer, however they ask."""
    pages = Browser(create_app(strict(town)), town.police)
    pages.sign_in("pc-archer")
    waiting = pages.check().location
    assert waiting.startswith("/justifications/")
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {pages.token}"
    assert code(client.post(CHECK.path, json=a_check())) == "justification-first"
    pages.send(pages.get(waiting), f"{waiting}/abandon")
    assert client.post(CHECK.path, json=a_check()).status_code == 200


def test_every_operation_of_the_contract_is_served_and_nothing_else_under_api(app: Flask) -> None:
    served = {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api")
        for method in (rule.methods or set()) - {"HEAD"}
    }
    assert served == {(told.method, told.path) for told in CONNECTOR_OPERATIONS}


@pytest.mark.parametrize("operation", CONNECTOR_OPERATIONS, ids=lambda told: told.name)
@pytest.mark.parametrize(
    "authorization", [None, "Bearer ", "Bearer wrong", "Basic YTpi", "Bearer ifi-local-" + "A" * 43]
)
def test_without_a_token_there_is_nothing(
    app: Flask, operation: Any, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = app.test_client().open(
        operation.path, method=operation.method, headers=headers, json=a_check()
    )
    assert answer.status_code == 401
    assert code(answer) == "no-local-token"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_check_is_answered_and_the_same_again_gets_the_first_answer(
    client: FlaskClient, town: County
) -> None:
    told = a_check()
    answer = client.post(CHECK.path, json=told)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    read = msgspec.json.decode(answer.data, type=CheckAnswer)
    assert [hit.partner for hit in read.involved] == ["Borchester Council"]
    assert client.post(CHECK.path, json=told).data == answer.data
    assert len(town.consultations()) == 1
    wider = client.post("/api/checks/wider", json={"check": new_id(), "follows": told["check"]})
    assert msgspec.json.decode(wider.data, type=CheckAnswer).breadth == "wide"
    assert code(client.post(CHECK.path, json={**told, "reason": "Another"})) == "check-differs"


def test_the_choices_are_the_partnerships_purposes(client: FlaskClient) -> None:
    told = msgspec.json.decode(client.get("/api/choices").data, type=Choices)
    assert told.purposes == (("safeguarding", "Keeping a person safe"),)
    assert (told.agency, told.officer) == ("Borsetshire Police", "pc-archer")


def test_a_reference_is_resolved_by_its_holder(town: County) -> None:
    reference = town.check().involved[0].reference
    council = town.connectors["council"]
    token = local_users.new_token(council, "jo")
    answer = (
        create_app(council)
        .test_client()
        .post(
            "/api/resolutions",
            json={"reference": reference},
            headers={"Authorization": f"Bearer {token}"},
        )
    )
    assert msgspec.json.decode(answer.data, type=ResolveAnswer).local_id == "C-17"


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"check": "short"}, 422),
        ({"extra": 1}, 422),
        ({"reason": "x"}, 422),
        ({"reason": "x" * 1001}, 422),
        ({"purpose": "NOT A CODE"}, 422),
        ({"purpose": "curiosity"}, 422),
        ({"particulars": {"full_name": "x" * 301}}, 422),
        ({"particulars": {"note": "none"}}, 422),
        ({"particulars": {"identifiers": [{"kind": "driver", "value": "1"}]}}, 422),
        ({"particulars": {"full_name": "Shula Hebden", "born": "1 1 2999"}}, 422),
        ({"particulars": {}}, 422),
    ],
)
def test_a_body_that_is_not_as_the_schema_has_it_is_refused_without_a_value(
    client: FlaskClient, town: County, changed: dict[str, Any], status: int
) -> None:
    answer = client.post(CHECK.path, json=a_check(**changed))
    assert answer.status_code == status
    assert code(answer)
    assert "Hebden" not in answer.text
    assert town.lookups_sent() == []


def test_json_alone_is_taken(client: FlaskClient) -> None:
    """A form of another page can send text and form data, but never JSON without being asked."""
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = client.post(CHECK.path, data="{}", content_type=content_type)
        assert answer.status_code == 415
    assert client.post(CHECK.path, data="{", content_type="application/json").status_code == 400
    assert client.get(CHECK.path).status_code == 405
    assert client.post(CHECK.path, data="x" * 70_000,
                       content_type="application/json").status_code == 413  # fmt: skip
    assert code(client.get("/api/nowhere")) == "not-found"


def test_another_host_and_another_origin_are_refused(client: FlaskClient) -> None:
    rebound = client.get("/api/choices", headers={"Host": "evil.example"})
    assert (rebound.status_code, code(rebound)) == (421, "misdirected")
    foreign = client.post(CHECK.path, json=a_check(), headers={"Origin": "http://evil.example"})
    assert (foreign.status_code, code(foreign)) == (403, "foreign-origin")


def test_a_session_is_no_token(town: County, app: Flask) -> None:
    """What a browser sends by itself, its cookie, opens nothing of the API."""
    client = app.test_client()
    token = local_users.new_token(town.police, "pc-archer")
    assert client.post("/sign-in", data={"token": token}).status_code == 303
    assert client.get("/api/choices").status_code == 401


@pytest.mark.parametrize("service", ["index", "evaluation"])
def test_a_service_that_is_down_is_a_503_with_the_clear_line(
    client: FlaskClient, town: County, service: str
) -> None:
    def unplug(_: Any) -> None:
        raise requests.ConnectionError

    getattr(town, service).before = unplug
    answer = client.post(CHECK.path, json=a_check())
    assert (answer.status_code, code(answer)) == (503, "unreachable")
    assert "cannot be reached" in answer.json["detail"]


def test_a_renewed_token_ends_the_earlier_one(client: FlaskClient, town: County) -> None:
    assert client.get("/api/choices").status_code == 200
    local_users.new_token(town.police, "pc-archer")
    assert client.get("/api/choices").status_code == 401


def test_the_database_holds_no_token(town: County) -> None:
    token = local_users.new_token(town.police, "pc-archer")
    files = b"".join(p.read_bytes() for p in (town.folder / "police" / "state").iterdir())
    assert b"pc-archer" in files
    assert token.encode() not in files
    assert token.removeprefix("ifi-local-").encode() not in files
