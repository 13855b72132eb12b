"""Callers of every standing, who send what schemathesis makes up: signed, wrongly or not at all."""

import base64
import itertools
import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec
from flask import Flask
from schemathesis.core import NotSet
from werkzeug.test import TestResponse

from foundation.clock import Clock
from protocol import canonical
from protocol.documents import PAYLOAD_TYPES
from protocol.encoding import b64u_encode
from protocol.envelopes import pae
from protocol.http_signatures import NONCE_BYTES, sign_request
from protocol.keys import SigningKey
from protocol.signature_base import Request
from schemas import operations
from schemas.agencies import AgencyKeys, Desk, Introduction, KeyChange
from schemas.audit import AuditStatement
from schemas.epochs import EpochDescriptor
from schemas.flags import PublicationStatement
from schemas.handover import HandoverPackage
from schemas.lookups import LookupStatement, ResolutionStatement
from schemas.operations import Operation
from schemas.witnesses import WitnessDeclaration

# The document that an operation's envelope holds, and the field of the message it is in.
DOCUMENTS: dict[Operation, tuple[str, type[msgspec.Struct]]] = {
    operations.INTRODUCE: ("document", Introduction),
    operations.CHANGE_KEYS: ("document", KeyChange),
    operations.SIGN_DESK: ("document", Desk),
    operations.OPEN_EPOCH: ("document", EpochDescriptor),
    operations.SEND_HANDOVER: ("document", HandoverPackage),
    operations.DECLARE_WITNESS: ("document", WitnessDeclaration),
    operations.PUBLISH: ("statement", PublicationStatement),
    operations.LOOK_UP: ("statement", LookupStatement),
    operations.RESOLVE: ("statement", ResolutionStatement),
    operations.AUDIT_PERSON: ("statement", AuditStatement),
    operations.AUDIT_ENTRIES: ("statement", AuditStatement),
    operations.AUDIT_OWN: ("statement", AuditStatement),
    operations.AUDIT_HELD: ("statement", AuditStatement),
}

LONG = 500
"""Characters beyond which a made-up text is kept short."""


class Standing(StrEnum):
    """How a request stands with the service that it is sent to."""

    UNSIGNED = "unsigned"
    UNKNOWN = "signed by a key that nobody has"
    MEMBER = "signed by a member"
    AUDITOR = "signed by an auditor"
    SUSPENDED = "signed by a suspended member"
    REPLAYED = "sent a second time"
    WRONG_AUDIENCE = "signed for another service"


@dataclass
class Callers:
    """A service, and whose keys it knows. `agencies` holds the keys of the three that it does."""

    app: Flask
    audience: str
    partnership: str
    clock: Clock
    agencies: dict[Standing, tuple[str, SigningKey]]
    nobody: SigningKey = field(default_factory=SigningKey.generate)
    nonces: Iterator[int] = field(default_factory=itertools.count)

    def key_of(self, standing: Standing) -> SigningKey:
        """Return the key that a caller of this standing signs with."""
        if standing is Standing.UNKNOWN:
            return self.nobody
        return self.agencies.get(standing, self.agencies[Standing.MEMBER])[1]

    def agency_of(self, standing: Standing) -> str:
        """Return the name that a caller of this standing goes by."""
        return self.agencies.get(standing, self.agencies[Standing.MEMBER])[0]

    def send(self, operation: Operation, body: bytes, standing: Standing) -> list[TestResponse]:
        """Send exactly `body`, and return every answer: two, if the request is sent twice."""
        headers = {"Content-Type": "application/json"} if body else {}
        if standing is not Standing.UNSIGNED:
            audience = "index/elsewhere" if standing is Standing.WRONG_AUDIENCE else self.audience
            headers |= sign_request(
                Request(operation.method, operation.path, "", tuple(headers.items()), body),
                self.key_of(standing),
                audience=audience,
                created_s=self.clock() // 1000,
                nonce=next(self.nonces).to_bytes(NONCE_BYTES),
            )
        client = self.app.test_client()
        return [
            client.open(operation.path, method=operation.method, headers=headers, data=body)
            for _ in range(2 if standing is Standing.REPLAYED else 1)
        ]

    def body(self, operation: Operation, made_up: Any, standing: Standing, *, fits: bool) -> bytes:
        """Return the bytes of a made-up message, its documents signed by the caller.

        `fits`: what the caller would know is put right, so that the service reads further.
        """
        if isinstance(made_up, bytes):  # no JSON at all
            return made_up
        if isinstance(made_up, NotSet):
            return b""
        message = deepcopy(made_up)
        if operation == operations.ENROL and isinstance(message, dict) and fits:
            key = b64u_encode(self.key_of(standing).public)
            message["keys"] = msgspec.to_builtins(AgencyKeys(signing=key, sealing=key))
        if operation in DOCUMENTS and isinstance(message, dict):
            name, kind = DOCUMENTS[operation]
            if isinstance(message.get(name), dict):
                if fits:
                    self._put_right(message[name], kind, standing)
                message[name] = self._sealed(message[name], kind, self.key_of(standing))
        return json.dumps(message).encode()

    def _put_right(
        self, document: dict[str, Any], kind: type[msgspec.Struct], standing: Standing
    ) -> None:
        known = {
            "partnership": self.partnership,
            "agency": self.agency_of(standing),
            "introducer": self.agency_of(standing),
            "sender": self.agency_of(standing),
            "old_key": self.key_of(standing).key_id,
            "signed_at": self.clock(),
            "epoch": 1,
        }
        document |= {name: known[name] for name in kind.__struct_fields__ if name in known}

    @staticmethod
    def _sealed(
        document: dict[str, Any], kind: type[msgspec.Struct], key: SigningKey
    ) -> dict[str, Any]:
        try:
            payload = canonical.encode(document)
        except canonical.NotCanonical:
            payload = json.dumps(document).encode()
        signature = key.sign(pae(PAYLOAD_TYPES[kind], payload))
        return {
            "payloadType": PAYLOAD_TYPES[kind],
            "payload": base64.b64encode(payload).decode(),
            "signatures": [{"keyid": key.key_id, "sig": base64.b64encode(signature).decode()}],
        }


def with_open_envelopes(document: dict[str, Any]) -> dict[str, Any]:
    """Return the OpenAPI document in which a request holds what its envelope would hold.

    What schemathesis makes up from it is signed afterwards; responses are as they were.
    """
    opened = deepcopy(document)
    _, components = msgspec.json.schema_components(
        [kind for _, kind in DOCUMENTS.values()], ref_template="#/components/schemas/{name}"
    )
    schemas = opened["components"]["schemas"]
    schemas |= json.loads(json.dumps(components).replace(r"\\Z", "$"))
    for operation, (name, kind) in DOCUMENTS.items():
        if operation.path not in opened["paths"] or operation.request is None:
            continue
        open_name = f"{operation.name}-opened"
        schemas[open_name] = deepcopy(schemas[operation.request.__name__])
        schemas[open_name]["properties"][name] = {"$ref": f"#/components/schemas/{kind.__name__}"}
        taken = opened["paths"][operation.path][operation.method.lower()]["requestBody"]
        taken["content"]["application/json"]["schema"] = {
            "$ref": f"#/components/schemas/{open_name}"
        }
    return opened
