"""The tables of what is believed, and the statements on them; secrets are in the keyring."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)

from agency_connector.database import metadata
from foundation.operator import OperatorError
from protocol import canonical, documents
from protocol.encoding import b64u_decode, b64u_encode
from schemas.agencies import AgencyKeys, AgencyRole, Desk
from schemas.envelopes import Envelope
from schemas.epochs import EpochDescriptor
from schemas.handover import EarlierKey, KnownMember

# One row each: what the enrolment and the first hand-over fixed for good.
_enrolment = Table(
    "enrolment",
    metadata,
    Column("singleton", Integer, primary_key=True, autoincrement=False),
    Column("partnership", String(32), nullable=False),
    Column("agency", String(32), nullable=False),
    Column("role", String(16), nullable=False),
    Column("index_key", LargeBinary(32), nullable=False),
    Column("steward", Text, nullable=False),
    Column("enrolled_at", BigInteger, nullable=False),
    CheckConstraint("singleton = 1", name="one_row"),
)
_pins = Table(
    "pins",
    metadata,
    Column("singleton", Integer, primary_key=True, autoincrement=False),
    Column("log_key", Text, nullable=False),
    Column("witness_policy", Text, nullable=False),
    Column("handed_over_by", String(32), nullable=False),
    Column("pinned_at", BigInteger, nullable=False),
    CheckConstraint("singleton = 1", name="one_row"),
)
_members = Table(
    "believed_members",
    metadata,
    Column("agency", String(32), primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("signing", LargeBinary(32), nullable=False),
    Column("sealing", LargeBinary(32), nullable=False),
    Column("earlier", LargeBinary, nullable=False),
    Column("believed_at", BigInteger, nullable=False),
)
_epochs = Table(
    "held_epochs",
    metadata,
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("envelope", LargeBinary, nullable=False),
    Column("publishing", Boolean, nullable=False),
    Column("held_at", BigInteger, nullable=False),
)
# The newest version of each partner's desk that was seen: an index cannot take one back.
_desks = Table(
    "seen_desks",
    metadata,
    Column("agency", String(32), primary_key=True),
    Column("desk", String(32), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("envelope", LargeBinary, nullable=False),
)
_own_desks = Table(
    "own_desks",
    metadata,
    Column("desk", String(32), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("envelope", LargeBinary, nullable=False),
    Column("acknowledged_at", BigInteger),
)
_directory = Table(
    "seen_directory",
    metadata,
    Column("singleton", Integer, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    CheckConstraint("singleton = 1", name="one_row"),
)


@dataclass(frozen=True, slots=True)
class EnrolmentRow:
    """That the index has taken our keys: `index_key` is what the enrolment code confirmed."""

    partnership: str
    agency: str
    role: AgencyRole
    index_key: bytes
    steward: str
    enrolled_at: int


@dataclass(frozen=True, slots=True)
class PinsRow:
    """The log's verifier key and the witness policy as they were handed over, and by whom."""

    log_key: str
    witness_policy: str
    handed_over_by: str
    pinned_at: int


@dataclass(frozen=True, slots=True)
class EpochRow:
    """An epoch that this connector holds the partnership key of."""

    descriptor: EpochDescriptor
    envelope: Envelope
    publishing: bool
    held_at: int

    @property
    def epoch(self) -> int:
        """The epoch's number."""
        return self.descriptor.epoch


@dataclass(frozen=True, slots=True)
class OwnDeskRow:
    """One of our own desks as last signed; `acknowledged_at` None until the index has taken it."""

    desk: Desk
    envelope: Envelope
    acknowledged_at: int | None


def enrolment(connection: Connection) -> EnrolmentRow | None:
    """Return the enrolment, or None before `enrol`."""
    row = connection.execute(select(_enrolment)).one_or_none()
    if row is None:
        return None
    return EnrolmentRow(
        row.partnership, row.agency, row.role, row.index_key, row.steward, row.enrolled_at
    )


def require_enrolment(connection: Connection) -> EnrolmentRow:
    """Return the enrolment; OperatorError, saying how to enrol, if there is none."""
    row = enrolment(connection)
    if row is None:
        raise OperatorError(
            "this agency is not enrolled at the index yet: get a one-time code from the steward "
            "and run `agency-connector enrol`"
        )
    return row


def keep_enrolment(connection: Connection, row: EnrolmentRow) -> None:
    """Keep the enrolment in the place of an earlier one."""
    connection.execute(delete(_enrolment))
    connection.execute(
        insert(_enrolment).values(
            singleton=1,
            partnership=row.partnership,
            agency=row.agency,
            role=row.role,
            index_key=row.index_key,
            steward=row.steward,
            enrolled_at=row.enrolled_at,
        )
    )


def pins(connection: Connection) -> PinsRow | None:
    """Return the pinned log key and witness policy, or None before the first hand-over."""
    row = connection.execute(select(_pins)).one_or_none()
    if row is None:
        return None
    return PinsRow(row.log_key, row.witness_policy, row.handed_over_by, row.pinned_at)


