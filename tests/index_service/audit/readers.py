"""Readings as a connector asks for them, and their answers checked against the checkpoint."""

import secrets
from typing import Any

from index_service.installation import Installation
from index_service.worker.doing import Piece
from protocol import documents
from protocol.commitments import GROUND, SUBJECT, commit, commit_to_tokens, new_salt
from protocol.encoding import b64u_decode, b64u_encode
from protocol.log.checkpoints import open_checkpoint
from protocol.log.proofs import check_inclusion
from protocol.merkle import leaf_hash
from protocol.verifier_keys import KeyType, VerifierKey
from schemas.audit import (
    AuditStatement,
    Confirmation,
    EntriesRequest,
    Filter,
    HeldRequest,
    PersonRequest,
    RecordTokens,
)
from schemas.lookups import StatedTokens
from tests.index_service.partnership import PARTNERSHIP, Agency
from tests.index_service.publishing import random_tokens

READER = b64u_encode(b"auditor-number-1")
SECOND = b64u_encode(b"auditor-number-2")


def work(index: Installation, piece: Piece) -> None:
    """Do a job of the worker until nothing is left of it."""
    more = True
    while more:
        with index.database.write() as connection:
            more = piece(connection, index, index.clock()).more


def statement(reader: Agency, of: str, /, **changed: Any) -> AuditStatement:
    """Return the statement of a reading; `changed` alters it, a filter's members included."""
    parts = {name: changed.pop(name, None) for name in Filter.__struct_fields__ if name != "agency"}
    told: dict[str, Any] = {
        "partnership": PARTNERSHIP,
        "agency": reader.name,
        "reading": b64u_encode(secrets.token_bytes(16)),
        "officer": READER,
        "of": of,
        "ground": b64u_encode(commit(GROUND, new_salt(), b"C-2026-17")),
        "subject": None,
        "tokens": (),
        "filter": Filter(agency=changed.pop("asker", None), **parts),
        "first": 0,
        "end": None,
        "confirmations": (),
        "signed_at": reader.index.clock(),
    }
    return AuditStatement(**{**told, **changed})


def entries(reader: Agency, of: str = "lookups", /, **changed: Any) -> EntriesRequest:
    """Return a signed request for entries."""
    return EntriesRequest(statement=documents.sign(statement(reader, of, **changed), reader.key))


def everything(reader: Agency, *officers: str, **changed: Any) -> EntriesRequest:
    """Return a complete scan confirmed by these officers."""
    now = reader.index.clock()
    told = tuple(Confirmation(officer=one, confirmed_at=now) for one in officers)
    return entries(reader, "everything", confirmations=told, **changed)


def person(reader: Agency, *tokens: bytes, **changed: Any) -> PersonRequest:
    """Return a signed question about the person who would be stored under these tokens."""
    padded, salt = random_tokens(16, *tokens), new_salt()
    commitment = b64u_encode(commit_to_tokens(salt, 1, padded))
    stated = (StatedTokens(epoch=1, scheme="1", commitment=commitment),)
    signed = statement(reader, "person", **{"tokens": stated, **changed})
    given = RecordTokens(epoch=1, salt=b64u_encode(salt), tokens=b64u_encode(b"".join(padded)))
    return PersonRequest(statement=documents.sign(signed, reader.key), sets=(given,))


def held(reader: Agency, handle: bytes, **changed: Any) -> HeldRequest:
    """Return a holder's signed question about its own flag."""
    salt = new_salt()
    told = {"subject": b64u_encode(commit(SUBJECT, salt, handle)), "ground": None, **changed}
    signed = documents.sign(statement(reader, "held", **told), reader.key)
    return HeldRequest(statement=signed, handle=b64u_encode(handle), salt=b64u_encode(salt))


def check_proofs(index: Installation, answer: dict[str, Any], rows: str) -> list[int]:
    """Check each row's proof against the answer's checkpoint; return the rows' numbers."""
    key = VerifierKey(index.log.name, KeyType.ED25519, index.log.key.public)
    head = open_checkpoint(answer["checkpoint"].encode(), [key]).checkpoint.head
    for row in answer[rows]:
        leaf = b64u_decode(row["leaf"]) if "leaf" in row else leaf_hash(b64u_decode(row["entry"]))
        joined = b64u_decode(row["proof"])
        proof = [joined[at : at + 32] for at in range(0, len(joined), 32)]
        check_inclusion(leaf, row["number"], head, proof)
    return [row["number"] for row in answer[rows]]
