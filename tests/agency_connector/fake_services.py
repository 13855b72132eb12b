"""An index and an evaluator in this process, over real HTTP, that tests can make lie.

They keep what they are sent and sign every answer with their own keys, as the real ones do; a
test sets `lies[operation]` to what turns the honest answer into another, which is then signed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any

import msgspec
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request as HttpRequest
from werkzeug.wrappers import Response as HttpResponse

from foundation.clock import Clock
from protocol import canonical, documents, receipts
from protocol.encoding import b64u_decode, b64u_encode
from protocol.enrolment_code import new_code
from protocol.entries import entry_bytes, new_entry_salt
from protocol.fingerprints import fingerprint40, key_id
from protocol.http_signatures import SignatureRefused, read_request, sign_response
from protocol.keys import SigningKey
from protocol.signature_base import Request, Response
from protocol.verifier_keys import verifier_key
from schemas import operations
from schemas.agencies import (
    Acknowledged,
    AgencyKeys,
    Desk,
    Directory,
    DirectoryAgency,
    Enrolled,
    Enrolment,
    IndexIdentity,
    Introduction,
    Steward,
)
from schemas.agreements import Purpose
from schemas.entries import Act, Administration
from schemas.envelopes import Envelope
from schemas.evaluation import EvaluatorEpoch, EvaluatorIdentity
from schemas.handover import HandoverInbox, HandoverPackage
from schemas.operations import Operation
from schemas.problems import ProblemDocument
from schemas.successions import LogSuccessions
from schemas.witnesses import CosignatureKept

PARTNERSHIP = "northgate"
HOUR_MS = 3_600_000
ACTS: dict[str, Act] = {
    "introduce": "agency-introduced",
    "change-keys": "agency-key-changed",
    "sign-desk": "desk-signed",
    "open-epoch": "epoch-opened",
    "send-handover": "handover-sent",
    "declare-witness": "witness-declared",
}
STEWARD = Steward(
    organisation="Combined authority", accountable_officer="A. Person", data_protection_contact="B"
)


class Refuse(Exception):
    """Answer with a problem document."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.document = ProblemDocument(
            type=f"urn:ifi:problem:{code}", title="Refused", status=status, detail=detail
        )


@dataclass
class Service:
    """What both services have: a key, answers by operation, lies, and a count of requests."""

    audience: str
    clock: Clock
    key: SigningKey = field(default_factory=SigningKey.generate)
    lies: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    received: list[tuple[str, Any]] = field(default_factory=list)
    connections: set[tuple[str, int]] = field(default_factory=set)
    url: str = ""

    def operations(self) -> tuple[Operation, ...]:
        raise NotImplementedError

    def answer(self, operation: Operation, keyid: str, message: Any) -> Any:
        raise NotImplementedError

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = HttpRequest(environ)
        self.connections.add((environ["REMOTE_ADDR"], environ["REMOTE_PORT"]))
        return self._respond(request)(environ, start_response)

    def _respond(self, http: HttpRequest) -> HttpResponse:
        operation = next(
            o for o in self.operations() if (o.method, o.path) == (http.method, http.path)
        )
        wire = Request(
            http.method, http.path, http.query_string.decode(), tuple(http.headers), http.get_data()
        )
        message = (
            None
            if operation.request is None
            else msgspec.json.decode(wire.body, type=operation.request)
        )
        self.received.append((operation.name, message))
        signed = "Signature" in http.headers
        keyid = ""
        try:
            if signed:
                now_s = self.clock() // 1000
                keyid = read_request(wire, audience=self.audience, now_s=now_s).keyid
            made = self.answer(operation, keyid, message)
            made = self.lies.get(operation.name, lambda honest: honest)(made)
            status, body = 200, canonical.encode(made)
        except Refuse as refused:
            status, body = refused.document.status, msgspec.json.encode(refused.document)
        except SignatureRefused as refused:
            status, body = 401, msgspec.json.encode(
                Refuse(401, refused.code.value, refused.sentence).document
            )  # fmt: skip
        headers = (
            sign_response(
                Response(status, (), body), wire, self.key, created_s=self.clock() // 1000
            )
            if signed
            else {}
        )
        return HttpResponse(body, status, headers, content_type="application/json")


