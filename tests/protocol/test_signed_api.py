"""Who is let in, once only, in one transaction, and always answered signed."""

import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import msgspec
import pytest
from flask import Flask
from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    String,
    Table,
    event,
    func,
    insert,
    select,
)

from foundation import problems
from foundation.database import Database, StorageUnavailable
from foundation.problems import Problem
from foundation.routes import Guard, UnguardedRouteError
from protocol import documents, nonces, signed_api
from protocol.encoding import b64u_encode
from protocol.http_signatures import SignatureRefused, verify_response
from protocol.keys import SigningKey
from protocol.signature_base import Request, Response
from protocol.signed_api import Caller, Holder, SignedApi
from schemas.agencies import AgencyKeys, AgencyRole, AgencyStatus, Signed
from schemas.envelopes import Envelope
from schemas.fields import AgencyId, Message
from schemas.lookups import ResolutionStatement
from schemas.operations import Operation
from tests.conftest import FakeClock
from tests.protocol.signed_calls import AUDIENCE, Reply, send, signed

PATIENCE_S = 10


class Note(Message, frozen=True):
    """What the operations of this test take."""

    agency: AgencyId
    words: str


class Kept(Message, frozen=True):
    """What they answer."""

    agency: AgencyId | None
    keyid: str | None


class Newcomer(Message, frozen=True):
    """A body that brings its own key."""

    keys: AgencyKeys


WHO = Operation("who", "GET", "/v1/who", "anyone", None, Kept, "Anyone.")
JOIN = Operation("join", "POST", "/v1/join", "newcomer", Newcomer, Kept, "A newcomer.")
READ = Operation("read", "GET", "/v1/read", "enrolled", None, Kept, "The enrolled.")
KEEP = Operation("keep", "POST", "/v1/keep", "member", Note, Kept, "Members.")
LAY = Operation("lay", "POST", "/v1/lay", "member", Signed, Kept, "Members, with a document.")
LATER = Operation("later", "POST", "/v1/later", "enrolled", Note, Kept, "After the commit.")
AGAIN = Operation("again", "POST", "/v1/again", "enrolled", Note, Kept, "Bytes given before.")

METADATA = MetaData()
NONCES = signed_api.nonce_table(METADATA)
NOTES = Table("notes", METADATA, Column("words", String, primary_key=True))
REFUSALS = Table(
    "refusals",
    METADATA,
    Column("agency", String),
    Column("operation", String),
    Column("code", String),
    Column("payload_type", String),
)


