"""The optional endpoint: C2SP tlog-witness over real HTTP, and one head for all its processes."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from agency_connector.database import LOCATION
from agency_connector.witness import storage
from agency_connector.witness.cosigning import Cosigned, Witness
from agency_connector.witness.endpoint import create_app
from foundation.database import Database, migrate
from protocol.keys import SigningKey
from protocol.log.checkpoints import open_checkpoint, sign_checkpoint
from protocol.log.notes import Note, read_signatures, verify_note
from protocol.log.proofs import consistency_proof
from protocol.log.witness import MAX_REQUEST_BYTES, Refused, make_request, read_request, witness_key
from protocol.verifier_keys import KeyType, VerifierKey
from tests.agency_connector.fake_services import listening
from tests.conftest import FakeClock
from tests.protocol.log.trees import VECTORS, GrownLog, leaf, leaves

PUBLISHED = json.loads((VECTORS / "witness_add_checkpoint.json").read_text())
TORCHWOODS_LOG = VerifierKey(
    "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562",
    KeyType.ED25519,
    bytes.fromhex(PUBLISHED["log_public_key_hex"]),
)
ORIGIN = "borsetshire.ifi-log"
KEY = SigningKey.generate()
LOG = VerifierKey(ORIGIN, KeyType.ED25519, KEY.public)
GROWN = GrownLog(leaves(40))


@pytest.fixture
def witness(database: Database, clock: FakeClock) -> Witness:
    """A witness on each database, that has cosigned nothing."""
    migrate(database, LOCATION)
    key = SigningKey.generate()
    return Witness(database, witness_key("police", "borsetshire", key.public), clock, key)


@pytest.fixture
def url(witness: Witness) -> Iterator[str]:
    """Its endpoint, for torchwood's log and ours."""
    with listening(create_app(witness, [TORCHWOODS_LOG, LOG])) as address:
        yield address


def request(old: int, size: int, log: GrownLog = GROWN) -> bytes:
    part = GrownLog(_leaves_of(log)[:size])
    proof = consistency_proof(part.hashes(), old, size) if old <= size else ()
    return make_request(old, proof, sign_checkpoint(ORIGIN, part.head, KEY).to_bytes()).to_bytes()


def _leaves_of(log: GrownLog) -> list[bytes]:
    (content,) = [held for tile, held in log.tiles.held.items() if tile.level == 0]
    return [content[at : at + 32] for at in range(0, len(content), 32)]


def ask(url: str, body: bytes) -> requests.Response:
    return requests.post(f"{url}/add-checkpoint", data=body, timeout=10)


def test_the_nine_published_exchanges_get_their_statuses(url: str, witness: Witness) -> None:
    """From FiloSottile/torchwood, in order; of the unknown log c2sp.org/tlog-witness says 404."""
    stated = [200, 403, 404, 422, 422, 200, 409, 200, 409]
    for exchange, status in zip(PUBLISHED["requests"], stated, strict=True):
        answer = ask(url, exchange["request"].encode())
        assert answer.status_code == status
        if status == 409:
            assert exchange["expect"] == f"== {json.dumps(answer.text)}"
            assert answer.headers["Content-Type"] == "text/x.tlog.size"
        if status == 200:
            text = read_request(exchange["request"].encode()).checkpoint.text
            assert verify_note(Note(text, read_signatures(answer.text)), [witness.verifier])


def test_a_monitor_gets_the_latest_with_both_signatures(url: str, witness: Witness) -> None:
    path = f"{url}/{hashlib.sha256(ORIGIN.encode()).hexdigest()}/checkpoint"
    assert requests.get(path, timeout=10).status_code == 404
    assert requests.get(f"{url}/{'0' * 64}/checkpoint", timeout=10).status_code == 404
    ask(url, request(0, 7))
    ask(url, request(7, 20))
    shown = open_checkpoint(requests.get(path, timeout=10).content, [LOG], [witness.verifier])
    assert shown.checkpoint.head.size == 20
    assert [part.key for part in shown.cosignatures] == [witness.verifier]


@pytest.mark.parametrize(
    ("body", "statuses"),
    [
        (b"", {400}),
        (b"old 3\n", {400}),
        (request(0, 5) + request(0, 5), {400, 403}),
        (request(9, 5), {400}),
        (request(0, 5) + b"x" * MAX_REQUEST_BYTES, {400, 413}),
        (b"old 0\n\n" + b"\xff" * 100, {400}),
    ],
)
def test_hostile_bodies_are_refused_and_nothing_is_written(
    url: str, witness: Witness, body: bytes, statuses: set[int]
) -> None:
    assert ask(url, body).status_code in statuses
    with witness.database.read() as connection:
        assert storage.last(connection, ORIGIN) is None


