"""Requests that index and evaluator refuse: each with a problem document that says what to do."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import pytest

from index_service.agencies import storage as agencies
from index_service.evaluation import storage as evaluator_storage
from protocol import voprf
from protocol.encoding import b64u_encode
from protocol.http_signatures import (
    SignatureRefused,
    sign_request,
    verify_response,
)
from protocol.keys import SigningKey
from protocol.signature_base import Request, Response
from schemas.evaluation import EvaluationRequest
from schemas.flags import PublicationMark
from schemas.operations import DIRECTORY, EVALUATE, MARK, Operation
from schemas.problems import ProblemDocument
from tests.end_to_end.eastmere import Town

MINUTE_S = 60


@dataclass(frozen=True)
class Service:
    """One of the two services, and a request of the police that it grants."""

    town: Town
    name: str
    operation: Operation
    body: bytes

    @property
    def app(self) -> Any:
        return self.town.index.app if self.name == "index" else self.town.evaluator.app

    @property
    def audience(self) -> str:
        real = self.town.index_app if self.name == "index" else self.town.evaluator_app
        return real.audience

    @property
    def public(self) -> bytes:
        """The key that answers are signed with."""
        if self.name == "index":
            return self.town.index_app.signing_key.public
        return self.town.evaluator_app.keys.signing.public

    @property
    def unsigned(self) -> Request:
        headers = (("Content-Type", "application/json"),) if self.body else ()
        return Request(self.operation.method, self.operation.path, "", headers, self.body)

    def signed(
        self, key: SigningKey | None = None, *, audience: str = "", ahead_s: int = 0
    ) -> Request:
        """The request, signed by the police or with `key`."""
        return self.unsigned.with_headers(
            sign_request(
                self.unsigned,
                key or self.town["police"].signing_key,
                audience=audience or self.audience,
                created_s=self.town.clock() // 1000 + ahead_s,
                nonce=secrets.token_bytes(16),
            )
        )

    def send(self, request: Request) -> tuple[int, str, Response]:
        """Send a request; return status, content type and the whole answer."""
        answer = self.app.test_client().open(
            request.path,
            method=request.method,
            query_string=request.query,
            headers=list(request.headers),
            data=request.body,
        )
        wire = Response(answer.status_code, tuple(answer.headers.items()), answer.data)
        return answer.status_code, answer.content_type, wire

    def refused(self, request: Request) -> tuple[ProblemDocument, Response]:
        """Send a request that must be refused; return the problem document."""
        status, content_type, answer = self.send(request)
        assert content_type == "application/problem+json"
        problem = msgspec.json.decode(answer.body, type=ProblemDocument)
        assert problem.status == status
        return problem, answer

    def answered_as_signed_to(self, request: Request, answer: Response) -> bool:
        """Whether the answer is signed by the service and bound to `request`."""
        now_s = self.town.clock() // 1000
        try:
            verify_response(answer, request, public=self.public, now_s=now_s)
        except SignatureRefused:
            return False
        return True


SERVICES = ("index, without a body", "index, with a body", "evaluator")


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest, town: Town) -> Service:
    """Each of the services; the index with an operation of either kind."""
    if request.param == "evaluator":
        elements = voprf.blind([b"x%d" % n for n in range(64)]).elements
        asked = EvaluationRequest(epoch=1, use="lookup", elements=b64u_encode(elements), proof=True)
        return Service(town, "evaluator", EVALUATE, msgspec.json.encode(asked))
    if request.param == SERVICES[0]:
        return Service(town, "index", DIRECTORY, b"")
    mark = PublicationMark(epoch=1, state="complete", read_at=town.clock())
    return Service(town, "index", MARK, msgspec.json.encode(mark))


def without(request: Request, *names: str) -> Request:
    kept = tuple(one for one in request.headers if one[0].lower() not in names)
    return replace(request, headers=kept)


def twice(request: Request) -> Request:
    """With a second signature in lines of its own, as a proxy adds one."""
    again = {
        name: value.replace("ifi=", "other=")
        for name, value in request.headers
        if name.lower() in ("signature", "signature-input")
    }
    return request.with_headers(again)


def with_header(request: Request, name: str, value: str) -> Request:
    return without(request, name.lower()).with_headers({name: value})


def other_key_id(request: Request) -> Request:
    """The police's signature under another key's name."""
    (line,) = (value for name, value in request.headers if name.lower() == "signature-input")
    before, _, rest = line.partition('keyid="')
    return with_header(request, "Signature-Input", f'{before}keyid="{"A" * 22}{rest[22:]}')


Make = Callable[[Service], Request]

# Why a request is refused: how it is made, the problem's code, and words that help.
REFUSED: dict[str, tuple[Make, str, tuple[str, ...]]] = {
    "unsigned": (
        lambda s: s.unsigned, "unsigned", ("not signed", "Signature-Input", "proxy"),
    ),
    "half signed": (
        lambda s: without(s.signed(), "signature"), "malformed-signature",
        ("header field Signature is missing",),
    ),
    "doubly signed": (
        lambda s: twice(s.signed()), "doubly-signed", ("more than one signature", "proxy"),
    ),
    "stale": (
        lambda s: s.signed(ahead_s=-6 * MINUTE_S), "stale",
        ("seconds ago", "300 are allowed", "timedatectl"),
    ),
    "from the future": (
        lambda s: s.signed(ahead_s=6 * MINUTE_S), "stale",
        ("seconds ahead", "300 are allowed", "timedatectl"),
    ),
    "for another partnership": (
        lambda s: s.signed(audience=f"{s.name}/elsewhere"), "wrong-audience",
        ("/elsewhere", "borsetshire", "Check the address"),
    ),
    "for the other service": (
        lambda s: s.signed(
            audience="evaluator/borsetshire" if s.name == "index" else "index/borsetshire"
        ),
        "wrong-audience", ("this is", "Check the address"),
    ),
    "sent on to another audience": (
        lambda s: with_header(s.signed(audience="index/elsewhere"), "IFI-Audience", s.audience),
        "bad-signature", ("changed on its way", "proxy"),
    ),
    "with another body": (
        lambda s: replace(s.signed(), body=s.body + b" "), "tampered-body",
        ("not the one that was signed", "proxy"),
    ),
    "with another query": (
        lambda s: replace(s.signed(), query="agency=council"), "bad-signature",
        ("changed on its way", "queries"),
    ),
    "with a changed time": (
        lambda s: with_header(
            s.signed(), "Signature-Input",
            dict(s.signed(ahead_s=5).headers)["Signature-Input"],
        ),
        "bad-signature", ("changed on its way",),
    ),
    "without a digest": (
        lambda s: without(s.signed(), "content-digest"), "malformed-signature",
        ("Content-Digest",),
    ),
    "signed by a key that nobody has": (
        lambda s: s.signed(SigningKey.from_bytes(b"\x09" * 32)), "unknown-key",
        ("No agency here has the key", "agency-connector"),
    ),
    "under another key's name": (
        lambda s: other_key_id(s.signed()), "unknown-key", ("No agency here has the key",),
    ),
}  # fmt: skip


def test_the_control_is_granted(service: Service) -> None:
    request = service.signed()
    status, content_type, answer = service.send(request)
    assert (status, content_type) == (200, "application/json")
    assert service.answered_as_signed_to(request, answer)


@pytest.mark.parametrize("why", REFUSED)
def test_a_request_that_is_not_signed_as_agreed_is_refused_with_help(
    service: Service, why: str
) -> None:
    make, code, helps = REFUSED[why]
    problem, _ = service.refused(make(service))
    assert (problem.status, problem.type) == (401, f"urn:ifi:problem:{code}")
    assert [word for word in helps if word not in problem.detail] == []


def test_a_request_is_granted_once(service: Service) -> None:
    request = service.signed()
    assert service.send(request)[0] == 200
    problem, answer = service.refused(request)
    assert (problem.status, problem.type) == (401, "urn:ifi:problem:replayed")
    assert "Sign each request anew" in problem.detail
    assert service.answered_as_signed_to(request, answer)


def test_a_signature_is_good_for_one_path_only(town: Town) -> None:
    """The directory's signature does not open the inbox."""
    service = Service(town, "index", DIRECTORY, b"")
    problem, _ = service.refused(replace(service.signed(), path="/v1/handovers"))
    assert problem.type == "urn:ifi:problem:bad-signature"
    assert "paths" in problem.detail


