"""An evaluator with one agency on its list, and an agency that asks it as a connector does."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any

import msgspec
from flask.testing import FlaskClient

from foundation.clock import Clock
from foundation.database import Database, migrate
from index_service.evaluation import storage
from index_service.evaluation.app import create_app
from index_service.evaluation.installation import Evaluator, EvaluatorKeys
from index_service.evaluation.settings import EvaluatorSettings, KeySettings, QuotaSettings
from index_service.evaluation.storage import LOCATION
from protocol import voprf
from protocol.encoding import b64u_encode
from protocol.keys import SigningKey
from schemas.evaluation import EvaluationRequest, EvaluationUse
from schemas.operations import EVALUATE
from tests.protocol.signed_calls import Reply, send, signed

PARTNERSHIP = "borsetshire"
AUDIENCE = f"evaluator/{PARTNERSHIP}"
POLICE = "north-police"


def new_evaluator(
    database: Database, clock: Clock, epochs: tuple[int, ...] = (1, 2), **quotas: int
) -> Evaluator:
    """Return an evaluator with new keys on `database`, migrated."""
    migrate(database, LOCATION)
    pairs = {epoch: voprf.derive_key_pair(bytes([epoch]) * 32, b"test") for epoch in epochs}
    return Evaluator(
        settings=EvaluatorSettings(
            partnership=PARTNERSHIP,
            keys=KeySettings(seal="unsealed"),
            quotas=QuotaSettings(**quotas),
        ),
        database=database,
        keys=EvaluatorKeys(signing=SigningKey.generate(), epochs=pairs),
        clock=clock,
    )


@dataclass
class Asker:
    """An agency on the evaluator's list, and the elements it sends."""

    evaluator: Evaluator
    agency: str = POLICE
    key: SigningKey = field(default_factory=SigningKey.generate)
    nonces: Any = field(default_factory=count)

    def __post_init__(self) -> None:
        now = self.evaluator.clock()
        with self.evaluator.database.write() as connection:
            storage.add_agency(connection, self.agency, "North Police", now)
            storage.give_key(connection, self.agency, self.key.key_id, self.key.public, now)
        self.app = create_app(self.evaluator)

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    def ask(
        self,
        elements: bytes,
        *,
        epoch: int = 1,
        use: EvaluationUse = "lookup",
        proof: bool = False,
        **changes: Any,
    ) -> Reply:
        """Send `elements` to be evaluated; the reply's signature has been checked."""
        asked = EvaluationRequest(epoch=epoch, use=use, elements=b64u_encode(elements), proof=proof)
        return self.send(msgspec.json.encode(asked), **changes)

    def send(self, body: bytes, **changes: Any) -> Reply:
        at = changes.pop("at", self.evaluator.clock())
        nonce = changes.pop("nonce", next(self.nonces).to_bytes(16))
        request = signed(
            EVALUATE,
            body,
            changes.pop("key", self.key),
            at=at,
            nonce=nonce,
            audience=changes.pop("audience", AUDIENCE),
        )
        return send(
            self.client,
            request,
            server=self.evaluator.keys.signing.public,
            at=self.evaluator.clock(),
        )

    def counted(self) -> dict[tuple[int, str], int]:
        """What is counted so far, by epoch and use, all days together."""
        with self.evaluator.database.read() as connection:
            sums: dict[tuple[int, str], int] = {}
            for row in storage.counts_since(connection, 0):
                sums[row.epoch, row.use] = sums.get((row.epoch, row.use), 0) + row.elements
            return sums


def blinded(size: int = 64, start: int = 0) -> tuple[list[bytes], voprf.Blinded]:
    """Return `size` inputs and their blinded elements."""
    inputs = [b"input %d" % number for number in range(start, start + size)]
    return inputs, voprf.blind(inputs)
