"""Every error of an app is a problem document (RFC 9457), and none tells what it should not."""

import json
from collections.abc import Callable

import msgspec
import pytest
from flask import Flask, Response, request
from werkzeug.exceptions import TooManyRequests
from werkzeug.test import TestResponse

from foundation import problems
from foundation.database import StorageUnavailable
from foundation.problems import Problem


def app_raising(error: Exception) -> Flask:
    made = Flask("test", static_folder=None)
    problems.register(made)

    @made.get("/")
    def view() -> str:
        raise error

    return made


def refusal(error: Exception) -> TestResponse:
    return app_raising(error).test_client().get("/")


def body_app(limit: int = 1000) -> Flask:
    made = Flask("test", static_folder=None)
    made.config["MAX_CONTENT_LENGTH"] = limit
    problems.register(made)

    @made.post("/body/")
    def view() -> str:
        return str(request.get_json(force=True))

    return made


def test_a_problem_is_its_document_with_extras_and_headers() -> None:
    problem = Problem(429, "too-many", "Wait.", retry_after_s=7)
    problem.headers["Retry-After"] = "7"
    answer = refusal(problem)
    assert answer.status_code == 429
    assert answer.content_type == "application/problem+json"
    assert answer.headers["Retry-After"] == "7"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json == {
        "type": "urn:ifi:problem:too-many",
        "title": "Too Many Requests",
        "status": 429,
        "detail": "Wait.",
        "retry_after_s": 7,
    }


def test_an_extra_may_not_replace_a_member_of_the_standard() -> None:
    with pytest.raises(ValueError, match="type"):
        Problem(400, "a", "b", type="c")


@pytest.mark.parametrize(
    ("call", "status", "code"),
    [
        (lambda client: client.get("/nowhere"), 404, "not-found"),
        (lambda client: client.get("/body/"), 405, "method-not-allowed"),
        (lambda client: client.post("/body/", data=b"x" * 1001), 413, "too-large"),
        (lambda client: client.post("/body/", data=b"{"), 400, "bad-request"),
    ],
)
def test_a_bad_request_is_refused_with_a_helpful_document(
    call: Callable[[object], TestResponse], status: int, code: str
) -> None:
    answer = call(body_app().test_client())
    assert answer.status_code == status
    assert answer.json is not None
    assert answer.json["type"] == f"urn:ifi:problem:{code}"
    assert answer.json["status"] == status
    assert answer.json["detail"].endswith(".")


def test_a_refused_method_is_told_which_are_taken() -> None:
    answer = body_app().test_client().get("/body/")
    assert "POST" in answer.headers["Allow"]
    assert answer.json is not None
    assert "POST" in answer.json["detail"]


def test_what_this_program_cannot_decode_is_not_the_callers_fault() -> None:
    assert refusal(msgspec.ValidationError("a stored row")).status_code == 500


def test_a_redirect_stays_a_redirect() -> None:
    answer = body_app().test_client().post("/body", data=b"{}")
    assert answer.status_code == 308
    assert answer.headers["Location"].endswith("/body/")


def test_retry_after_of_the_framework_is_kept() -> None:
    assert refusal(TooManyRequests(retry_after=9)).headers["Retry-After"] == "9"


def test_an_unexpected_error_tells_the_caller_a_number_and_nothing_else(
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer = refusal(ValueError("Aoife O'Brien 1990-02-03"))
    assert answer.status_code == 500
    assert answer.json is not None
    assert answer.json["type"] == "urn:ifi:problem:internal"
    assert set(answer.json) == {"type", "title", "status", "detail", "error_id"}
    line = json.loads(capsys.readouterr().err)
    assert line["error_id"] == answer.json["error_id"]
    assert line["error"] == ["builtins.ValueError"]
    assert line["where"][-1].endswith(":view")
    assert line["route"] == "/"
    assert "Aoife" not in answer.text + json.dumps(line)


def test_storage_that_is_down_is_503_and_asks_to_try_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer = refusal(StorageUnavailable("the database /srv/secret-place is locked"))
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "secret-place" not in answer.text
    assert json.loads(capsys.readouterr().err)["event"] == "storage.unavailable"


def test_a_program_for_people_can_answer_with_a_page() -> None:
    made = Flask("test", static_folder=None)
    problems.register(made, lambda problem: Response(f"<p>{problem.title}", problem.status))
    assert made.test_client().get("/nowhere").text == "<p>Not Found"
