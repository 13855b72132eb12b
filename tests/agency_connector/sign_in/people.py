"""People with local accounts, and how they sign in as a browser does."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from agency_connector.installation import Installation
from agency_connector.sign_in import accounts, codes, passwords
from agency_connector.sign_in.accounts import Credentials, Profile
from agency_connector.sign_in.roles import Role
from tests.agency_connector.pages.browser import forms

PASSWORD = "three words do well"
REAL_HASHER = passwords._HASHER


@contextmanager
def hashing(hasher: PasswordHasher) -> Iterator[None]:
    """Hash passwords with `hasher` until the end of the block."""
    before = passwords._HASHER
    passwords._HASHER = hasher  # type: ignore[misc]  # a constant of the product
    passwords._hash_of_nobody.cache_clear()
    try:
        yield
    finally:
        passwords._HASHER = before  # type: ignore[misc]  # as above
        passwords._hash_of_nobody.cache_clear()


def cheap_hasher() -> PasswordHasher:
    """Argon2id too, with so little work that hundreds of sign-ins take no time."""
    return PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@dataclass
class Somebody:
    """A person with a local account, and their browser."""

    app: Flask
    installation: Installation
    user: str
    secret: str
    client: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.app.test_client()

    def code(self) -> str:
        """The code that their phone shows now."""
        return codes.code_at(self.secret, self.installation.clock())

    def sign_in(self, **changed: str) -> TestResponse:
        """Sign in, with something else typed if wanted."""
        typed = {"user_name": self.user, "password": PASSWORD, "code": self.code(), **changed}
        return self.client.post("/sign-in", data=typed)

    def csrf(self) -> str:
        """The form token of their session."""
        return next(iter(forms(self.client.get("/session")).values()))["csrf"]


def somebody(
    app: Flask,
    installation: Installation,
    user: str = "pc-archer",
    *roles: Role,
    trained_on: date | None = None,
) -> Somebody:
    """Add an account."""
    secret = codes.new_secret()
    profile = Profile(
        name=f"{user} Archer", given_name=user, family_name="Archer",
        roles=frozenset(roles or {Role.OFFICER}), trained_on=trained_on,
    )  # fmt: skip
    accounts.add(installation, Credentials(user, PASSWORD, secret), profile, "it")
    return Somebody(app, installation, user, secret)
