"""The documents by which logs ended, as the index showed them, and which ones a person accepted.

All are kept for good: an accepted one says by which key earlier receipts are checked, and one that
denies what this connector has seen is evidence.
"""

import hashlib
from collections.abc import Mapping

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    LargeBinary,
    String,
    Table,
    select,
    update,
)

from agency_connector.database import metadata
from foundation.inserting import inserting
from protocol import canonical, documents
from protocol.verifier_keys import read_verifier_key
from schemas.envelopes import Envelope
from schemas.successions import LogSuccession

_successions = Table(
    "seen_successions",
    metadata,
    # SHA-256 of the envelope.
    Column("digest", LargeBinary(32), primary_key=True),
    # The origin of the log that ended.
    Column("log", String(200), nullable=False),
    Column("envelope", LargeBinary, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("accepted_at", BigInteger),
    Column("accepted_by", String(200)),
)


def see(connection: Connection, log: str, envelope: Envelope, now: int) -> bool:
    """Keep a document whose signature by `log` was checked; return whether it is news."""
    content = canonical.encode(envelope)
    kept = connection.execute(
        inserting(connection, _successions)
        .values(digest=_digest(content), log=log, envelope=content, seen_at=now)
        .on_conflict_do_nothing(index_elements=[_successions.c.digest])
        .returning(_successions.c.digest)
    )
    return kept.first() is not None


def seen(connection: Connection, log: str) -> tuple[Envelope, ...]:
    """Return every document that `log` signed about its end: more than one is two words."""
    rows = select(_successions.c.envelope).where(_successions.c.log == log)
    return tuple(
        canonical.decode(bytes(content), Envelope)
        for content in connection.execute(rows.order_by(_successions.c.seen_at)).scalars()
    )


def accept(connection: Connection, envelope: Envelope, by: str, now: int) -> None:
    """Keep that `by`, a user of this machine, has accepted a document that was seen."""
    connection.execute(
        update(_successions)
        .where(_successions.c.digest == _digest(canonical.encode(envelope)))
        .values(accepted_at=now, accepted_by=by)
    )


def earlier_keys(connection: Connection) -> Mapping[str, bytes]:
    """Return by origin the key (32 bytes) of each log that this connector held to before."""
    accepted = select(_successions.c.envelope).where(_successions.c.accepted_at.is_not(None))
    envelopes = connection.execute(accepted).scalars()
    return dict(
        read_verifier_key(
            documents.claimed(canonical.decode(bytes(one), Envelope), LogSuccession).log
        )
        for one in envelopes
    )


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
