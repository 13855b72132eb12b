"""Fixtures of signing in: a connector whose settings say how, and a real identity provider."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask

from agency_connector.app import create_app
from agency_connector.database import LOCATION
from agency_connector.installation import Installation
from agency_connector.sign_in.routes import CLIENT_SECRET
from foundation.database import Database, migrate
from tests.agency_connector.bare import TOML, with_keys
from tests.agency_connector.sign_in.identity_provider import (
    CLIENT,
    SECRET,
    IdentityProvider,
    serving,
)
from tests.conftest import FakeClock


@dataclass
class Connector:
    """The police's connector, which nobody has enrolled yet; `installation` is its newest."""

    home: Path
    clock: FakeClock
    installation: Installation

    def set_up(self, toml: str = "") -> Installation:
        """Write `[sign_in]` into the settings and open the connector anew."""
        (self.home / "connector.toml").write_text(TOML + toml)
        self.installation.close()
        self.installation = Installation.open(self.home, clock=self.clock)
        return self.installation


@pytest.fixture(scope="session")
def fresh_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a fresh connector, which tests copy."""
    home = tmp_path_factory.mktemp("fresh") / "police"
    (home / "state").mkdir(parents=True)
    (home / "connector.toml").write_text(TOML)
    with_keys(home)
    database = Database(f"sqlite:///{home / 'state' / 'connector.db'}")
    migrate(database, LOCATION)
    database.close()
    return home


@pytest.fixture
def connector(tmp_path: Path, fresh_home: Path, clock: FakeClock) -> Iterator[Connector]:
    """A fresh connector."""
    shutil.copytree(fresh_home, tmp_path, dirs_exist_ok=True)
    made = Connector(tmp_path, clock, Installation.open(tmp_path, clock=clock))
    yield made
    made.installation.close()


@pytest.fixture
def by_accounts(connector: Connector) -> Flask:
    """The connector with local accounts, on this machine."""
    return create_app(connector.set_up("[sign_in]\naccounts = true\n"))


@pytest.fixture(scope="session")
def running_provider() -> Iterator[tuple[IdentityProvider, str]]:
    """A real identity provider, started once, and where it is."""
    with serving(IdentityProvider(FakeClock())) as served:
        yield served, served.address


@pytest.fixture
def provider(running_provider: tuple[IdentityProvider, str], clock: FakeClock) -> IdentityProvider:
    """The provider, honest and by the test's clock."""
    provider, address = running_provider
    provider.begin_anew(clock, address)
    return provider


@pytest.fixture
def by_provider(connector: Connector, provider: IdentityProvider) -> Callable[..., Flask]:
    """Makes the connector with the provider; further settings may be given."""

    def made(more_of_provider: str = "", more: str = "") -> Flask:
        installation = connector.set_up(
            f"""[sign_in]
address = "http://127.0.0.1:8300"
{more}
[sign_in.provider]
name = "Borsetshire sign-in"
issuer = "{provider.address}"
client_id = "{CLIENT}"
amr = ["otp", "hwk"]
{more_of_provider}
[sign_in.provider.roles]
officer = ["IFI officers"]
supervisor = ["IFI supervisors"]
"""
        )
        installation.keyring.put(CLIENT_SECRET, SECRET.encode())
        return create_app(installation)

    return made
