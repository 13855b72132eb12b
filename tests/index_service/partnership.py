"""A partnership in memory: an index on a real database, and agencies that sign as members do."""

import secrets
from dataclasses import dataclass, field
from typing import Any

import msgspec
from flask.testing import FlaskClient
from msgspec import Struct

from foundation.clock import Clock
from foundation.database import Database, migrate
from index_service.agencies import enrolment, storage
from index_service.agreements import storage as agreements
from index_service.app import create_app
from index_service.database import LOCATION
from index_service.installation import Installation, log_of
from index_service.settings import IndexSettings
from protocol import documents
from protocol.encoding import b64u_decode, b64u_encode
from protocol.enrolment_code import read_code
from protocol.epochs import partnership_key_fingerprint
from protocol.keys import SealingKey, SigningKey
from schemas import operations
from schemas.agencies import AgencyKeys, Desk, Enrolment, Introduction, Signed, Steward
from schemas.agreements import Agreement, Purpose
from schemas.epochs import EpochDescriptor
from schemas.operations import Operation
from tests.protocol.signed_calls import Reply, send, signed

PARTNERSHIP = "borsetshire"
DAY_MS = 86_400_000
SAFEGUARDING = "safeguarding"


def new_index(database: Database, clock: Clock, **settings: Any) -> Installation:
    """Return an index with new keys on `database`, migrated."""
    migrate(database, LOCATION)
    read = IndexSettings(
        partnership=PARTNERSHIP,
        steward=Steward(
            organisation="Borsetshire Data Trust",
            accountable_officer="A. Steward",
            data_protection_contact="dpo@steward.example",
        ),
        **settings,
    )
    log = log_of(read, SigningKey.generate())
    return Installation(read, database, SigningKey.generate(), log, clock)


@dataclass
class Agency:
    """An agency with keys of its own, calling the index through `client`."""

    name: str
    index: Installation
    client: FlaskClient
    role: str = "member"
    key: SigningKey = field(default_factory=SigningKey.generate)
    sealing: SealingKey = field(default_factory=SealingKey.generate)

    @property
    def keys(self) -> AgencyKeys:
        """Its public keys."""
        return AgencyKeys(
            signing=b64u_encode(self.key.public), sealing=b64u_encode(self.sealing.public)
        )

    def call(
        self, operation: Operation, message: Struct | None = None, *, nonce: bytes | None = None
    ) -> Reply:
        """Send a signed request and check that the index signed the answer."""
        request = signed(
            operation,
            b"" if message is None else msgspec.json.encode(message),
            self.key,
            at=self.index.clock(),
            nonce=nonce or secrets.token_bytes(16),
            audience=self.index.audience,
        )
        server = self.index.signing_key.public
        return send(self.client, request, server=server, at=self.index.clock())

    def register(self) -> str:
        """Be registered by the steward; return the one-time code."""
        with self.index.database.write() as connection:
            enrolment.register(connection, self.index, self.name, self.name.title(), self.role)  # type: ignore[arg-type]  # a test's word for a role
            return enrolment.issue_code(connection, self.index, self.name)

    def enrol(self, code: str | None = None) -> Reply:
        """Enrol with `code`, or with a fresh one."""
        secret, _ = read_code(code or self.register())
        request = Enrolment(agency=self.name, code=b64u_encode(secret), keys=self.keys)
        return self.call(operations.ENROL, request)

    def introduce(self, other: "Agency", **changed: Any) -> Reply:
        """Introduce another agency, or itself as the founder."""
        document = Introduction(
            partnership=PARTNERSHIP,
            introducer=self.name,
            agency=other.name,
            name=other.name.title(),
            role=other.role,  # type: ignore[arg-type]  # a test's word for a role
            keys=other.keys,
            signed_at=self.index.clock(),
        )
        return self.lay(operations.INTRODUCE, msgspec.structs.replace(document, **changed))

    def lay(self, operation: Operation, document: Struct) -> Reply:
        """Sign a document and lay it before the index."""
        return self.call(operation, Signed(document=documents.sign(document, self.key)))

    def desk(self, desk: str = "front", **changed: Any) -> Desk:
        """Return a desk of this agency, always open."""
        told: dict[str, Any] = {
            "partnership": PARTNERSHIP,
            "agency": self.name,
            "desk": desk,
            "version": 1,
            "name": f"{self.name.title()} front desk",
            "phone": "01632 960001",
            "email": None,
            "hours": (),
            "time_zone": "Europe/London",
            "out_of_hours_phone": None,
            "purposes": None,
            "agencies": None,
            "visibility": "visible",
            "withdrawn": False,
            "signed_at": self.index.clock(),
        }
        return Desk(**{**told, **changed})

    def sign_desk(self, desk: str = "front", **changed: Any) -> Reply:
        """Publish a desk."""
        return self.lay(operations.SIGN_DESK, self.desk(desk, **changed))

    def open_epoch(self, epoch: int = 1, **changed: Any) -> Reply:
        """Publish the descriptor of an epoch, with keys that nobody uses."""
        told: dict[str, Any] = {
            "partnership": PARTNERSHIP,
            "epoch": epoch,
            "scheme": "1",
            "evaluator_public_key": b64u_encode(secrets.token_bytes(32)),
            "evaluator_signing_key": b64u_encode(secrets.token_bytes(32)),
            "partnership_key_fingerprint": partnership_key_fingerprint(secrets.token_bytes(32)),
            "opens_at": self.index.clock(),
            "closes_at": self.index.clock() + 365 * DAY_MS,
        }
        return self.lay(operations.OPEN_EPOCH, EpochDescriptor(**{**told, **changed}))


@dataclass
class Partnership:
    """An index with its app, and the agencies that have been made so far."""

    index: Installation
    client: FlaskClient

    @classmethod
    def on(cls, database: Database, clock: Clock, **settings: Any) -> "Partnership":
        """Return a partnership of nobody yet."""
        index = new_index(database, clock, **settings)
        return cls(index, create_app(index).test_client())

    def newcomer(self, name: str, role: str = "member") -> Agency:
        """Return an agency that is not registered yet."""
        return Agency(name, self.index, self.client, role)

    def member(self, name: str, introducer: Agency | None = None, role: str = "member") -> Agency:
        """Return an agency that is enrolled and introduced, with an open front desk."""
        agency = self.newcomer(name, role)
        assert agency.enrol().status == 200
        assert (introducer or agency).introduce(agency).status == 200
        if role == "member":
            assert agency.sign_desk().status == 200
        return agency

    def agree(self, *parties: Agency, name: str = "all", purposes: tuple[str, ...] = ()) -> None:
        """Put an agreement in force between `parties` for safeguarding, or other purposes."""
        codes = purposes or (SAFEGUARDING,)
        now = self.index.clock()
        with self.index.database.write() as connection:
            for code in codes:
                agreements.add_purpose(connection, Purpose(code=code, words=code.title()))
            agreements.put_agreement(
                connection,
                Agreement(
                    agreement=name,
                    title=f"Agreement {name}",
                    parties=tuple(party.name for party in parties),
                    purposes=codes,
                    starts_at=now - DAY_MS,
                    ends_at=now + 365 * DAY_MS,
                ),
            )

    def suspend(self, agency: Agency) -> None:
        """Suspend an agency."""
        with self.index.database.write() as connection:
            assert storage.set_status(connection, agency.name, "suspended")


def decoded(text: str) -> bytes:
    """Return the bytes of base64url text."""
    return b64u_decode(text)
