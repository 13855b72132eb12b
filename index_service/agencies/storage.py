"""Agencies, their keys and their one-time enrolment codes in the index's database."""

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    LargeBinary,
    String,
    Table,
    insert,
    select,
    update,
)

from index_service.database import metadata
from index_service.revision import move_on
from protocol.encoding import b64u_decode
from protocol.fingerprints import key_id
from schemas.agencies import AgencyKeys, AgencyRole, AgencyStatus

agencies = Table(
    "agencies",
    metadata,
    Column("agency", String(32), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("role", String(8), nullable=False),
    Column("status", String(10), nullable=False),
    Column("registered_at", BigInteger, nullable=False),
)

agency_keys = Table(
    "agency_keys",
    metadata,
    Column("key_id", String(22), primary_key=True),
    Column("agency", String(32), ForeignKey("agencies.agency"), nullable=False, index=True),
    Column("signing", String(43), nullable=False),
    Column("sealing", String(43), nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("replaced_at", BigInteger),
)

enrolment_codes = Table(
    "enrolment_codes",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("agency", String(32), ForeignKey("agencies.agency"), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_by", String(22)),
)


@dataclass(frozen=True, slots=True)
class AgencyRow:
    """An agency with its keys in force, if it has enrolled."""

    agency: str
    name: str
    role: AgencyRole
    status: AgencyStatus
    keys: AgencyKeys | None


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A one-time code: for whom, until when, and the key that used it."""

    agency: str
    expires_at: int
    used_by: str | None


def add(connection: Connection, agency: str, name: str, role: AgencyRole, now: int) -> None:
    """Register an agency."""
    connection.execute(
        insert(agencies).values(
            agency=agency, name=name, role=role, status="active", registered_at=now
        )
    )
    move_on(connection)


def set_status(connection: Connection, agency: str, status: AgencyStatus) -> bool:
    """Suspend or resume an agency; return whether it was there."""
    changed = update(agencies).where(agencies.c.agency == agency).values(status=status)
    move_on(connection)
    return connection.execute(changed).rowcount > 0


def everyone(connection: Connection) -> tuple[AgencyRow, ...]:
    """Return all agencies, by id."""
    return _rows(connection)


def find(connection: Connection, agency: str) -> AgencyRow | None:
    """Return one agency, or None."""
    return next(iter(_rows(connection, agency)), None)


def _rows(connection: Connection, agency: str | None = None) -> tuple[AgencyRow, ...]:
    in_force = (agency_keys.c.agency == agencies.c.agency) & agency_keys.c.replaced_at.is_(None)
    query = (
        select(agencies, agency_keys.c.signing, agency_keys.c.sealing)
        .outerjoin(agency_keys, in_force)
        .order_by(agencies.c.agency)
    )
    if agency is not None:
        query = query.where(agencies.c.agency == agency)
    return tuple(
        AgencyRow(
            agency=row.agency,
            name=row.name,
            role=row.role,
            status=row.status,
            keys=row.signing and AgencyKeys(signing=row.signing, sealing=row.sealing),
        )
        for row in connection.execute(query)
    )


def put_keys(connection: Connection, agency: str, keys: AgencyKeys, now: int) -> None:
    """Make `keys` those in force of `agency`; earlier ones stay, marked as replaced."""
    in_force = (agency_keys.c.agency == agency) & agency_keys.c.replaced_at.is_(None)
    connection.execute(update(agency_keys).where(in_force).values(replaced_at=now))
    connection.execute(
        insert(agency_keys).values(
            key_id=key_id(b64u_decode(keys.signing, 32)),
            agency=agency,
            signing=keys.signing,
            sealing=keys.sealing,
            since=now,
        )
    )
    move_on(connection)


def is_key_known(connection: Connection, key: str) -> bool:
    """Return whether any agency has or had a signing key with this id."""
    known = select(agency_keys.c.key_id).where(agency_keys.c.key_id == key)
    return connection.execute(known).first() is not None


def add_code(connection: Connection, digest: bytes, agency: str, expires_at: int) -> None:
    """Keep the SHA-256 of a one-time code for `agency`."""
    connection.execute(
        insert(enrolment_codes).values(digest=digest, agency=agency, expires_at=expires_at)
    )


def find_code(connection: Connection, digest: bytes) -> CodeRow | None:
    """Return what is known of a code by its SHA-256, or None."""
    found = select(enrolment_codes).where(enrolment_codes.c.digest == digest)
    row = connection.execute(found).one_or_none()
    return None if row is None else CodeRow(row.agency, row.expires_at, row.used_by)


def use_code(connection: Connection, digest: bytes, key: str) -> bool:
    """Mark a code as used by `key`; False if somebody used it in between."""
    unused = (enrolment_codes.c.digest == digest) & enrolment_codes.c.used_by.is_(None)
    return (
        connection.execute(update(enrolment_codes).where(unused).values(used_by=key)).rowcount > 0
    )
