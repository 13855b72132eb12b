"""Every route with every kind of caller: who may call it is written down here, once.

A new route fails the first test until somebody has put it into the table, and so has thought about
who may call it.
"""

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from agency_connector.app import create_app
from agency_connector.pages import local_users
from agency_connector.sign_in.roles import Role
from tests.agency_connector.lookups.county import new_id
from tests.agency_connector.sign_in.conftest import Connector
from tests.agency_connector.sign_in.people import Somebody, somebody

ANYONE = "anyone"
NOBODY = "nobody from here"
TOKEN = "a program with a local token"
SIGNED_IN = "whoever has signed in"
OFFICER, DESK = Role.OFFICER, Role.DESK
AUDITOR, SUPERVISOR = Role.AUDITOR, Role.SUPERVISOR

MAY = {
    ("GET", "/"): OFFICER,
    ("POST", "/checks"): OFFICER,
    ("GET", "/checks/<check>"): OFFICER,
    ("POST", "/checks/<check>/wider"): OFFICER,
    ("GET", "/checks/<check>/again"): OFFICER,
    ("POST", "/checks/<check>/outcome"): OFFICER,
    ("GET", "/checks/<check>/record"): OFFICER,
    ("POST", "/checks/<check>/prints"): OFFICER,
    ("GET", "/checks/<check>/prints/<act>"): OFFICER,
    ("GET", "/my-checks"): OFFICER,
    ("GET", "/checks/<check>/requests/<number>"): OFFICER,
    ("POST", "/checks/<check>/requests/<number>"): OFFICER,
    ("GET", "/my-requests/<contact>"): OFFICER,
    ("POST", "/my-requests/<contact>/steps"): OFFICER,
    ("GET", "/justifications/<justification>"): OFFICER,
    ("POST", "/justifications/<justification>"): OFFICER,
    ("POST", "/justifications/<justification>/at-once"): OFFICER,
    ("POST", "/justifications/<justification>/abandon"): OFFICER,
    ("GET", "/practice"): OFFICER,
    ("POST", "/practice"): OFFICER,
    ("GET", "/help"): ANYONE,
    ("GET", "/accessibility"): ANYONE,
    ("GET", "/references"): DESK,
    ("POST", "/references"): DESK,
    ("GET", "/references/<resolution>"): DESK,
    ("POST", "/references/<resolution>/reply"): DESK,
    ("GET", "/requests"): DESK,
    ("POST", "/requests/<contact>/open"): DESK,
    ("GET", "/requests/<contact>"): DESK,
    ("GET", "/requests/<contact>/<resolution>"): DESK,
    ("POST", "/requests/<contact>/<resolution>/confirmed"): DESK,
    ("POST", "/requests/<contact>/steps"): DESK,
    ("GET", "/supervision"): SUPERVISOR,
    ("POST", "/supervision/checks/<check>/open"): SUPERVISOR,
    ("GET", "/supervision/openings/<opening>"): SUPERVISOR,
    ("POST", "/supervision/openings/<opening>/verdict"): SUPERVISOR,
    ("GET", "/supervision/months"): SUPERVISOR,
    ("GET", "/supervision/months/<month>"): SUPERVISOR,
    ("GET", "/audits"): AUDITOR,
    ("POST", "/audits/person"): AUDITOR,
    ("GET", "/audits/lookups"): AUDITOR,
    ("POST", "/audits/lookups"): AUDITOR,
    ("GET", "/audits/everything"): AUDITOR,
    ("POST", "/audits/everything"): AUDITOR,
    ("GET", "/audits/scans/<scan>"): AUDITOR,
    ("POST", "/audits/scans/<scan>"): AUDITOR,
    ("POST", "/audits/scans/<scan>/confirm"): AUDITOR,
    ("GET", "/audits/<kept>"): AUDITOR,
    ("GET", "/audits/<kept>/entries/<number>"): AUDITOR,
    ("GET", "/audits/<kept>/table.csv"): AUDITOR,
    ("GET", "/audits/<kept>/proofs.json"): AUDITOR,
    ("GET", "/sign-in"): ANYONE,
    ("POST", "/sign-in"): ANYONE,
    ("GET", "/sign-in/begin"): ANYONE,
    ("GET", "/sign-in/callback"): ANYONE,
    ("GET", "/session-over"): ANYONE,
    ("GET", "/session"): SIGNED_IN,
    ("POST", "/sign-out"): SIGNED_IN,
    ("GET", "/kept-forms/<ticket>"): SIGNED_IN,
    ("GET", "/assets/<name>.css"): ANYONE,
    ("GET", "/api/choices"): TOKEN,
    ("POST", "/api/checks"): TOKEN,
    ("POST", "/api/checks/wider"): TOKEN,
    ("POST", "/api/resolutions"): TOKEN,
    ("GET", "/healthz"): ANYONE,
    ("GET", "/readyz"): ANYONE,
    ("GET", "/metrics"): NOBODY,
}
"""Who may call what. `/metrics` is answered on the watch address alone."""