@dataclass
class Program:
    """A small program with a signed API, and its callers' keys."""

    database: Database
    clock: FakeClock
    app: Flask = field(default_factory=lambda: Flask("test", static_folder=None))
    key: SigningKey = field(default_factory=SigningKey.generate)
    police: SigningKey = field(default_factory=SigningKey.generate)
    auditor: SigningKey = field(default_factory=SigningKey.generate)
    holders: dict[str, Holder] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)
    finished: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        with self.database.write() as connection:
            METADATA.create_all(connection)
        problems.register(self.app)
        self.admit(self.police, "north-police")
        self.admit(self.auditor, "oversight", role="auditor")
        guard = Guard(signed_api.CHECKS)
        api = SignedApi(
            self.app,
            guard,
            database=self.database,
            audience=AUDIENCE,
            key=self.key,
            clock=self.clock,
            find_holder=lambda _, keyid: self.holders.get(keyid),
            record_refusal=_record,
            how_to_enrol="Type the code.",
        )
        api.serve(WHO, _whoever)
        api.serve(JOIN, _whoever)
        api.serve(READ, _whoever)
        api.serve(KEEP, _keep)
        api.serve(LAY, _refuse)
        api.serve(LATER, self._later)
        api.serve(AGAIN, lambda *_: b'{"agency":null,"keyid":"as before"}')
        guard.seal(self.app)

    def admit(
        self,
        key: SigningKey,
        agency: str,
        *,
        role: AgencyRole = "member",
        status: AgencyStatus = "active",
    ) -> None:
        """Make `agency` the holder of `key`."""
        self.holders[key.key_id] = Holder(
            agency=agency, role=role, status=status, public=key.public
        )

    def request(
        self, operation: Operation, message: Any, key: SigningKey, **changes: Any
    ) -> Request:
        """Return a signed request, with a nonce of its own unless one is given."""
        body = message if isinstance(message, bytes) else msgspec.json.encode(message)
        changes.setdefault("nonce", next(self.numbers).to_bytes(16))
        changes.setdefault("at", self.clock())
        return signed(operation, body, key, **changes)

    def send(self, request: Request) -> Reply:
        """Send it, and check the answer's signature."""
        return send(self.app.test_client(), request, server=self.key.public, at=self.clock())

    def call(self, operation: Operation, message: Any, key: SigningKey, **changes: Any) -> Reply:
        return self.send(self.request(operation, message, key, **changes))

    def rows(self, table: Table) -> int:
        with self.database.read() as connection:
            return connection.execute(select(func.count()).select_from(table)).scalar_one()

    def refusals(self) -> list[tuple[str, str, str, str | None]]:
        columns = REFUSALS.c
        with self.database.read() as connection:
            rows = connection.execute(
                select(columns.agency, columns.operation, columns.code, columns.payload_type)
            )
            return [(row[0], row[1], row[2], row[3]) for row in rows]

    def _later(self, connection: Connection, caller: Caller, note: Note) -> Any:
        connection.execute(insert(NOTES).values(words=note.words))

        def finish() -> Kept:
            # Another connection sees it: it has committed.
            self.finished.append(self.rows(NOTES))
            return Kept(agency=caller.agency, keyid=None)

        return finish


def _whoever(_: Connection, caller: Caller | None, __: object) -> Kept:
    return Kept(agency=caller.agency if caller else None, keyid=caller.keyid if caller else None)


def _keep(connection: Connection, caller: Caller, note: Note) -> Kept:
    connection.execute(insert(NOTES).values(words=note.words))
    if note.words == "refuse":
        raise Problem(409, "known", "This is known already.")
    if note.words == "lose":
        raise StorageUnavailable("the disk is full: make room")
    if note.words == "break":
        raise ZeroDivisionError
    return _whoever(connection, caller, note)


def _refuse(*_: object) -> Kept:
    raise Problem(409, "known", "This is known already.")


def _record(
    connection: Connection,
    holder: Holder,
    operation: Operation,
    problem: Problem,
    statement: Envelope | None,
) -> None:
    connection.execute(
        insert(REFUSALS).values(
            agency=holder.agency,
            operation=operation.name,
            code=problem.code,
            payload_type=statement.payload_type if statement else None,
        )
    )


def note(words: str = "first") -> Note:
    return Note(agency="north-police", words=words)


@pytest.fixture
def program(database: Database, clock: FakeClock) -> Program:
    return Program(database, clock)


def test_a_member_is_let_in_and_the_view_knows_who_it_is(program: Program) -> None:
    reply = program.call(KEEP, note(), program.police)
    assert reply.status == 200
    assert reply.content == {"agency": "north-police", "keyid": program.police.key_id}
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.headers["Cache-Control"] == "no-store"


def test_an_answer_is_canonical_json(program: Program) -> None:
    reply = program.call(KEEP, note(), program.police)
    assert reply.body == b'{"agency":"north-police","keyid":"%s"}' % program.police.key_id.encode()


def test_bytes_given_before_are_given_again_unchanged(program: Program) -> None:
    reply = program.call(AGAIN, note(), program.police)
    assert reply.body == b'{"agency":null,"keyid":"as before"}'


