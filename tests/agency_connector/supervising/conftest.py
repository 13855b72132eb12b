"""A journal to supervise, on both databases, with checks as officers would have left them."""

import secrets
from dataclasses import dataclass

import pytest

from agency_connector.installation import Installation
from agency_connector.journal.journal import Journal
from agency_connector.journal.records import Asked, Beside, Typed
from agency_connector.supervising.reviewing import Brief, Supervision
from protocol.encoding import b64u_encode
from schemas.checks import TypedParticulars
from schemas.lookups import Breadth
from tests.agency_connector.bare import BareConnector
from tests.conftest import FakeClock

DAY_MS = 86_400_000


def asked(
    user: str = "pc-archer",
    full_name: str = "Shula Hebden",
    at: int = 0,
    case: str = "",
    breadth: Breadth = "narrow",
) -> Asked:
    """A check as it was begun."""
    return Asked(
        user=user,
        officer="A" * 22,
        purpose="safeguarding",
        typed=Typed(
            particulars=TypedParticulars(full_name=full_name, born="8 8 1958"), reason="Welfare"
        ),
        breadth=breadth,
        follows=None,
        particulars_salt="",
        sets=(),
        asked_at=at,
        beside=Beside(case_reference=case),
    )


def brief(number: int = 0, **told: object) -> Brief:
    """A check that nobody has opened."""
    return Brief(b64u_encode(bytes([number]) * 16), asked(**told))  # type: ignore[arg-type]  # a test's words


@dataclass
class Office:
    """One agency's connector, its journal, and what its supervisors do."""

    installation: Installation
    clock: FakeClock

    @property
    def work(self) -> Supervision:
        return Supervision(self.installation)

    def check(self, **told: object) -> str:
        """Make a check, now unless told otherwise; return its id."""
        number = secrets.token_bytes(16)
        begun = asked(**{"at": self.clock(), **told})  # type: ignore[arg-type]  # a test's words
        Journal.of(self.installation).begin(number, begun)
        return b64u_encode(number)


@pytest.fixture
def office(bare: BareConnector) -> Office:
    """An agency whose officers have checked nobody yet."""
    return Office(bare.opens("[supervision]\nsample_of_day = 2\n"), bare.clock)
