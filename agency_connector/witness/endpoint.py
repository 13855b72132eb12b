"""C2SP tlog-witness over HTTP, for logs that ask to be cosigned. Off unless somebody starts it.

The connector needs none of it: it fetches what it cosigns. Whoever may connect may ask; only logs
whose keys are pinned are cosigned, by the same step as everything else.
"""

import hashlib
from collections.abc import Sequence

from flask import Flask, Response, request

from agency_connector.witness import storage
from agency_connector.witness.cosigning import Cosigned, Witness
from foundation import problems
from foundation.problems import Problem
from foundation.routes import Guard
from protocol.log.errors import BadRequest
from protocol.log.notes import read_note, read_signatures, with_signatures
from protocol.log.witness import MAX_REQUEST_BYTES, Refused, read_request
from protocol.verifier_keys import VerifierKey

_PLAIN = "text/plain; charset=utf-8"


def create_app(witness: Witness, logs: Sequence[VerifierKey]) -> Flask:
    """Return the endpoint of `witness` for `logs`: add-checkpoint, and GET for monitors."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_REQUEST_BYTES
    problems.register(app)
    guard = Guard({"anyone": Guard.anyone})
    origins = {hashlib.sha256(log.name.encode()).hexdigest(): log.name for log in logs}

    @guard.route(app, "/add-checkpoint", ("POST",), may="anyone")
    def add_checkpoint() -> Response:
        try:
            asked = read_request(request.get_data())
        except BadRequest as error:
            return _answer(Refused(400, str(error)))
        return _answer(witness.add(asked, logs))

    @guard.route(app, "/<digest>/checkpoint", may="anyone")
    def checkpoint(digest: str) -> Response:
        with witness.database.read() as connection:
            last = storage.last(connection, origins.get(digest, ""))
        if last is None:
            raise Problem(404, "no-checkpoint", "Nothing of that log was cosigned here.")
        note = with_signatures(read_note(last.checkpoint), read_signatures(last.line.decode()))
        return Response(note.to_bytes(), content_type=_PLAIN)

    guard.seal(app)
    return app


def _answer(decided: Cosigned | Refused) -> Response:
    if isinstance(decided, Cosigned):
        return Response(decided.line, content_type=_PLAIN)
    return Response(decided.body, status=decided.status, content_type=decided.content_type)
