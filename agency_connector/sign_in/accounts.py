"""Local accounts, for a small agency and the demo: a password and a code from a phone."""

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import msgspec

from agency_connector.installation import Installation
from agency_connector.journal.sealing import JournalSeal
from agency_connector.sign_in import codes, passwords, storage, trail
from agency_connector.sign_in.roles import Person, Role, Way, words
from agency_connector.sign_in.storage import AccountRow
from agency_connector.sign_in.trail import Event, Kind
from foundation.operator import OperatorError

ACCOUNTS: Final = "accounts"
"""The keyring's secret that seals the accounts' code secrets."""

_KEY_BYTES: Final = 32
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_LONGEST_NAME: Final = 200
_NEVER_USED: Final = -1


class _Secret(msgspec.Struct, frozen=True):
    """A code secret as it is sealed."""

    code_secret: str

    def __repr__(self) -> str:
        return "_Secret(<sealed>)"


@dataclass(frozen=True, slots=True)
class Profile:
    """What an account says of its person. `trained_on` is None for never."""

    name: str
    given_name: str
    family_name: str
    roles: frozenset[Role]
    trained_on: date | None


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """What is needed to sign in: told once, kept nowhere in clear."""

    user: str
    password: str
    code_secret: str


@dataclass(frozen=True, slots=True)
class Account:
    """An account as a list shows it."""

    user: str
    profile: Profile
    changed_at: int


def add(installation: Installation, made: Credentials, profile: Profile, by: str) -> None:
    """Add an account; OperatorError if there is one of this name, or something does not fit."""
    _require_profile(profile)
    passwords.require_fit(made.password)
    if not _NAME.fullmatch(made.user):
        raise OperatorError(
            "the name of an account has 1 to 64 of a-z, 0-9 and ._- and begins with a letter or "
            "digit: choose another"
        )
    row = AccountRow(
        user_name=made.user,
        display_name=profile.name,
        given_name=profile.given_name,
        family_name=profile.family_name,
        roles=words(profile.roles),
        trained_on=_iso(profile.trained_on),
        password_hash=passwords.hash_of(made.password),
        code_secret=_sealed(installation, made),
        code_step=_NEVER_USED,
        version=secrets.token_bytes(storage.ID_BYTES),
        changed_at=installation.clock(),
    )
    with installation.database.write() as connection:
        if not storage.add(connection, row):
            raise OperatorError(
                f"there is an account {made.user} already: `account reset` renews it"
            )
        trail.note(installation, connection, _event(installation, "account-added", row, by))


def reset(installation: Installation, made: Credentials, by: str) -> None:
    """Give an account another password and code secret; its sessions end."""
    passwords.require_fit(made.password)
    row = _require(installation, made.user)
    changed = replace(
        row,
        password_hash=passwords.hash_of(made.password),
        code_secret=_sealed(installation, made),
        code_step=_NEVER_USED,
    )
    _change(installation, changed, "account-reset", by)


def change(installation: Installation, user: str, profile: Profile, by: str) -> None:
    """Give an account another profile; its sessions end."""
    _require_profile(profile)
    row = _require(installation, user)
    changed = replace(
        row,
        display_name=profile.name,
        given_name=profile.given_name,
        family_name=profile.family_name,
        roles=words(profile.roles),
        trained_on=_iso(profile.trained_on),
    )
    before = "" if row.roles == changed.roles else f"before: {row.roles}"
    _change(installation, changed, "roles-changed", by, before)


def remove(installation: Installation, user: str, by: str) -> None:
    """Remove an account; its sessions end. OperatorError if there is none."""
    row = _require(installation, user)
    with installation.database.write() as connection:
        storage.remove(connection, user)
        trail.note(installation, connection, _event(installation, "account-removed", row, by))


def every_account(installation: Installation) -> tuple[Account, ...]:
    """Return all accounts by name."""
    with installation.database.read() as connection:
        rows = storage.every_account(connection)
    return tuple(Account(row.user_name, _profile(row), row.changed_at) for row in rows)


