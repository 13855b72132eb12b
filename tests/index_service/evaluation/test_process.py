"""The program that ships: `index-service evaluator run`, called over a real socket."""

import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import requests
from click.testing import CliRunner

from index_service.cli import main
from protocol import voprf
from protocol.encoding import b64u_decode, b64u_encode
from protocol.http_signatures import verify_response
from protocol.keys import SigningKey
from protocol.signature_base import Request, Response
from schemas.evaluation import Evaluation, EvaluationRequest, EvaluatorIdentity
from schemas.operations import EVALUATE, EVALUATOR_IDENTITY, Operation
from tests.index_service.evaluation.evaluators import blinded
from tests.protocol.signed_calls import signed

PROGRAM = Path(sys.executable).parent / "index-service"
PATIENCE_S = 30


@pytest.fixture
def key() -> SigningKey:
    """The agency's key."""
    return SigningKey.generate()


@pytest.fixture
def running(tmp_path: Path, key: SigningKey) -> Iterator[str]:
    """The address of an evaluator in a process of its own, with one agency on its list."""
    home = tmp_path / "evaluator"
    typed(home, "init", "--partnership", "northgate", "--seal", "unsealed")
    typed(home, "epoch", "open", "1")
    public = b64u_encode(key.public)
    typed(home, "agency", "add", "north-police", "--name", "North", "--signing-key", public)
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [
                PROGRAM,
                "evaluator",
                "run",
                "--home",
                home,
                "--bind",
                "127.0.0.1:0",
                "--workers",
                "2",
            ],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert process.stdout is not None
        try:
            said = process.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+", said)
            assert found is not None, (said, (tmp_path / "log").read_text())
            yield found[0]
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_S) == 0
            process.stdout.close()


def typed(home: Path, *words: str) -> str:
    done = CliRunner().invoke(main, ["evaluator", *words, "--home", str(home)])
    assert done.exit_code == 0, done.output
    return done.output


def call(
    address: str, operation: Operation, body: bytes, key: SigningKey
) -> tuple[Request, Response]:
    """Send a signed request; `requests` writes it as a connector does."""
    request = signed(
        operation,
        body,
        key,
        at=time.time_ns() // 1_000_000,
        nonce=secrets.token_bytes(16),
        audience="evaluator/northgate",
    )
    answer = requests.request(
        request.method,
        address + request.path,
        headers=dict(request.headers),
        data=request.body or None,
        timeout=PATIENCE_S,
    )
    return request, Response(answer.status_code, tuple(answer.headers.items()), answer.content)


def test_a_running_evaluator_answers_a_signed_request(
    running: str, key: SigningKey, tmp_path: Path
) -> None:
    asked, answer = call(running, EVALUATOR_IDENTITY, b"", key)
    identity = msgspec.json.decode(answer.body, type=EvaluatorIdentity)
    server = b64u_decode(identity.signing_key, 32)
    verify_response(answer, asked, public=server, now_s=int(time.time()))

    inputs, mine = blinded()
    message = EvaluationRequest(
        epoch=1, use="lookup", elements=b64u_encode(mine.elements), proof=True
    )
    asked, answer = call(running, EVALUATE, msgspec.json.encode(message), key)
    assert answer.status == 200, answer.body
    verify_response(answer, asked, public=server, now_s=int(time.time()))
    made = msgspec.json.decode(answer.body, type=Evaluation)
    elements = b64u_decode(made.elements)
    public = b64u_decode(identity.epochs[0].public_key, 32)
    voprf.verify(public, mine.elements, elements, b64u_decode(made.proof or "", 64))
    assert len(voprf.finalize(inputs, mine.blinds, elements)) == 64

    counted = typed(tmp_path / "evaluator", "counts")
    assert re.search(r"north-police +lookup +1 +64\n", counted)


def test_a_suspended_agency_is_refused_by_the_running_program_at_once(
    running: str, key: SigningKey, tmp_path: Path
) -> None:
    typed(tmp_path / "evaluator", "agency", "suspend", "north-police")
    message = EvaluationRequest(
        epoch=1, use="lookup", elements=b64u_encode(blinded()[1].elements), proof=False
    )
    _, answer = call(running, EVALUATE, msgspec.json.encode(message), key)
    assert answer.status == 403
    log = (tmp_path / "log").read_text()
    assert '"agency": "north-police"' in log
    assert '"code": "suspended"' in log
