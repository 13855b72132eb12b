"""Supervisors, auditors and administrators, with accounts or an identity provider."""

import dataclasses
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import msgspec
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page

from agency_connector.app import create_app
from agency_connector.installation import Installation
from agency_connector.sign_in import accounts, codes
from agency_connector.sign_in.accounts import Credentials, Profile
from agency_connector.sign_in.roles import Role
from agency_connector.sign_in.routes import CLIENT_SECRET
from agency_connector.sign_in.settings import ProviderSettings, RolesSettings, SignInSettings
from tests.agency_connector.lookups.county import County
from tests.agency_connector.sign_in.identity_provider import (
    CALLBACK,
    CLIENT,
    SECRET,
    IdentityProvider,
    serving,
)
from tests.agency_connector.sign_in.people import PASSWORD
from tests.pages.accessible import WIDE
from tests.pages.conftest import serving as serving_pages

PEOPLE = {
    "kim": ("police", Role.SUPERVISOR, "Kim Oakley"),
    "ida": ("police", Role.ADMINISTRATOR, "Ida Thorne"),
    "ann": ("oversight", Role.AUDITOR, "Ann Fenn"),
    "bob": ("oversight", Role.AUDITOR, "Bob Hale"),
}


@dataclass
class Member:
    """Somebody at a browser of their own."""

    page: Page
    address: str

    def open(self, path: str) -> None:
        """Open a page."""
        self.page.goto(self.address + path)

    @property
    def heading(self) -> str:
        """What the page is called."""
        return self.page.locator("h1").inner_text()

    def press(self, name: str) -> None:
        """Press a button, and wait for what comes."""
        self.page.get_by_role("button", name=name).first.click()
        self.page.wait_for_load_state()


@dataclass
class Staff:
    """The agencies' pages, where people sign in, and the browsers at them."""

    county: County
    browser: Browser
    provider: IdentityProvider
    addresses: dict[str, str]
    secrets: dict[str, str]
    contexts: list[BrowserContext] = field(default_factory=list)

    def newcomer(self, agency: str) -> Member:
        """A browser at which nobody has signed in."""
        context = self.browser.new_context(viewport=WIDE)  # type: ignore[arg-type]  # a size
        context.set_default_timeout(15_000)
        self.contexts.append(context)
        return Member(context.new_page(), self.addresses[agency])

    def code(self, user: str) -> str:
        """The code that somebody's phone shows; a minute passes, since each is good once."""
        self.county.clock.advance(60_000)
        return codes.code_at(self.secrets[user], self.county.clock())

    def signed_in(self, user: str) -> Member:
        """Somebody who has signed in with their account."""
        member = self.newcomer(PEOPLE[user][0])
        member.open("/sign-in")
        member.page.get_by_label("User name").fill(user)
        member.page.get_by_label("Password").fill(PASSWORD)
        member.page.get_by_label("Code").fill(self.code(user))
        member.press("Sign in")
        return member

    def through_the_provider(self, subject: str, *roles: str) -> Member:
        """Somebody who has signed in at the identity provider, with values of the roles claim."""
        self.provider.subject = subject
        name = {"name": subject.title(), "given_name": subject.title(), "family_name": "Fenn"}
        self.provider.claims = {"roles": list(roles), **name}
        member = self.newcomer("provider")
        member.open("/sign-in")
        member.page.get_by_role("button", name="Sign in with Borsetshire sign-in").click()
        member.page.wait_for_url("**/audits")
        return member


@contextmanager
def staffed(county: County, browser: Browser) -> Iterator[Staff]:
    """Yield the pages of the police and of the oversight panel, whose people sign in.

    The police's officers have checked a name three times, yesterday; the record has all of it.
    """
    oversight = county.join("oversight", role="auditor")
    for _ in range(3):
        county.check(user="pc-watched")
    county.clock.advance(86_400_000)
    county.number()
    made: dict[str, str] = {}
    for user, (agency, role, name) in PEOPLE.items():
        made[user] = codes.new_secret()
        given, family = name.split()
        profile = Profile(
            name=name, given_name=given, family_name=family, roles=frozenset({role}),
            trained_on=None,
        )  # fmt: skip
        accounts.add(
            county.connectors[agency], Credentials(user, PASSWORD, made[user]), profile, "it"
        )
    provider = IdentityProvider(county.clock)
    with serving(provider):
        oversight.keyring.put(CLIENT_SECRET, SECRET.encode())
        by_account = SignInSettings(accounts=True)
        with (
            serving_pages(_app(county.police, lambda _: by_account)) as police,
            serving_pages(_app(oversight, lambda _: by_account)) as panel,
            serving_pages(_app(oversight, lambda at: _by(provider, at))) as elsewhere,
        ):
            addresses = {"police": police, "oversight": panel, "provider": elsewhere}
            yield Staff(county, browser, provider, addresses, made)


def _app(
    installation: Installation, sign_in: Callable[[str], SignInSettings]
) -> Callable[[str], Flask]:
    def make(address: str) -> Flask:
        settings = msgspec.structs.replace(installation.settings, sign_in=sign_in(address))
        return create_app(dataclasses.replace(installation, settings=settings))

    return make


def _by(provider: IdentityProvider, address: str) -> SignInSettings:
    provider.callback = address + CALLBACK.removeprefix("http://127.0.0.1:8300")
    provider.metadata["end_session_endpoint"] = f"{provider.address}/end"
    return SignInSettings(
        address=address,
        provider=ProviderSettings(
            name="Borsetshire sign-in",
            issuer=provider.address,
            client_id=CLIENT,
            amr=("otp",),
            roles=RolesSettings(auditor=("IFI auditors",)),
        ),
    )


def ground() -> str:
    """A complaint's reference, another each time."""
    return f"Complaint {secrets.randbelow(10_000)}/2026"
