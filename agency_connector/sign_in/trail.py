"""The trail: each sign-in, refusal and change of roles, sealed like the journal and kept with it.

No password, code or token is ever part of it, and what somebody typed as a name only if it is the
name of an account.
"""

import hashlib
import hmac
import secrets
from typing import Final, Literal, get_args

import msgspec
from sqlalchemy import Connection

from agency_connector.installation import JOURNAL, Installation
from agency_connector.journal.sealing import JournalSeal
from agency_connector.sign_in import storage
from agency_connector.sign_in.roles import Person, words
from protocol.encoding import lp

Kind = Literal[
    "signed-in",
    "signed-in-again",
    "signed-out",
    "refused",
    "roles-changed",
    "account-added",
    "account-reset",
    "account-removed",
]
"""What happened, in one word; `refused` has the cause in `because`."""

KINDS: Final[tuple[str, ...]] = get_args(Kind)
LONGEST_READ: Final = 1_000


class Event(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One event. `user` is "" where nobody was known; `by` is the user of a command, else ""."""

    at: int
    kind: Kind
    user: str = ""
    name: str = ""
    roles: str = ""
    way: str = ""
    address: str = ""
    because: str = ""
    by: str = ""


class Known(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of somebody from their last sign-in."""

    user: str
    name: str
    given_name: str
    family_name: str
    roles: str

    def __repr__(self) -> str:
        return "Known(<sealed>)"


def note(installation: Installation, connection: Connection, event: Event) -> None:
    """Add an event to the trail, in the transaction of what it tells of."""
    number = secrets.token_bytes(storage.ID_BYTES)
    sealed = _seal(installation).seal("sign-in", number, event)
    storage.put_event(connection, number, event.at, sealed)


def note_alone(installation: Installation, event: Event) -> None:
    """Add an event to the trail in a transaction of its own."""
    with installation.database.write() as connection:
        note(installation, connection, event)


def note_sign_in(installation: Installation, person: Person, kind: Kind, address: str) -> None:
    """Keep that somebody signed in, what is known of them, and whether their roles are others."""
    now, roles = installation.clock(), words(person.roles)
    known = Known(
        user=person.user,
        name=person.name,
        given_name=person.given_name,
        family_name=person.family_name,
        roles=roles,
    )
    told = Event(
        at=now,
        kind=kind,
        user=person.user,
        name=person.name,
        roles=roles,
        way=person.way.value,
        address=address,
    )
    number, seal = _person_id(installation, person.user), _seal(installation)
    with installation.database.write() as connection:
        before = storage.known(connection, number)
        if before is not None:
            earlier = seal.open("person", number, before, Known).roles
            if earlier != roles:
                changed = msgspec.structs.replace(
                    told, kind="roles-changed", because=f"before: {earlier}"
                )
                note(installation, connection, changed)
        storage.put_person(connection, number, seal.seal("person", number, known), now)
        note(installation, connection, told)


def everybody(installation: Installation) -> tuple[Known, ...]:
    """Return everybody who has ever signed in to the pages, as they were last time."""
    seal = _seal(installation)
    with installation.database.read() as connection:
        rows = storage.everybody(connection)
    return tuple(seal.open("person", number, known, Known) for number, known in rows)


def name_of(installation: Installation, user: str) -> str:
    """Return the name for pages of a user of the journal; the stable name if none is known."""
    number = _person_id(installation, user)
    with installation.database.read() as connection:
        known = storage.known(connection, number)
    return user if known is None else _seal(installation).open("person", number, known, Known).name


def events(
    installation: Installation, since: int = 0, most: int = LONGEST_READ
) -> tuple[Event, ...]:
    """Return the last `most` events since `since` (ms UTC), oldest first."""
    seal = _seal(installation)
    with installation.database.read() as connection:
        rows = storage.events_since(connection, since, most)
    return tuple(seal.open("sign-in", number, told, Event) for number, told in rows)


def _seal(installation: Installation) -> JournalSeal:
    return JournalSeal(installation.keyring.get(JOURNAL))


def _person_id(installation: Installation, user: str) -> bytes:
    told = lp("ifi/1 person", user)
    return hmac.digest(installation.keyring.get(JOURNAL), told, hashlib.sha256)