def test_anyone_is_answered_without_a_signature_and_leaves_no_trace(program: Program) -> None:
    answer = program.app.test_client().get(WHO.path)
    assert (answer.status_code, answer.json) == (200, {"agency": None, "keyid": None})
    assert "Signature" not in answer.headers  # there is nothing to bind one to
    assert program.rows(NONCES) == 0


def test_anyone_who_signs_gets_a_signed_answer(program: Program) -> None:
    """This is how a newcomer checks the identity of the index before it sends the code."""
    assert program.call(WHO, b"", SigningKey.generate()).status == 200
    assert program.rows(NONCES) == 0


def test_anyone_who_signs_with_a_clock_that_is_off_is_told(program: Program) -> None:
    reply = program.call(WHO, b"", SigningKey.generate(), at=program.clock() - 290_000)
    assert reply.status == 200
    late = program.request(WHO, b"", SigningKey.generate(), at=program.clock() - 301_000)
    assert (program.send(late).status, program.send(late).code) == (401, "stale")


def test_a_newcomer_signs_with_the_key_it_brings(program: Program) -> None:
    key = SigningKey.generate()
    keys = AgencyKeys(signing=b64u_encode(key.public), sealing=b64u_encode(bytes(32)))
    assert program.call(JOIN, Newcomer(keys=keys), key).status == 200
    assert program.rows(NONCES) == 1


def test_a_newcomer_cannot_bring_somebody_elses_key(program: Program) -> None:
    keys = AgencyKeys(signing=b64u_encode(program.police.public), sealing=b64u_encode(bytes(32)))
    reply = program.call(JOIN, Newcomer(keys=keys), SigningKey.generate())
    assert (reply.status, reply.code) == (401, "bad-signature")


@pytest.mark.parametrize("body", [b"", b"{}", b"[[", b"\xff", b'{"keys":{"signing":"short"}}'])
def test_a_newcomer_without_a_readable_key_is_refused(program: Program, body: bytes) -> None:
    reply = program.call(JOIN, body, SigningKey.generate())
    assert (reply.status, reply.code) == (422, "schema")


def test_a_newcomers_key_with_a_line_break_behind_it_is_none(program: Program) -> None:
    """If the pattern let one pass, decoding it would be a failure of ours."""
    keys = AgencyKeys(signing=b64u_encode(bytes(32)) + "\n", sealing=b64u_encode(bytes(32)))
    assert program.call(JOIN, Newcomer(keys=keys), SigningKey.generate()).status == 422


def test_a_refused_newcomer_leaves_no_trace(program: Program) -> None:
    """Otherwise anybody who can make a key could fill the database."""
    key = SigningKey.generate()
    keys = AgencyKeys(signing=b64u_encode(key.public), sealing=b64u_encode(bytes(32)))
    body = msgspec.json.encode({"keys": keys, "more": 1})
    assert program.call(JOIN, body, key).status == 422
    assert program.rows(NONCES) == 0
    assert program.refusals() == []


def test_an_unsigned_request_is_refused_and_not_recorded(program: Program) -> None:
    answer = program.app.test_client().post(KEEP.path, json={"agency": "north-police", "words": ""})
    assert answer.status_code == 401
    assert answer.json["type"] == "urn:ifi:problem:unsigned"
    assert program.refusals() == []


def test_an_unknown_key_is_told_how_to_enrol(program: Program) -> None:
    key = SigningKey.generate()
    reply = program.call(KEEP, note(), key)
    assert (reply.status, reply.code) == (401, "unknown-key")
    assert key.key_id in reply.content["detail"]
    assert reply.content["detail"].endswith("Type the code.")
    assert (program.rows(NONCES), program.refusals()) == (0, [])


def test_a_known_key_id_with_another_keys_signature_is_refused(program: Program) -> None:
    nonce = bytes(16)
    real = program.request(KEEP, note(), program.police, nonce=nonce)
    other = program.request(KEEP, note(), SigningKey.generate(), nonce=nonce)
    forged = replace(real, headers=real.headers[:-1] + other.headers[-1:])
    assert forged.headers[-1][0] == "Signature"
    for _ in range(2):  # with the key as the list has it, then with the remembered one
        reply = program.send(forged)
        assert (reply.status, reply.code) == (401, "bad-signature")
        assert program.call(READ, b"", program.police).status == 200
    assert program.refusals() == []


