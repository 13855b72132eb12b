"""Who somebody is once they have signed in: a stable name, a name for pages, and roles."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass


class Role(enum.Enum):
    """What a person may do in the pages; a person may have several."""

    OFFICER = "officer"
    DESK = "desk"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


class Way(enum.Enum):
    """How somebody signed in."""

    TOKEN = "local token"  # noqa: S105 - a name, no secret
    ACCOUNT = "local account"
    PROVIDER = "identity provider"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has signed in.

    `user` is stable and goes into the journal: a local name, or `<issuer>#<subject>`. `name` is for
    pages alone. `authenticated_at` (ms UTC) is when they last proved who they are; `acr` is how, in
    the identity provider's word. `managed_device`: the provider said that the device is managed.
    `credential` is what the database must still hold for the session to go on: the hash of a
    token, the version of an account, b"" for the provider.
    """

    user: str
    name: str
    given_name: str
    family_name: str
    roles: frozenset[Role]
    way: Way
    authenticated_at: int
    acr: str = ""
    managed_device: bool = False
    credential: bytes = b""


def in_order(roles: Iterable[Role]) -> tuple[Role, ...]:
    """Return the roles without doubles, in the order in which they are declared."""
    held = frozenset(roles)
    return tuple(role for role in Role if role in held)


def words(roles: Iterable[Role]) -> str:
    """Return the roles as words, such as `officer, desk`."""
    return ", ".join(role.value for role in in_order(roles))