Call = tuple[str, str]


def calls(app: Flask) -> dict[Call, str]:
    """Every method and rule of the app, with an address at which it is."""
    found = {}
    for rule in app.url_map.iter_rules():
        path = rule.rule
        for argument in rule.arguments:
            path = path.replace(f"<{argument}>", new_id())
        name = "/assets/<name>.css" if rule.rule.startswith("/assets/") else rule.rule
        for method in (rule.methods or set()) - {"HEAD"}:
            found[method, name] = path
    return found


@pytest.fixture
def people(connector: Connector, by_accounts: Flask) -> dict[Role, Somebody]:
    """Somebody of each single role, signed in."""
    made = {
        role: somebody(by_accounts, connector.installation, f"the-{role.value}", role)
        for role in Role
    }
    for each in made.values():
        assert each.sign_in().status_code == 303
    return made


def test_the_table_has_every_route_and_no_other(by_accounts: Flask) -> None:
    assert set(calls(by_accounts)) == set(MAY)


def send(who: Somebody, method: str, path: str, csrf: str | None) -> TestResponse:
    data = None if method == "GET" else {"csrf": csrf or ""}
    return who.client.open(path, method=method, data=data)


def is_sent_to_sign_in(answer: TestResponse) -> bool:
    return answer.status_code == 303 and (answer.location or "").startswith("/sign-in")


def test_without_a_session_only_what_is_for_anyone_is_answered(by_accounts: Flask) -> None:
    for (method, rule), path in calls(by_accounts).items():
        answer = by_accounts.test_client().open(path, method=method)
        told = MAY[method, rule]
        if told is ANYONE:
            assert answer.status_code not in (401, 421), rule
            assert not is_sent_to_sign_in(answer), rule
        elif told is TOKEN:
            assert answer.status_code == 401, rule
        elif told is NOBODY:
            assert answer.status_code == 404, rule
        else:
            assert is_sent_to_sign_in(answer), rule


def test_a_wrong_form_token_is_refused_whatever_the_role(
    by_accounts: Flask, people: dict[Role, Somebody]
) -> None:
    other = people[Role.AUDITOR].csrf()
    for (method, rule), path in calls(by_accounts).items():
        told = MAY[method, rule]
        if method == "GET" or told in (ANYONE, TOKEN, NOBODY):
            continue
        for role, who in people.items():
            if role is Role.AUDITOR:
                continue
            for csrf in ("", "wrong", other):
                answer = send(who, method, path, csrf)
                assert answer.status_code == 403, (rule, role)
                assert "not from this session" in answer.text


def test_each_role_reaches_its_own_routes_and_no_other(
    by_accounts: Flask, people: dict[Role, Somebody]
) -> None:
    for (method, rule), path in calls(by_accounts).items():
        told = MAY[method, rule]
        if rule == "/sign-out":
            continue
        for role, who in people.items():
            answer = send(who, method, path, who.csrf() if method == "POST" else None)
            allowed = told in (ANYONE, SIGNED_IN, role)
            if told is TOKEN:
                assert answer.status_code == 401, (rule, role)
            elif told is NOBODY:
                assert answer.status_code == 404, (rule, role)
            elif allowed:
                assert not is_sent_to_sign_in(answer), (rule, role)
                assert "which you do not have here" not in answer.text, (rule, role)
            else:
                assert answer.status_code == 403, (rule, role)
                assert "which you do not have here" in answer.text, (rule, role)


def test_a_local_token_opens_the_api_and_no_page_once_people_sign_in(
    connector: Connector, by_accounts: Flask
) -> None:
    token = local_users.new_token(connector.installation, "pc-archer")
    headers = {"Authorization": f"Bearer {token}"}
    client = by_accounts.test_client()
    assert client.get("/api/choices", headers=headers).status_code not in (401, 403)
    assert is_sent_to_sign_in(client.get("/", headers=headers))
    assert client.post("/sign-in", data={"token": token}).status_code == 403
    assert is_sent_to_sign_in(client.get("/"))


def test_a_fresh_installation_goes_by_tokens_of_officers_and_desks(connector: Connector) -> None:
    installation = connector.installation
    client = create_app(installation).test_client()
    token = local_users.new_token(installation, "pc-archer")
    assert client.post("/sign-in", data={"token": token}).location == "/"
    assert "Check a name" in client.get("/").text
    assert client.get("/references").status_code == 200
    assert "Officer, Desk" in " ".join(client.get("/session").text.split())