@pytest.mark.parametrize("seconds_off", [-301, 301, -86_400])
def test_a_clock_that_is_off_is_told_both_times(program: Program, seconds_off: int) -> None:
    reply = program.call(KEEP, note(), program.police, at=program.clock() + seconds_off * 1000)
    assert (reply.status, reply.code) == (401, "stale")
    assert reply.content["detail"].count("UTC") == 2


def test_a_request_for_another_service_is_refused(program: Program) -> None:
    reply = program.call(KEEP, note(), program.police, audience="evaluator/borsetshire")
    assert (reply.status, reply.code) == (401, "wrong-audience")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"body": b'{"agency":"a-b","words":"other"}'}, "tampered-body"),
        ({"path": AGAIN.path}, "bad-signature"),
        ({"method": "GET", "path": READ.path}, "bad-signature"),
        ({"query": "more=1"}, "bad-signature"),
    ],
)
def test_what_was_changed_on_its_way_is_refused(
    program: Program, changed: dict[str, Any], code: str
) -> None:
    sent = replace(program.request(KEEP, note(), program.police), **changed)
    answer = program.app.test_client().open(
        sent.path,
        method=sent.method,
        query_string=sent.query,
        headers=list(sent.headers),
        data=sent.body,
    )
    assert answer.status_code == 401
    assert answer.json["type"] == f"urn:ifi:problem:{code}"
    assert (program.rows(NOTES), program.refusals()) == (0, [])


def test_the_path_is_verified_as_it_was_sent(program: Program) -> None:
    """%6b is k, but a proxy that decodes has changed what was signed."""
    sent = program.request(KEEP, note(), program.police)
    answer = program.app.test_client().open(
        "/v1/%6beep", method="POST", headers=list(sent.headers), data=sent.body
    )
    assert answer.json["type"] == "urn:ifi:problem:bad-signature"


def test_a_request_in_absolute_form_is_its_path(program: Program) -> None:
    """RFC 9112 section 3.2.2: a server accepts http://host/path as the target."""
    sent = program.request(KEEP, note(), program.police)
    answer = program.app.test_client().post(
        KEEP.path,
        headers=list(sent.headers),
        data=sent.body,
        environ_overrides={"RAW_URI": f"http://localhost{KEEP.path}"},
    )
    assert answer.status_code == 200


def test_a_replayed_request_is_refused_and_nothing_is_done_or_recorded(program: Program) -> None:
    request = program.request(AGAIN, note(), program.police)
    assert program.send(request).status == 200
    reply = program.send(request)
    assert (reply.status, reply.code) == (401, "replayed")
    assert program.refusals() == []


def test_a_refused_request_cannot_be_replayed_into_a_second_refusal(program: Program) -> None:
    request = program.request(KEEP, note("refuse"), program.police)
    assert program.send(request).code == "known"
    assert program.send(request).code == "replayed"
    assert len(program.refusals()) == 1


