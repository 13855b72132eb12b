"""An officer of the police and the council's front desk, as tests let them talk."""

from dataclasses import dataclass, field
from typing import Any

import requests

from agency_connector.contacts import requests as contacts
from agency_connector.contacts.contact import Contact, NewContact, NewStep
from agency_connector.contacts.exchange import Exchanged, exchange
from agency_connector.installation import Installation
from schemas.contacts import ContactStep, CrimeAnswer
from tests.agency_connector.lookups.county import OFFICER, County, new_id

TEXT = "Please phone me before ten about the visit.\nQuincunx Lane, blue door."
NAME = "PC Archibald Archer"
PHONE = "01632 960123"
CLERK = "jo"
NO_CRIME = CrimeAnswer(disclosed=False, reference=None, recorded_by=None)
A_CRIME = CrimeAnswer(disclosed=True, reference="CR/2026/778", recorded_by=None)


@dataclass
class Talk:
    """One check, and one request about the reference that it gave out."""

    town: County
    user: str = OFFICER
    check: str = ""
    reference: str = ""
    id: str = field(default_factory=new_id)

    def __post_init__(self) -> None:
        """Check the name."""
        if not self.check:
            answer = self.town.check(user=self.user)
            self.check, self.reference = answer.check, answer.involved[0].reference

    @property
    def police(self) -> Installation:
        return self.town.police

    @property
    def council(self) -> Installation:
        return self.town.connectors["council"]

    def new(self, **changed: Any) -> NewContact:
        told = {
            "id": self.id, "check": self.check, "reference": self.reference, "text": TEXT,
            "name": NAME, "phone": PHONE,
        }  # fmt: skip
        return NewContact(**{**told, **changed})

    def ask(self, **changed: Any) -> Contact:
        return contacts.ask(self.police, self.user, self.new(**changed))

    def answer(self, step: ContactStep, **told: Any) -> Contact:
        """Take a step at the council."""
        taken = NewStep(step=step, name="Jo Grundy", **told)
        return contacts.step(self.council, CLERK, self.id, taken)

    def say(self, step: ContactStep, **told: Any) -> Contact:
        """Take a step at the police."""
        return contacts.step(self.police, self.user, self.id, NewStep(step=step, name=NAME, **told))

    def at_police(self) -> Contact:
        """What the police have after an exchange."""
        exchange(self.police)
        return self.kept(self.police)

    def at_council(self) -> Contact:
        """What the council has after an exchange."""
        exchange(self.council)
        return self.kept(self.council)

    def kept(self, installation: Installation) -> Contact:
        found = contacts.find(installation, self.id)
        assert found is not None
        return found


def exchanged(installation: Installation) -> Exchanged:
    """Exchange, and return what was done."""
    return exchange(installation)


def cut(_: object) -> None:
    """A network that lets nothing through."""
    raise requests.exceptions.ConnectionError