def find(installation: Installation, user: str) -> Account:
    """Return an account; OperatorError if there is none."""
    row = _require(installation, user)
    return Account(row.user_name, _profile(row), row.changed_at)


def version_of(installation: Installation, user: str) -> bytes | None:
    """Return the version of an account, which is another after each change; None without one."""
    with installation.database.read() as connection:
        return storage.version_of(connection, user)


def current_code(installation: Installation, user: str) -> str:
    """Return the code of this moment; for the demo, whose people have no phones."""
    row = _require(installation, user)
    return codes.code_at(_opened(installation, row), installation.clock())


def authenticate(
    installation: Installation, user: str, password: str, code: str
) -> tuple[Person, date | None] | None:
    """Return the person with their training date, or None if name, password or code is wrong.

    Whether there is such an account is told neither by the answer nor by the time it takes. A code
    is used up only together with the right password.
    """
    with installation.database.read() as connection:
        row = storage.find(connection, user)
    fits = passwords.fits(password, None if row is None else row.password_hash)
    if row is None or not fits:
        return None
    now = installation.clock()
    step = codes.step_of(_opened(installation, row), code, now)
    if step is None:
        return None
    with installation.database.write() as connection:
        if not storage.use_step(connection, user, step):
            return None
    profile = _profile(row)
    person = Person(
        user=row.user_name,
        name=profile.name,
        given_name=profile.given_name,
        family_name=profile.family_name,
        roles=profile.roles,
        way=Way.ACCOUNT,
        authenticated_at=now,
        credential=row.version,
    )
    return person, profile.trained_on


def _change(
    installation: Installation, row: AccountRow, kind: Kind, by: str, because: str = ""
) -> None:
    changed = replace(
        row, version=secrets.token_bytes(storage.ID_BYTES), changed_at=installation.clock()
    )
    with installation.database.write() as connection:
        storage.change(connection, changed)
        trail.note(installation, connection, _event(installation, kind, changed, by, because))


def _require(installation: Installation, user: str) -> AccountRow:
    with installation.database.read() as connection:
        row = storage.find(connection, user)
    if row is None:
        raise OperatorError("there is no account of this name: `account list` shows all")
    return row


def _require_profile(profile: Profile) -> None:
    for told in (profile.name, profile.given_name, profile.family_name):
        if not told.strip() or len(told) > _LONGEST_NAME or not told.isprintable():
            raise OperatorError(f"a person's name has 1 to {_LONGEST_NAME} characters: mend it")
    if not profile.roles:
        raise OperatorError("an account without a role can do nothing: name one or more")


def _profile(row: AccountRow) -> Profile:
    return Profile(
        name=row.display_name,
        given_name=row.given_name,
        family_name=row.family_name,
        roles=_roles(row.roles.split(", ")),
        trained_on=date.fromisoformat(row.trained_on) if row.trained_on else None,
    )


def _roles(told: Iterable[str]) -> frozenset[Role]:
    return frozenset(Role(word) for word in told)


def _iso(day: date | None) -> str:
    return "" if day is None else day.isoformat()


def _event(
    installation: Installation, kind: Kind, row: AccountRow, by: str, because: str = ""
) -> Event:
    return Event(
        at=installation.clock(),
        kind=kind,
        user=row.user_name,
        name=row.display_name,
        roles=row.roles,
        way=Way.ACCOUNT.value,
        because=because,
        by=by,
    )


def _sealed(installation: Installation, made: Credentials) -> bytes:
    installation.keyring.keep(ACCOUNTS, secrets.token_bytes(_KEY_BYTES))
    secret = _Secret(codes.require_secret(made.code_secret))
    return _seal(installation).seal("code-secret", made.user.encode(), secret)


def _opened(installation: Installation, row: AccountRow) -> str:
    if ACCOUNTS not in installation.keyring.names():
        # A command has made the first account since this process started.
        installation.keyring.refresh()
    seal = _seal(installation)
    return seal.open("code-secret", row.user_name.encode(), row.code_secret, _Secret).code_secret


def _seal(installation: Installation) -> JournalSeal:
    return JournalSeal(installation.keyring.get(ACCOUNTS))