def changed(old: int, size: int, **told: object) -> bytes:
    """A request like `request` with another proof, key or origin."""
    asked = read_request(request(old, size))
    proof = told.get("proof", asked.proof)
    origin, key = told.get("origin", ORIGIN), told.get("key", KEY)
    note = sign_checkpoint(origin, asked.checkpoint.head, key).to_bytes()  # type: ignore[arg-type]  # a test's own mixture
    return make_request(old, proof, note).to_bytes()  # type: ignore[arg-type]  # as above


PROOF = read_request(request(5, 20)).proof


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (changed(5, 20, proof=PROOF[:-1]), 422),
        (changed(5, 20, proof=(*PROOF, PROOF[0])), 422),
        (changed(5, 20, proof=()), 422),
        (changed(5, 20, proof=(PROOF[0],) * 63), 422),
        (changed(5, 20, key=SigningKey.generate()), 403),
        (changed(5, 20, origin="felpersham.ifi-log"), 404),
        (changed(20, 20), 409),
        (changed(0, 20), 409),
        (request(7, 5), 400),
        (changed(5, 20), 200),
    ],
)
def test_each_wrong_proof_size_key_and_log_has_its_status(
    url: str, witness: Witness, body: bytes, status: int
) -> None:
    """Over HTTP, to a witness that has cosigned five entries; what is refused moves nothing."""
    assert ask(url, request(0, 5)).status_code == 200
    assert ask(url, body).status_code == status
    with witness.database.read() as connection:
        kept = storage.last(connection, ORIGIN)
    assert kept is not None
    assert kept.head.size == (20 if status == 200 else 5)


def test_a_thousand_signatures_are_refused(url: str) -> None:
    body = request(0, 5)
    line = body.splitlines(keepends=True)[-1]
    assert ask(url, body + line * 1_000).status_code == 400


def test_what_was_written_down_is_what_leaves(witness: Witness) -> None:
    """With the log's signature alone beside it, whatever else the note carried."""
    cosigned = witness.add(read_request(request(0, 5)), [LOG])
    assert isinstance(cosigned, Cosigned)
    with witness.database.read() as connection:
        kept = storage.last(connection, ORIGIN)
    assert kept is not None
    assert (kept.line, kept.head) == (cosigned.line, cosigned.head)


def histories() -> tuple[GrownLog, GrownLog]:
    return GROWN, GrownLog([*leaves(5), leaf(1_000), *leaves(34, first=6)])


def test_two_processes_at_once_never_cosign_two_histories(
    fresh_url: Callable[[], str], clock: FakeClock
) -> None:
    """Each is shown another history of the same size; one of them is cosigned at every size."""
    url = fresh_url()
    first = Database(url)
    migrate(first, LOCATION)
    key = SigningKey.generate()
    verifier = witness_key("police", "borsetshire", key.public)
    processes = [Witness(first, verifier, clock, key), Witness(Database(url), verifier, clock, key)]
    assert isinstance(processes[0].add(read_request(request(0, 5)), [LOG]), Cosigned)
    together = threading.Barrier(2)

    def race(one: Witness, history: GrownLog, old: int, size: int) -> Cosigned | Refused:
        asked = read_request(request(old, size, history))
        together.wait()
        return one.add(asked, [LOG])

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(race, processes, histories(), [5, 5], [20, 20]))
    assert sorted(type(answer).__name__ for answer in answers) == ["Cosigned", "Refused"]
    (refused,) = [answer for answer in answers if isinstance(answer, Refused)]
    assert (refused.status, refused.cosigned_size) in ((409, 20), (422, None))
    for one in processes:
        one.database.close()


def test_the_head_moves_only_from_what_the_decision_was_made_from(witness: Witness) -> None:
    """The one statement: between the decision and it, another process has written."""
    witness.add(read_request(request(0, 5)), [LOG])
    with witness.database.read() as connection:
        before = storage.last(connection, ORIGIN)
    assert before is not None
    witness.add(read_request(request(5, 20)), [LOG])
    with pytest.raises(storage.Conflict), witness.database.write() as connection:
        storage.advance(connection, ORIGIN, before.head, GROWN.head, b"", b"", 0)
    with witness.database.read() as connection:
        after = storage.last(connection, ORIGIN)
    assert after is not None
    assert after.head.size == 20
