"""Supervisors' acts: a route for `Caller.SUPERVISOR_NOW` wants a recent and strong sign-in."""

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask, Response

from agency_connector.pages.access import Access, Caller, SignInNeeded
from agency_connector.pages.sessions import Sessions
from agency_connector.sign_in.kept_forms import KeptForms
from agency_connector.sign_in.roles import Person, Role, Way
from foundation import problems
from foundation.problems import Problem, problem_response
from tests.agency_connector.sign_in.conftest import Connector
from tests.agency_connector.sign_in.identity_provider import IdentityProvider
from tests.conftest import FakeClock

MINUTE_MS = 60_000


@pytest.fixture
def act(connector: Connector, provider: IdentityProvider, by_provider: Any) -> Any:
    """An app with one supervisors' act; sends the form as `person`, whose session has begun."""
    by_provider('supervisor_acr = ["phrh"]')
    installation = connector.installation
    sessions, kept = Sessions(installation.clock), KeptForms(installation.clock)
    access = Access(installation, sessions, kept)
    app, guard = Flask("one-act"), access.guard()
    led: list[SignInNeeded] = []

    def answer(problem: Problem) -> Response:
        if isinstance(problem, SignInNeeded):
            led.append(problem)
        return problem_response(problem)

    problems.register(app, answer)
    guard.route(app, "/act", ("POST",), may=Caller.SUPERVISOR_NOW)(lambda: "done")

    def send(person: Person, wait: int = 0) -> tuple[int, str | None]:
        secret = sessions.start(person)
        connector.clock.advance(wait)
        found = sessions.find(secret)
        assert found is not None
        client = app.test_client()
        client.set_cookie(access.cookie, secret)
        status = client.post("/act", data={"csrf": found.csrf, "verdict": "fine"}).status_code
        if not led:
            return status, None
        needed = led.pop()
        assert needed.again
        form = kept.find(needed.then.removeprefix("/kept-forms/"), person.user)
        assert form is not None
        assert form.fields == (("verdict", "fine"),)
        return status, form.path

    return send


def supervisor(clock: FakeClock) -> Person:
    return Person(
        user="https://idp.example#kim", name="Kim Oakley", given_name="Kim", family_name="Oakley",
        roles=frozenset({Role.SUPERVISOR}), way=Way.PROVIDER, authenticated_at=clock(), acr="phrh",
    )  # fmt: skip


def test_a_recent_and_strong_sign_in_will_do(act: Any, clock: FakeClock) -> None:
    assert act(supervisor(clock)) == (200, None)
    assert act(supervisor(clock), wait=14 * MINUTE_MS) == (200, None)


def test_an_older_one_leads_to_the_sign_in_and_keeps_the_form(act: Any, clock: FakeClock) -> None:
    person = replace(supervisor(clock), authenticated_at=clock() - 15 * MINUTE_MS)
    assert act(person) == (401, "/act")


def test_a_weaker_one_leads_to_the_sign_in(act: Any, clock: FakeClock) -> None:
    assert act(replace(supervisor(clock), acr="pwd")) == (401, "/act")


def test_another_role_is_refused_however_fresh(act: Any, clock: FakeClock) -> None:
    person = replace(supervisor(clock), roles=frozenset(Role) - {Role.SUPERVISOR})
    assert act(person) == (403, None)