def test_of_two_copies_at_the_same_time_one_is_taken(program: Program) -> None:
    request = program.request(AGAIN, note(), program.police)
    together = threading.Barrier(4)
    statuses: list[int] = []

    def copy() -> None:
        together.wait(PATIENCE_S)
        statuses.append(program.send(request).status)

    threads = [threading.Thread(target=copy) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert sorted(statuses) == [200, 401, 401, 401]


def test_two_agencies_may_use_the_same_nonce(program: Program) -> None:
    for key in (program.police, program.auditor):
        assert program.call(READ, b"", key, nonce=bytes(16)).status == 200


def test_nonces_outlive_the_window_of_their_requests_and_no_more(program: Program) -> None:
    future = program.request(AGAIN, note(), program.police, at=program.clock() + 300_000)
    assert program.send(future).status == 200
    program.clock.advance(600_000)  # the last moment at which it would be acceptable
    assert program.call(READ, b"", program.police).status == 200
    assert program.send(future).code == "replayed"
    program.clock.advance(nonces.KEPT_MS + 1)
    assert program.call(READ, b"", program.police).status == 200
    assert program.rows(NONCES) == 1


@pytest.mark.parametrize("operation", [KEEP, READ])
def test_a_suspended_agency_is_refused_and_that_is_recorded(
    program: Program, operation: Operation
) -> None:
    body: Any = note() if operation is KEEP else b""
    assert program.call(operation, body, program.police).status == 200
    program.admit(program.police, "north-police", status="suspended")
    reply = program.call(operation, body, program.police)
    assert (reply.status, reply.code) == (403, "suspended")
    assert program.refusals() == [("north-police", operation.name, "suspended", None)]


def test_a_key_that_lost_its_holder_is_unknown_at_once(program: Program) -> None:
    """Keys are remembered for speed; whose they are is asked in each transaction."""
    assert program.call(READ, b"", program.police).status == 200
    del program.holders[program.police.key_id]
    assert program.call(READ, b"", program.police).code == "unknown-key"


def test_who_is_not_a_member_may_not_do_what_members_may(program: Program) -> None:
    assert program.call(READ, b"", program.auditor).status == 200
    reply = program.call(KEEP, note(), program.auditor)
    assert (reply.status, reply.code) == (403, "not-a-member")
    assert program.refusals() == [("oversight", "keep", "not-a-member", None)]


def test_a_refusal_undoes_the_view_and_is_recorded_with_its_nonce(program: Program) -> None:
    reply = program.call(KEEP, note("refuse"), program.police)
    assert (reply.status, reply.code) == (409, "known")
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert program.rows(NOTES) == 0
    assert program.rows(NONCES) == 1
    assert program.refusals() == [("north-police", "keep", "known", None)]


def test_a_refusal_is_recorded_with_the_document_it_carried(program: Program) -> None:
    statement = ResolutionStatement(
        partnership="borsetshire",
        agency="north-police",
        resolution=b64u_encode(bytes(16)),
        reference="23456789AB",
        officer=b64u_encode(bytes(16)),
        signed_at=program.clock(),
    )
    envelope = documents.sign(statement, program.police)
    assert program.call(LAY, Signed(document=envelope), program.police).status == 409
    assert program.refusals() == [("north-police", "lay", "known", envelope.payload_type)]


@pytest.mark.parametrize(("words", "status"), [("lose", 503), ("break", 500)])
def test_what_fails_leaves_nothing_behind_and_is_answered_signed(
    program: Program, words: str, status: int
) -> None:
    assert program.call(KEEP, note(words), program.police).status == status
    assert (program.rows(NOTES), program.rows(NONCES), program.refusals()) == (0, 0, [])


def test_the_answer_is_made_after_the_commit_if_the_view_says_so(program: Program) -> None:
    assert program.call(LATER, note(), program.police).content["agency"] == "north-police"
    assert program.finished == [1]


def test_nothing_is_answered_if_the_commit_fails(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert program.call(LATER, note("one"), program.police).status == 200
    program.finished.clear()

    def full(_: object) -> None:
        raise StorageUnavailable("the disk is full: make room")

    event.listen(program.database.engine, "commit", full)
    try:
        reply = program.call(LATER, note("two"), program.police)
    finally:
        event.remove(program.database.engine, "commit", full)
    assert (reply.status, reply.code) == (503, "storage-unavailable")
    assert program.finished == []


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (b"{", 400, "not valid JSON"),
        (b"\xff", 400, "not valid JSON"),
        (b"[" * 100_000, 422, "expected object, got array"),
        (b'{"agency":"a-b","words":' + b"[" * 100_000, 422, "words"),
        (b'{"agency":"a-b"}', 422, "words is missing"),
        (b'{"agency":"a-b","words":"x","colour":1}', 422, "no field colour"),
        (b'{"agency":"a-b","words":"x","Mary Smith":1}', 422, "value"),
        (b'{"agency":"Mary Smith","words":"x"}', 422, "agency"),
        (b'{"agency":"a-b","words":7}', 422, "words"),
        (b'{"agency":"a-b\\n","words":"x"}', 422, "agency"),
    ],
)
def test_a_body_that_is_wrong_is_told_where_and_never_repeated(
    program: Program, body: bytes, status: int, told: str
) -> None:
    reply = program.call(KEEP, body, program.police)
    assert reply.status == status
    assert told in reply.content["detail"]
    assert b"Mary" not in reply.body
    assert [row[2] for row in program.refusals()] == [reply.code]


