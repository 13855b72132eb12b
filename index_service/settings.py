"""The index's settings: index.toml in its home folder."""

from typing import Annotated

from msgspec import Meta, Struct

from schemas.agencies import Steward
from schemas.fields import PartnershipId

Positive = Annotated[int, Meta(ge=1)]


class _Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class DatabaseSettings(_Settings, frozen=True):
    """Where the index keeps what it is given; a relative SQLite path is under the home folder."""

    url: str = "sqlite:///index.db"


class KeySettings(_Settings, frozen=True):
    """The keyring and how it is sealed (foundation.keyring)."""

    file: str = "keys.json"
    seal: str = "unsealed"


class ServeSettings(_Settings, frozen=True):
    """Where the index listens, behind whatever ends TLS, and where it can be watched.

    `watch` is `host:port` or `off` (foundation.health); unset: loopback, 1,000 ports higher.
    """

    bind: str = "127.0.0.1:8001"
    watch: str | None = None
    workers: Positive = 2
    threads: Positive = 4


class LimitSettings(_Settings, frozen=True):
    """How many lookups an agency and one of its officers may make."""

    agency_per_hour: Positive = 2_000
    agency_per_day: Positive = 20_000
    officer_per_hour: Positive = 60
    officer_per_day: Positive = 300
    failed_references_per_hour: Positive = 30
    # Readings of the record: persons an auditor asks about, and pages of lists.
    audit_persons_per_hour: Positive = 60
    audit_pages_per_hour: Positive = 2_000
    # Contact requests: how often officers ask to be phoned.
    contacts_officer_per_hour: Positive = 10
    contacts_officer_per_day: Positive = 40
    contacts_agency_per_hour: Positive = 200
    contacts_agency_per_day: Positive = 1_000


class RuleSettings(_Settings, frozen=True):
    """What the index holds every agency to."""

    longest_flag_days: Positive = 730
    stale_after_hours: Positive = 48
    # Holders remember whose flag it was for a day longer than this may be.
    reference_days: Annotated[int, Meta(ge=1, le=30)] = 30
    log_deadline_minutes: Positive = 60
    enrolment_code_hours: Positive = 72
    side_record_years: Annotated[int, Meta(ge=1, le=6)] = 2
    handover_days: Positive = 30
    # A contact request is forgotten so long after its last step, and what is sealed in one too.
    contact_days: Annotated[int, Meta(ge=1, le=28)] = 28


class LogSettings(_Settings, frozen=True):
    """Where the last head of the log stands outside the database; relative to the home folder.

    It must not be restored together with the database: it is what a restored database is held to.
    `mirror` is a folder, best on another machine's disk, to which entries, tiles and checkpoints
    are written before a head is published.
    """

    head_file: str = "log.head"
    mirror: str | None = None


class WorkerSettings(_Settings, frozen=True):
    """How often each job of the worker is due, in seconds, and for how long a copy holds one.

    `watch` is as in ServeSettings; unset: loopback, 2,000 ports above where the index listens.
    """

    watch: str | None = None
    lease_seconds: Positive = 60
    sequence_seconds: Positive = 1
    segments_seconds: Positive = 30
    round_seconds: Positive = 5
    flag_ends_seconds: Positive = 60
    nonces_seconds: Positive = 300
    stale_seconds: Positive = 900
    retention_seconds: Positive = 3_600


class IndexSettings(_Settings, frozen=True):
    """The whole of index.toml."""

    partnership: PartnershipId
    steward: Steward
    database: DatabaseSettings = DatabaseSettings()
    keys: KeySettings = KeySettings()
    serve: ServeSettings = ServeSettings()
    limits: LimitSettings = LimitSettings()
    rules: RuleSettings = RuleSettings()
    log: LogSettings = LogSettings()
    worker: WorkerSettings = WorkerSettings()
