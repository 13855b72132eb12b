"""The police have looked somebody up whom the council has flagged, and may ask it to phone."""

import secrets
from dataclasses import dataclass, field, replace

import msgspec
import pytest

from index_service.app import create_app
from index_service.settings import LimitSettings
from protocol.contacts import signed_step, step_digest
from protocol.encoding import b64u_encode
from protocol.references import new_reference
from schemas import operations
from schemas.contacts import (
    NOT_A_CRIME_REPORT,
    ContactContents,
    ContactFetch,
    ContactInbox,
    ContactMark,
    ContactReply,
    ContactRequest,
    ContactSend,
    ContactStep,
    CrimeAnswer,
)
from schemas.envelopes import Envelope
from tests.index_service.partnership import DAY_MS, PARTNERSHIP, Agency, Partnership
from tests.index_service.publishing import OFFICER, flag, look_up, publish
from tests.protocol.signed_calls import Reply

MESSAGE = "Please phone me before ten. Zephyrine Quillfeather was seen at the harbour."
NAME = "Officer Amadeus Dibble"


def said(step: ContactStep) -> ContactContents:
    """What somebody seals in a step."""
    if step == "asked":
        return ContactRequest(
            notice=NOT_A_CRIME_REPORT,
            desk="front",
            text=MESSAGE,
            name=NAME,
            phone="01632 960123",
        )
    crime = CrimeAnswer(disclosed=True, reference=None, recorded_by="Sergeant Harbourmaster")
    return ContactReply(
        name="Mrs Peregrine",
        text="Because of leave",
        crime=crime if step == "crime-answered" else None,
    )


@dataclass
class Talk:
    """One contact request as both agencies step it."""

    asker: Agency
    holder: Agency
    reference: str
    request: str = field(default_factory=lambda: b64u_encode(secrets.token_bytes(16)))
    taken: list[Envelope] = field(default_factory=list)

    def made(self, step: ContactStep, by: Agency | None = None, **changed: object) -> ContactSend:
        """Return a step of `by`, the asker if it asks and otherwise the holder."""
        sender = by or (self.asker if step == "asked" else self.holder)
        other = self.holder if sender is self.asker else self.asker
        told: dict[str, object] = {
            "partnership": PARTNERSHIP,
            "agency": sender.name,
            "request": self.request,
            "number": len(self.taken),
            "previous": step_digest(self.taken[-1]) if self.taken else None,
            "step": step,
            "reference": self.reference,
            "recipient": other.name,
            "recipient_sealing": other.keys.sealing,
            "officer": OFFICER,
            "signed_at": sender.index.clock(),
            "key": sender.key,
        }
        return signed_step(said(step), **{**told, **changed})  # type: ignore[arg-type]  # a test's changes

    def send(self, step: ContactStep, by: Agency | None = None, **changed: object) -> Reply:
        """Take a step, and remember it if the index took it."""
        sender = by or (self.asker if step == "asked" else self.holder)
        message = self.made(step, by, **changed)
        reply = sender.call(operations.SEND_CONTACT, message)
        if reply.status == 200:
            self.taken.append(message.statement)
        return reply


@dataclass
class Scene:
    """Police who ask, a council that holds a flag, and a health trust that has no part in it."""

    partnership: Partnership
    police: Agency
    council: Agency
    health: Agency
    token: bytes

    def limit(self, limits: LimitSettings) -> None:
        """Serve the same index with other limits."""
        index = self.partnership.index
        changed = replace(index, settings=msgspec.structs.replace(index.settings, limits=limits))
        client = create_app(changed).test_client()
        for agency in (self.police, self.council, self.health):
            agency.index, agency.client = changed, client

    def reference(self, officer: str = OFFICER) -> str:
        """Return the reference that a lookup of the police got."""
        reply = look_up(self.police, self.token, officer=officer)
        reference: str = reply.content["shown"]["hits"][0]["reference"]
        return reference

    def talk(self) -> Talk:
        """Return a request that nobody has sent yet."""
        return Talk(self.police, self.council, self.reference())

    def guess(self) -> Talk:
        """Return one about a reference that was never given."""
        return Talk(self.police, self.council, new_reference())


def fetch(agency: Agency, *kept: tuple[str, int]) -> ContactInbox:
    """Fetch what waits, after saying what was kept."""
    marks = tuple(ContactMark(request=request, number=number) for request, number in kept)
    reply = agency.call(operations.FETCH_CONTACTS, ContactFetch(delivered=marks))
    assert reply.status == 200, reply.content
    return msgspec.convert(reply.content, ContactInbox)


@pytest.fixture
def scene(partnership: Partnership) -> Scene:
    """Three members in agreement, on the index of the test."""
    police = partnership.member("police")
    council = partnership.member("council", introducer=police)
    health = partnership.member("health", introducer=police)
    assert police.open_epoch(1).status == 200
    partnership.agree(police, council, health)
    token = secrets.token_bytes(16)
    ends_at = partnership.index.clock() + 90 * DAY_MS
    publish(council, flag(council, token, ends_at=ends_at))
    return Scene(partnership, police, council, health, token)