def keep_pins(connection: Connection, row: PinsRow) -> None:
    """Pin the log key and the witness policy in the place of earlier ones."""
    connection.execute(delete(_pins))
    connection.execute(
        insert(_pins).values(
            singleton=1,
            log_key=row.log_key,
            witness_policy=row.witness_policy,
            handed_over_by=row.handed_over_by,
            pinned_at=row.pinned_at,
        )
    )


def members(connection: Connection) -> Mapping[str, KnownMember]:
    """Return the members whose keys are believed, by agency."""
    rows = connection.execute(select(_members).order_by(_members.c.agency))
    return {
        row.agency: KnownMember(
            agency=row.agency,
            name=row.name,
            role=row.role,
            keys=AgencyKeys(signing=b64u_encode(row.signing), sealing=b64u_encode(row.sealing)),
            earlier=msgspec.json.decode(row.earlier, type=tuple[EarlierKey, ...]),
        )
        for row in rows
    }


def believe(connection: Connection, believed: Mapping[str, KnownMember], now: int) -> None:
    """Keep `believed` as all the members whose keys are believed."""
    before = members(connection)
    for agency, member in believed.items():
        if before.get(agency) == member:
            continue
        connection.execute(delete(_members).where(_members.c.agency == agency))
        connection.execute(
            insert(_members).values(
                agency=agency,
                name=member.name,
                role=member.role,
                signing=b64u_decode(member.keys.signing, 32),
                sealing=b64u_decode(member.keys.sealing, 32),
                earlier=msgspec.json.encode(member.earlier),
                believed_at=now,
            )
        )
    for agency in before.keys() - believed.keys():
        connection.execute(delete(_members).where(_members.c.agency == agency))


def epochs(connection: Connection) -> tuple[EpochRow, ...]:
    """Return the epochs that are held, in their order."""
    rows = connection.execute(select(_epochs).order_by(_epochs.c.epoch))
    return tuple(
        EpochRow(
            documents.claimed(envelope := _envelope(row.envelope), EpochDescriptor),
            envelope,
            row.publishing,
            row.held_at,
        )
        for row in rows
    )


def hold_epoch(connection: Connection, epoch: int, envelope: Envelope, now: int) -> None:
    """Keep the descriptor of `epoch`; its signature has been checked, its key is in the keyring."""
    connection.execute(delete(_epochs).where(_epochs.c.epoch == epoch))
    connection.execute(
        insert(_epochs).values(
            epoch=epoch, envelope=canonical.encode(envelope), publishing=False, held_at=now
        )
    )


def publish_in(connection: Connection, epoch: int | None) -> None:
    """Choose the epoch to publish in; None for the newest."""
    connection.execute(update(_epochs).values(publishing=_epochs.c.epoch == (epoch or 0)))


def forget_epoch(connection: Connection, epoch: int) -> None:
    """Hold `epoch` no longer."""
    connection.execute(delete(_epochs).where(_epochs.c.epoch == epoch))


def seen_desks(connection: Connection) -> Mapping[tuple[str, str], Envelope]:
    """Return the newest signed desk of each (agency, desk) that was ever verified."""
    rows = connection.execute(select(_desks).order_by(_desks.c.agency, _desks.c.desk))
    return {(row.agency, row.desk): _envelope(row.envelope) for row in rows}


def see_desk(connection: Connection, desk: Desk, envelope: Envelope) -> None:
    """Keep a verified desk in the place of its earlier version."""
    where = (_desks.c.agency == desk.agency) & (_desks.c.desk == desk.desk)
    connection.execute(delete(_desks).where(where))
    connection.execute(
        insert(_desks).values(
            agency=desk.agency,
            desk=desk.desk,
            version=desk.version,
            envelope=canonical.encode(envelope),
        )
    )


def own_desks(connection: Connection) -> tuple[OwnDeskRow, ...]:
    """Return our own desks as last signed."""
    rows = connection.execute(select(_own_desks).order_by(_own_desks.c.desk))
    return tuple(
        OwnDeskRow(
            documents.claimed(envelope := _envelope(row.envelope), Desk),
            envelope,
            row.acknowledged_at,
        )
        for row in rows
    )


def keep_own_desk(connection: Connection, row: OwnDeskRow) -> None:
    """Keep one of our own desks in the place of its earlier version."""
    connection.execute(delete(_own_desks).where(_own_desks.c.desk == row.desk.desk))
    connection.execute(
        insert(_own_desks).values(
            desk=row.desk.desk,
            version=row.desk.version,
            envelope=canonical.encode(row.envelope),
            acknowledged_at=row.acknowledged_at,
        )
    )


def seen_directory(connection: Connection) -> tuple[bytes, int] | None:
    """Return the directory's bytes as last fetched and when (ms UTC), or None."""
    row = connection.execute(select(_directory)).one_or_none()
    return None if row is None else (row.content, row.seen_at)


def keep_directory(connection: Connection, content: bytes, now: int) -> None:
    """Keep the directory's bytes in the place of earlier ones."""
    connection.execute(delete(_directory))
    connection.execute(insert(_directory).values(singleton=1, content=content, seen_at=now))


def _envelope(content: bytes) -> Envelope:
    return msgspec.json.decode(content, type=Envelope)