@dataclass
class FakeEvaluator(Service):
    """The evaluator's identity, with a made-up public key for each epoch."""

    publics: dict[int, bytes] = field(default_factory=lambda: {1: b"\x01" * 32, 2: b"\x02" * 32})

    def operations(self) -> tuple[Operation, ...]:
        return operations.EVALUATOR_OPERATIONS

    def digits(self, epoch: int = 1) -> str:
        """What its operator reads out."""
        return fingerprint40(self.key.public, self.publics[epoch])

    def answer(self, operation: Operation, keyid: str, message: Any) -> Any:
        return EvaluatorIdentity(
            partnership=PARTNERSHIP,
            signing_key=b64u_encode(self.key.public),
            epochs=tuple(
                EvaluatorEpoch(epoch=e, public_key=b64u_encode(p)) for e, p in self.publics.items()
            ),
            now=self.clock(),
        )


@dataclass
class FakeIndex(Service):
    """The registry part of an index, in memory."""

    log: SigningKey = field(default_factory=SigningKey.generate)
    codes: dict[bytes, str] = field(default_factory=dict)
    agencies: dict[str, DirectoryAgency] = field(default_factory=dict)
    introductions: list[Envelope] = field(default_factory=list)
    key_changes: list[Envelope] = field(default_factory=list)
    desks: dict[tuple[str, str], Envelope] = field(default_factory=dict)
    epochs: list[Envelope] = field(default_factory=list)
    packages: list[Envelope] = field(default_factory=list)
    witnesses: dict[str, Envelope] = field(default_factory=dict)
    cosigned: list[tuple[str, str]] = field(default_factory=list)
    successions: list[Envelope] = field(default_factory=list)

    @property
    def log_vkey(self) -> str:
        return verifier_key(f"{PARTNERSHIP}.ifi-log", self.log.public)

    def operations(self) -> tuple[Operation, ...]:
        return operations.INDEX_OPERATIONS

    def digits(self) -> str:
        """What the steward's person reads out."""
        return fingerprint40(self.key.public, self.log.public)

    def register(self, agency: str, name: str, role: str = "member") -> str:
        """Register an agency; return the text of its enrolment code."""
        self.agencies[agency] = DirectoryAgency(
            agency=agency,
            name=name,
            role=role,  # type: ignore[arg-type]  # a test's own word for one of the roles
            status="active",
            keys=None,
            hidden_desk=False,
            publications=(),
        )
        text, secret = new_code(self.key.key_id)
        self.codes[secret] = agency
        return text

    def answer(self, operation: Operation, keyid: str, message: Any) -> Any:
        match operation.name:
            case "index-identity":
                return IndexIdentity(
                    partnership=PARTNERSHIP,
                    index_key=b64u_encode(self.key.public),
                    log_key=self.log_vkey,
                    steward=STEWARD,
                    now=self.clock(),
                )
            case "enrol":
                return self._enrol(message)
        caller = self._caller(keyid)
        match operation.name:
            case "directory":
                return self._directory()
            case "receive-handovers":
                return HandoverInbox(
                    packages=tuple(
                        e
                        for e in self.packages
                        if documents.claimed(e, HandoverPackage).recipient == caller
                    )
                )
            case "log-successions":
                return LogSuccessions(documents=tuple(self.successions))
            case "introduce":
                documents.claimed(message.document, Introduction)
                self.introductions.append(message.document)
            case "open-epoch":
                self.epochs.append(message.document)
            case "send-handover":
                self.packages.append(message.document)
            case "declare-witness":
                self.witnesses[caller] = message.document
            case "cosign":
                if caller not in self.witnesses:
                    raise Refuse(409, "no-witness-key", "Declare your key first.")
                self.cosigned.append((caller, message.note))
                return CosignatureKept(standing="continued", size=0)
            case "sign-desk":
                self._take_desk(message.document)
        entry = entry_bytes(self._recorded(operation.name, message.document))
        at = self.clock()
        receipt = receipts.issue(entry, f"{PARTNERSHIP}.ifi-log", at, at + HOUR_MS, self.log)
        return Acknowledged(entry=b64u_encode(entry), receipt=receipt)

    def _recorded(self, operation: str, document: Envelope) -> Administration:
        sealed = operation == "send-handover"
        if operation == "sign-desk":
            sealed = documents.claimed(document, Desk).visibility == "hidden"
        kept = None if sealed else document
        return Administration(
            v=1, partnership=PARTNERSHIP, at=self.clock(), salt=new_entry_salt(),
            act=ACTS[operation], agency=None, document=kept, note=None,
        )  # fmt: skip

    def _take_desk(self, envelope: Envelope) -> None:
        desk = documents.claimed(envelope, Desk)
        before = self.desks.get((desk.agency, desk.desk))
        if before and documents.claimed(before, Desk).version >= desk.version:
            raise Refuse(409, "not-newer", "That version is known: sign a higher one.")
        self.desks[desk.agency, desk.desk] = envelope

    def _enrol(self, message: Enrolment) -> Enrolled:
        listed = self.agencies.get(self.codes.get(b64u_decode(message.code), ""))
        if listed is None or listed.agency != message.agency:
            raise Refuse(404, "no-such-code", "Ask the steward for a new code.")
        if listed.keys not in (None, message.keys):
            raise Refuse(409, "code-used", "This code was used with other keys.")
        self.agencies[listed.agency] = msgspec.structs.replace(listed, keys=message.keys)
        return Enrolled(
            agency=listed.agency, name=listed.name, role=listed.role, partnership=PARTNERSHIP
        )

    def _caller(self, keyid: str) -> str:
        for listed in self.agencies.values():
            if listed.keys and key_id(b64u_decode(listed.keys.signing)) == keyid:
                return listed.agency
        raise Refuse(401, "unknown-key", "Enrol first.")

    def _directory(self) -> Directory:
        return Directory(
            partnership=PARTNERSHIP,
            steward=STEWARD,
            agencies=tuple(self.agencies.values()),
            introductions=tuple(self.introductions),
            key_changes=tuple(self.key_changes),
            desks=tuple(self.desks.values()),
            purposes=(Purpose(code="safeguarding", words="Keeping a person safe"),),
            agreements=(),
            epochs=tuple(self.epochs),
            witnesses=tuple(self.witnesses.values()),
            now=self.clock(),
        )


