"""Local accounts, the people who have signed in, and the trail of sign-ins."""

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    String,
    Table,
    delete,
    insert,
    select,
    update,
)

from agency_connector.database import metadata
from foundation.inserting import inserting

ID_BYTES = 16

accounts = Table(
    "accounts",
    metadata,
    Column("user_name", String(64), primary_key=True),
    Column("display_name", String(200), nullable=False),
    Column("given_name", String(200), nullable=False),
    Column("family_name", String(200), nullable=False),
    # Their words, with commas between them.
    Column("roles", String(100), nullable=False),
    # ISO 8601, or "" for never.
    Column("trained_on", String(10), nullable=False),
    Column("password_hash", String(300), nullable=False),
    # Sealed under the keyring's `accounts`, bound to the name.
    Column("code_secret", LargeBinary, nullable=False),
    # The last step whose code was taken: a code is good once.
    Column("code_step", BigInteger, nullable=False),
    # New with each change: what was started under another one is over.
    Column("version", LargeBinary(ID_BYTES), nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)
people = Table(
    "people",
    metadata,
    # HMAC-SHA256 of the stable name under the journal's key.
    Column("person_id", LargeBinary(32), primary_key=True),
    Column("known", LargeBinary, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)
events = Table(
    "sign_in_events",
    metadata,
    Column("number", Integer, primary_key=True),
    # What the record is bound to when it is sealed.
    Column("event_id", LargeBinary(ID_BYTES), nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
    Column("told", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRow:
    """A local account as it is stored."""

    user_name: str
    display_name: str
    given_name: str
    family_name: str
    roles: str
    trained_on: str
    password_hash: str
    code_secret: bytes
    code_step: int
    version: bytes
    changed_at: int


def add(connection: Connection, row: AccountRow) -> bool:
    """Add an account; False if there is one of this name."""
    added = connection.execute(
        inserting(connection, accounts)
        .values(**_values(row))
        .on_conflict_do_nothing(index_elements=[accounts.c.user_name])
        .returning(accounts.c.user_name)
    )
    return added.first() is not None


def change(connection: Connection, row: AccountRow) -> None:
    """Replace an account's row."""
    this = accounts.c.user_name == row.user_name
    connection.execute(update(accounts).where(this).values(**_values(row)))


def remove(connection: Connection, user: str) -> bool:
    """Remove an account; False if there is none of this name."""
    removed = connection.execute(
        delete(accounts).where(accounts.c.user_name == user).returning(accounts.c.user_name)
    )
    return removed.first() is not None


def find(connection: Connection, user: str) -> AccountRow | None:
    """Return the account of this name, or None."""
    found = connection.execute(select(accounts).where(accounts.c.user_name == user)).one_or_none()
    return None if found is None else AccountRow(**found._mapping)


def every_account(connection: Connection) -> tuple[AccountRow, ...]:
    """Return all accounts by name."""
    rows = connection.execute(select(accounts).order_by(accounts.c.user_name))
    return tuple(AccountRow(**row._mapping) for row in rows)


def version_of(connection: Connection, user: str) -> bytes | None:
    """Return the version of the account of this name, or None."""
    found = select(accounts.c.version).where(accounts.c.user_name == user)
    version: bytes | None = connection.execute(found).scalar_one_or_none()
    return version


def use_step(connection: Connection, user: str, step: int) -> bool:
    """Take note that the code of `step` was used; False if it or a later one was used before."""
    used = connection.execute(
        update(accounts)
        .where(accounts.c.user_name == user, accounts.c.code_step < step)
        .values(code_step=step)
        .returning(accounts.c.user_name)
    )
    return used.first() is not None


def put_person(connection: Connection, person: bytes, known: bytes, now: int) -> None:
    """Keep what is known of a person in the place of what was known before."""
    values = {"known": known, "seen_at": now}
    connection.execute(
        inserting(connection, people)
        .values(person_id=person, **values)
        .on_conflict_do_update(index_elements=[people.c.person_id], set_=values)
    )


def known(connection: Connection, person: bytes) -> bytes | None:
    """Return what is known of a person, sealed, or None."""
    found = select(people.c.known).where(people.c.person_id == person)
    told: bytes | None = connection.execute(found).scalar_one_or_none()
    return told


def everybody(connection: Connection) -> tuple[tuple[bytes, bytes], ...]:
    """Return the id of everybody who has signed in, with what is known of them, sealed."""
    rows = connection.execute(select(people.c.person_id, people.c.known).order_by(people.c.seen_at))
    return tuple((row.person_id, row.known) for row in rows)


def put_event(connection: Connection, event: bytes, at: int, told: bytes) -> None:
    """Add an event to the trail."""
    connection.execute(insert(events).values(event_id=event, at=at, told=told))


def events_since(connection: Connection, since: int, most: int) -> tuple[tuple[bytes, bytes], ...]:
    """Return id and sealed record of the last `most` events since then (ms UTC), oldest first."""
    last = select(events).where(events.c.at >= since).order_by(events.c.number.desc()).limit(most)
    rows = connection.execute(last).all()
    return tuple((row.event_id, row.told) for row in reversed(rows))


def _values(row: AccountRow) -> dict[str, object]:
    return {name: getattr(row, name) for name in AccountRow.__slots__}
