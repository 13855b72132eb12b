"""Default deny: no route without a word on who may call it, and no view before the check."""

import pytest
from flask import Blueprint, Flask, g

from foundation import problems
from foundation.problems import Problem
from foundation.routes import Guard, UnguardedRouteError


def refuse() -> object:
    raise Problem(401, "unauthenticated", "Sign the request.")


def guard() -> Guard:
    return Guard({"agency": lambda: "north", "nobody": refuse, "anyone": Guard.anyone})


def app() -> Flask:
    made = Flask("test", static_folder=None)
    problems.register(made)
    return made


def test_the_checked_caller_is_the_principal_of_the_view() -> None:
    guarding, made = guard(), app()
    blueprint = Blueprint("lookups", "test")

    @guarding.route(blueprint, "/who/<int:number>", methods=("GET",), may="agency")
    def who(number: int) -> str:
        return f"{g.principal} {number}"

    made.register_blueprint(blueprint)
    guarding.seal(made)
    assert made.test_client().get("/who/3").text == "north 3"


def test_a_refused_caller_never_reaches_the_view() -> None:
    guarding, made = guard(), app()
    reached = []

    @guarding.route(made, "/", methods=("POST",), may="nobody")
    def view() -> str:
        reached.append(1)
        return ""

    guarding.seal(made)
    assert made.test_client().post("/").status_code == 401
    assert made.test_client().options("/").status_code == 405
    assert reached == []


def test_an_unknown_kind_of_caller_is_refused_at_start() -> None:
    with pytest.raises(UnguardedRouteError, match="'admin'"):
        guard().route(app(), "/", may="admin")


def test_a_route_that_went_round_the_guard_stops_the_start() -> None:
    guarding, made = guard(), app()

    @made.get("/open")
    def unguarded() -> str:
        return ""

    with pytest.raises(UnguardedRouteError, match=r"GET /open \(unguarded\)"):
        guarding.seal(made)


def test_flasks_own_static_route_stops_the_start() -> None:
    with pytest.raises(UnguardedRouteError, match="static"):
        guard().seal(Flask("test", static_folder="."))


def test_a_route_added_after_the_seal_is_not_served() -> None:
    guarding, made = guard(), app()
    guarding.seal(made)
    made.add_url_rule("/late", "late", lambda: "served")
    answer = made.test_client().get("/late")
    assert answer.status_code == 500
    assert answer.text != "served"


def test_the_guard_tells_who_may_call_each_rule() -> None:
    guarding, made = guard(), app()
    guarding.route(made, "/a", may="agency", endpoint="a")(lambda: "")
    [rule] = made.url_map.iter_rules()
    assert guarding.may(made, rule) == "agency"