class _Handler(BaseHTTPRequestHandler):
    """One connection, kept open between requests as the real servers do."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    service: Callable[..., Any]

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        environ = EnvironBuilder(
            self.path, method=self.command, headers=Headers(self.headers.items()),
            input_stream=BytesIO(self.rfile.read(length)), content_length=length,
            environ_base={"REMOTE_ADDR": self.client_address[0],
                          "REMOTE_PORT": self.client_address[1]},
        ).get_environ()  # fmt: skip
        answer = HttpResponse.from_app(type(self).service, environ, buffered=True)
        self.send_response_only(answer.status_code)
        for name, value in answer.headers:
            if name != "Content-Length":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.get_data())))
        self.end_headers()
        self.wfile.write(answer.get_data())

    do_POST = do_GET  # noqa: N815 - the name that http.server looks for


@contextmanager
def listening(service: Callable[..., Any]) -> Iterator[str]:
    """Serve a WSGI app on a free port of this machine; yields its address."""
    handler = type("Handler", (_Handler,), {"service": staticmethod(service)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def swapped(keys: AgencyKeys | None, **other: bytes) -> AgencyKeys:
    """Return `keys` with some of them swapped for `other`."""
    if keys is None:
        raise ValueError("there are no keys to swap")
    changed = {name: b64u_encode(public) for name, public in other.items()}
    return msgspec.structs.replace(keys, **changed)
