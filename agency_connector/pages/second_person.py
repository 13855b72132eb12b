"""The second person of a complete scan, who signs in beside the first, for this one act."""

from typing import Final

from flask import request

from agency_connector.installation import Installation
from agency_connector.sign_in import accounts, trail
from agency_connector.sign_in.admission import NotAdmitted, require_admitted
from agency_connector.sign_in.roles import Person, Role, words
from agency_connector.sign_in.slowdown import SlowDown
from agency_connector.sign_in.trail import Event

_WRONG: Final = (
    "The second person's name, password or code is not right. A code is good once: wait for the "
    "next"
)


class NotTheSecond(Exception):
    """Whoever was named does not confirm this; the message is for the page."""


class SecondPerson:
    """Confirmations at one app, by local account."""

    def __init__(self, installation: Installation, slowdown: SlowDown) -> None:
        self._installation = installation
        self._settings = installation.settings.sign_in
        self._slowdown = slowdown

    @property
    def can_sign_in(self) -> bool:
        """Whether there are local accounts, so that a second person can prove here who they are."""
        return self._settings is not None and self._settings.accounts

    def confirm(self, first: str, typed_name: str) -> str:
        """Return the second person, an auditor too, by what they typed into the form at hand.

        NotTheSecond says why not. Each attempt that fails is in the trail.
        """
        if self._settings is None or not self._settings.accounts:
            raise NotTheSecond(
                "There are no local accounts here: ask another auditor to confirm it in a browser "
                "of their own"
            )
        name, address = typed_name.lower()[:100], request.remote_addr or ""
        if name == first:
            raise NotTheSecond(
                "This is your own account: a complete scan takes two people, and the second signs "
                "in with theirs"
            )
        if wait := self._slowdown.wait_ms(name, address):
            raise NotTheSecond(f"Too many attempts: wait {wait // 1000 + 1} seconds")
        found = accounts.authenticate(
            self._installation,
            name,
            request.form.get("password", ""),
            request.form.get("code", "")[:20],
        )
        if found is None:
            self._slowdown.failed(name, address)
            known = accounts.version_of(self._installation, name) is not None
            self._refused(name if known else "", "wrong-credentials-of-second")
            raise NotTheSecond(_WRONG)
        self._slowdown.succeeded(name, address)
        person, trained_on = found
        try:
            require_admitted(self._settings, person, trained_on, self._installation.clock())
        except NotAdmitted as error:
            self._refused(person.user, error.because, person)
            raise NotTheSecond(str(error).removesuffix(".")) from None
        if Role.AUDITOR not in person.roles:
            self._refused(person.user, "second-is-no-auditor", person)
            raise NotTheSecond("The second person needs the role auditor too")
        return person.user

    def _refused(self, user: str, because: str, person: Person | None = None) -> None:
        told = Event(
            at=self._installation.clock(),
            kind="refused",
            user=user,
            name="" if person is None else person.name,
            roles="" if person is None else words(person.roles),
            address=request.remote_addr or "",
            because=because,
        )
        trail.note_alone(self._installation, told)
