"""What is granted is answered as documented: each operation does here what it is for."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from msgspec import Struct

from foundation.database import Database
from index_service.app import create_app
from index_service.audit.sequencing import sequence
from protocol import documents
from protocol.contacts import signed_step
from protocol.encoding import b64u_encode
from protocol.enrolment_code import read_code
from protocol.keys import SigningKey
from protocol.log.checkpoints import sign_checkpoint
from protocol.log.notes import cosign, with_signatures
from protocol.log.proofs import EMPTY
from protocol.log.witness import witness_key
from schemas import operations
from schemas.agencies import Enrolment, Introduction, KeyChange, Signed
from schemas.contacts import NOT_A_CRIME_REPORT, ContactFetch, ContactRequest
from schemas.epochs import EpochDescriptor
from schemas.flags import PublicationMark
from schemas.generate import json_schemas
from schemas.handover import HandoverPackage
from schemas.lookups import LookupAnswer, ResolutionRequest, ResolutionStatement
from schemas.operations import EVALUATOR_OPERATIONS, INDEX_OPERATIONS, Operation
from schemas.witnesses import CosignedCheckpoint, WitnessDeclaration
from tests.conftest import FakeClock
from tests.index_service.audit import readers
from tests.index_service.evaluation.evaluators import Asker, blinded, new_evaluator
from tests.index_service.partnership import PARTNERSHIP, Agency, Partnership, new_index
from tests.index_service.publishing import OFFICER, batch, flag, lookup
from tests.protocol.signed_calls import Reply

HANDLE = b"a flag's handle!"


@pytest.fixture
def members(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Agency, Agency]]:
    """Two members in agreement on an index of their own."""
    folder = tmp_path_factory.mktemp("members")
    database = Database(f"sqlite:///{folder / 'index.db'}")
    index = replace(new_index(database, FakeClock()), head_file=folder / "log.head")
    partnership = Partnership(index, create_app(index).test_client())
    asker = partnership.member("oakshire")
    holder = partnership.member("elmham", asker)
    partnership.agree(asker, holder)
    yield asker, holder
    database.close()


def signed(agency: Agency, document: Struct) -> Signed:
    return Signed(document=documents.sign(document, agency.key))


def introduction(asker: Agency, newcomer: Agency) -> Introduction:
    return Introduction(
        partnership=PARTNERSHIP, introducer=asker.name, agency=newcomer.name, name="Ashford",
        role="member", keys=newcomer.keys, signed_at=asker.index.clock(),
    )  # fmt: skip


def descriptor(asker: Agency) -> EpochDescriptor:
    now = asker.index.clock()
    return EpochDescriptor(
        partnership=PARTNERSHIP, epoch=1, scheme="1", evaluator_public_key="A" * 43,
        evaluator_signing_key="A" * 43, partnership_key_fingerprint="A" * 43, opens_at=now,
        closes_at=now + 10**9,
    )  # fmt: skip


def everything_that_succeeds(
    asker: Agency, holder: Agency
) -> Iterator[tuple[Agency, Operation, Struct | Callable[[Any], Struct] | None]]:
    """Each operation of the index in an order in which each is granted."""
    newcomer = Agency("ashford", asker.index, asker.client)
    code, _ = read_code(newcomer.register())
    enrolment = Enrolment(agency="ashford", code=b64u_encode(code), keys=newcomer.keys)
    yield newcomer, operations.ENROL, enrolment
    yield asker, operations.INDEX_IDENTITY, None
    yield asker, operations.DIRECTORY, None
    yield asker, operations.KEY_ENTRIES, None
    yield asker, operations.LOG_SUCCESSIONS, None
    yield asker, operations.INTRODUCE, signed(asker, introduction(asker, newcomer))
    yield asker, operations.OPEN_EPOCH, signed(asker, descriptor(asker))
    yield newcomer, operations.SIGN_DESK, signed(newcomer, newcomer.desk())
    package = HandoverPackage(
        partnership=PARTNERSHIP, epoch=1, sender=asker.name, sender_keys=asker.keys,
        recipient="ashford", recipient_keys=newcomer.keys, ciphertext="AAAA",
        signed_at=asker.index.clock(),
    )  # fmt: skip
    yield asker, operations.SEND_HANDOVER, signed(asker, package)
    yield newcomer, operations.RECEIVE_HANDOVERS, None
    token = b"\x07" * 16
    yield holder, operations.PUBLISH, batch(holder, flag(holder, token, handle=HANDLE))
    now = asker.index.clock()
    yield holder, operations.MARK, PublicationMark(epoch=1, state="complete", read_at=now)
    yield asker, operations.LOOK_UP, lookup(asker, token)

    def resolution(answer: Any) -> Struct:
        (hit,) = msgspec.convert(answer, LookupAnswer).shown.hits
        statement = ResolutionStatement(
            partnership=PARTNERSHIP, agency=holder.name, resolution="A" * 22,
            reference=hit.reference, officer=OFFICER, signed_at=now,
        )  # fmt: skip
        return ResolutionRequest(statement=documents.sign(statement, holder.key))

    yield holder, operations.RESOLVE, resolution
    yield asker, operations.SEND_CONTACT, lambda told: asked(asker, holder, told["reference"])
    yield holder, operations.FETCH_CONTACTS, ContactFetch(delivered=())
    yield from cosigning(asker)
    yield from readings(asker, holder, token)
    changed = Agency("ashford", asker.index, asker.client).keys
    change = KeyChange(
        partnership=PARTNERSHIP, agency="ashford", old_key=newcomer.key.key_id, keys=changed,
        signed_at=now,
    )  # fmt: skip
    yield newcomer, operations.CHANGE_KEYS, signed(newcomer, change)


def asked(asker: Agency, holder: Agency, reference: str) -> Struct:
    """Return the first step of a contact request."""
    contents = ContactRequest(
        notice=NOT_A_CRIME_REPORT, desk="front", text="Please phone me.", name="A", phone=None
    )
    return signed_step(
        contents, partnership=PARTNERSHIP, agency=asker.name, request="A" * 22, number=0,
        previous=None, step="asked", reference=reference, recipient=holder.name,
        recipient_sealing=holder.keys.sealing, officer=OFFICER, signed_at=asker.index.clock(),
        key=asker.key,
    )  # fmt: skip


def readings(
    asker: Agency, holder: Agency, token: bytes
) -> Iterator[tuple[Agency, Operation, Struct]]:
    """The readings of the record, once it is numbered and signed."""
    auditor = Agency("auditor", asker.index, asker.client, "auditor")
    assert auditor.enrol().status == 200
    readers.work(asker.index, sequence)
    yield auditor, operations.AUDIT_PERSON, readers.person(auditor, token)
    yield auditor, operations.AUDIT_ENTRIES, readers.entries(auditor, asker=asker.name)
    yield asker, operations.AUDIT_OWN, readers.entries(asker, "own", asker=asker.name)
    yield holder, operations.AUDIT_HELD, readers.held(holder, HANDLE)


def cosigning(asker: Agency) -> Iterator[tuple[Agency, Operation, Struct]]:
    """Declare a witness key and bring a cosignature with it; no worker has signed a head here."""
    key = SigningKey.generate()
    verifier = witness_key(asker.name, PARTNERSHIP, key.public)
    declaration = WitnessDeclaration(
        partnership=PARTNERSHIP, agency=asker.name, witness_key=verifier.text,
        signed_at=asker.index.clock(),
    )  # fmt: skip
    yield asker, operations.DECLARE_WITNESS, signed(asker, declaration)
    log = asker.index.log
    note = sign_checkpoint(log.name, EMPTY, log.key)
    cosigned = with_signatures(note, [cosign(note.text, verifier.name, key, 1)])
    yield asker, operations.COSIGN, CosignedCheckpoint(note=cosigned.to_bytes().decode())


def check(operation: Operation, reply: Reply) -> None:
    """Raise unless the answer is a 200 that the committed JSON Schema takes."""
    assert reply.status == 200, (operation.name, reply.content)
    assert reply.headers["Content-Type"] == "application/json"
    definitions = json_schemas()["$defs"]
    schema = {"$ref": f"#/$defs/{operation.response.__name__}", "$defs": definitions}
    jsonschema_rs.Draft202012Validator(schema).validate(json.loads(reply.body))


def test_every_operation_of_the_index_answers_as_documented(
    members: tuple[Agency, Agency],
) -> None:
    done: set[Operation] = set()
    before: Any = None
    for agency, operation, message in everything_that_succeeds(*members):
        reply = agency.call(operation, message(before) if callable(message) else message)
        check(operation, reply)
        before = reply.content
        done.add(operation)
    assert done == set(INDEX_OPERATIONS)


def test_every_operation_of_the_evaluator_answers_as_documented(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'evaluator.db'}")
    asker = Asker(new_evaluator(database, FakeClock()))
    _, sent = blinded()
    check(operations.EVALUATE, asker.ask(sent.elements, proof=True))
    check(operations.EVALUATE, asker.ask(sent.elements, proof=False))
    told = asker.client.get(operations.EVALUATOR_IDENTITY.path)
    check(
        operations.EVALUATOR_IDENTITY,
        Reply(told.status_code, told.json, told.data, dict(told.headers)),
    )
    assert len(EVALUATOR_OPERATIONS) == 2
    database.close()