def test_a_body_of_another_media_type_is_refused(program: Program) -> None:
    sent = program.request(KEEP, note(), program.police)
    headers = tuple(
        (name, "text/plain" if name == "Content-Type" else value) for name, value in sent.headers
    )
    reply = program.send(replace(sent, headers=headers))
    assert (reply.status, reply.code) == (415, "unsupported-media-type")


def test_a_body_where_none_belongs_is_refused(program: Program) -> None:
    assert program.call(READ, b"{}", program.police).status == 400


def test_a_body_over_two_mebibytes_is_refused(program: Program) -> None:
    sent = program.request(KEEP, b" " * (2 * 1024 * 1024 + 1), program.police)
    answer = program.app.test_client().post(sent.path, headers=list(sent.headers), data=sent.body)
    assert answer.status_code == 413
    assert answer.json["type"] == "urn:ifi:problem:too-large"


def test_an_address_that_does_not_exist_is_answered_signed(program: Program) -> None:
    nowhere = Operation("nowhere", "GET", "/v1/nowhere", "enrolled", None, Kept, "")
    assert program.call(nowhere, b"", program.police).status == 404


def test_one_answer_does_not_pass_for_the_answer_to_another_request(program: Program) -> None:
    first = program.request(READ, b"", program.police)
    second = program.request(READ, b"", program.police)
    answer = program.app.test_client().get(READ.path, headers=list(first.headers))
    wire = Response(answer.status_code, tuple(answer.headers.items()), answer.data)
    verify_response(wire, first, public=program.key.public, now_s=program.clock() // 1000)
    with pytest.raises(SignatureRefused):
        verify_response(wire, second, public=program.key.public, now_s=program.clock() // 1000)


def test_a_route_that_names_no_caller_keeps_the_program_from_starting(program: Program) -> None:
    guard = Guard(signed_api.CHECKS)
    app = Flask("other", static_folder=None)
    app.add_url_rule("/open", view_func=lambda: "open")
    with pytest.raises(UnguardedRouteError):
        guard.seal(app)


def test_one_request_is_one_transaction_of_two_statements_beside_the_views(
    program: Program,
) -> None:
    """The nonce, and (in a program that keeps them in its database) the holder."""
    program.call(READ, b"", program.police)  # from here on the key is known
    statements: list[str] = []
    commits: list[object] = []
    engine = program.database.engine

    def noted(_: object, __: object, text: str, *___: object) -> None:
        statements.append(text)

    def committed(connection: object) -> None:
        commits.append(connection)

    event.listen(engine, "before_cursor_execute", noted)
    event.listen(engine, "commit", committed)
    try:
        assert program.call(READ, b"", program.police, nonce=secrets.token_bytes(16)).status == 200
    finally:
        event.remove(engine, "before_cursor_execute", noted)
        event.remove(engine, "commit", committed)
    begun = [text for text in statements if text.startswith(("PRAGMA", "BEGIN"))]
    assert len(statements) - len(begun) == 1
    assert len(commits) == 1
