"""The evaluator's settings: evaluator.toml in its home folder."""

from typing import Annotated

from msgspec import Meta, Struct

from protocol.tokens import EVALUATION_SIZES
from schemas.evaluation import EvaluationUse
from schemas.fields import PartnershipId

Positive = Annotated[int, Meta(ge=1)]
Quota = Annotated[int, Meta(ge=max(EVALUATION_SIZES), le=10**12)]


class _Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class DatabaseSettings(_Settings, frozen=True):
    """Where agencies and counts are kept; a relative SQLite path is under the home folder."""

    url: str = "sqlite:///evaluator.db"


class KeySettings(_Settings, frozen=True):
    """The keyring and how it is sealed (foundation.keyring)."""

    seal: str
    file: str = "keys.json"


class ServeSettings(_Settings, frozen=True):
    """Where the evaluator listens, behind whatever ends TLS, and where it can be watched.

    `watch` is `host:port` or `off` (foundation.health); unset: loopback, 1,000 ports higher.
    """

    bind: str = "127.0.0.1:8002"
    watch: str | None = None
    workers: Positive = 2
    threads: Positive = 4


class QuotaSettings(_Settings, frozen=True):
    """How many elements an agency may have evaluated in one epoch on one day (UTC), by use.

    A first reading of a million people takes about 16 million; a check of a name at most 384.
    """

    publish: Quota = 20_000_000
    lookup: Quota = 5_000_000
    audit: Quota = 200_000

    def of(self, use: EvaluationUse) -> int:
        """Return the quota of one use."""
        quotas: dict[EvaluationUse, int] = {
            "publish": self.publish,
            "lookup": self.lookup,
            "audit": self.audit,
        }
        return quotas[use]


class EvaluatorSettings(_Settings, frozen=True):
    """The whole of evaluator.toml."""

    partnership: PartnershipId
    keys: KeySettings
    database: DatabaseSettings = DatabaseSettings()
    serve: ServeSettings = ServeSettings()
    quotas: QuotaSettings = QuotaSettings()