def test_a_signature_is_good_for_one_method_only(town: Town) -> None:
    service = Service(town, "index", MARK, b"")
    as_get = replace(service.signed(), method="GET", path=DIRECTORY.path)
    problem, _ = service.refused(as_get)
    assert problem.type == "urn:ifi:problem:bad-signature"


def test_a_suspended_agency_is_told_so(service: Service) -> None:
    town = service.town
    name = f"suspended-{SERVICES.index(_param(service))}"
    suspended = town.enrol(name)
    with town.index_app.database.write() as connection:
        agencies.set_status(connection, name, "suspended")
    with town.evaluator_app.database.write() as connection:
        evaluator_storage.set_status(connection, name, "suspended")
    request = service.signed(suspended.signing_key)
    problem, answer = service.refused(request)
    assert (problem.status, problem.type) == (403, "urn:ifi:problem:suspended")
    assert f"{name} is suspended here" in problem.detail
    assert "Speak to the operator" in problem.detail
    assert service.answered_as_signed_to(request, answer)


def _param(service: Service) -> str:
    return next(
        name
        for name, operation in zip(SERVICES, (DIRECTORY, MARK, EVALUATE), strict=True)
        if operation == service.operation
    )


@pytest.mark.parametrize("operation", ["/v1/nothing", "/", "/v1/lookups/../directory"])
def test_an_address_that_does_not_exist_is_told_so(town: Town, operation: str) -> None:
    service = Service(town, "index", DIRECTORY, b"")
    problem, _ = service.refused(replace(service.unsigned, path=operation))
    assert problem.status == 404
    assert "check the path" in problem.detail


def test_a_method_that_is_not_taken_is_told_which_is(town: Town) -> None:
    service = Service(town, "index", DIRECTORY, b"")
    problem, _ = service.refused(replace(service.unsigned, method="DELETE"))
    assert problem.status == 405
    assert "GET" in problem.detail
