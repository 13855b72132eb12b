"""Ask them to phone me: the form beside a desk to phone, and an officer's own requests."""

from dataclasses import dataclass
from typing import Final

from flask import Flask, Response, request

from agency_connector.contacts import requests
from agency_connector.contacts.contact import Contact
from agency_connector.installation import Installation
from agency_connector.lookups import asking
from agency_connector.lookups.errors import problem_of
from agency_connector.pages import contact_words
from agency_connector.pages.access import Caller
from agency_connector.pages.contact_forms import RequestForm, StepForm, crime_choices
from agency_connector.pages.contact_words import Times
from agency_connector.pages.forms import Wrong
from agency_connector.pages.ids import is_id, known_id, new_id, nothing_there, signed_in
from agency_connector.pages.screens import Screens, to
from foundation.operator import OperatorError
from foundation.routes import Guard
from schemas.checks import Involved
from schemas.contacts import LONGEST_TEXT, ContactStep

_OWN_STEPS: Final[tuple[ContactStep, ...]] = ("spoken", "crime-answered")


@dataclass(frozen=True, slots=True)
class Line:
    """An officer's request where an answer or a list names it."""

    id: str
    partner: str
    tags: tuple[contact_words.Told, ...]
    asked: str


def lines_by_check(
    installation: Installation, user: str, since: int
) -> dict[tuple[str, str], Line]:
    """Return the officer's requests since then (ms UTC), by check and reference; the last counts.

    It is empty while they cannot be read: an answer is shown without them.
    """
    times = Times.of(installation)
    try:
        found = requests.sent_by(installation, user, since)
    except OperatorError:
        return {}
    return {
        (told.check or "", told.reference): Line(
            told.id, told.partner, contact_words.tags_of(told), times.said(told.asked_at)
        )
        for told in reversed(found)
    }


class AskToPhonePages:
    """The views of one app."""

    def __init__(self, installation: Installation, screens: Screens) -> None:
        self._installation = installation
        self._screens = screens

    def serve(self, app: Flask, guard: Guard) -> None:
        """Register the pages."""
        for rule, method, view in (
            ("/checks/<check>/requests/<number>", "GET", self.request_form),
            ("/checks/<check>/requests/<number>", "POST", self.ask_to_phone),
            ("/my-requests/<contact>", "GET", self.own_request),
            ("/my-requests/<contact>/steps", "POST", self.own_step),
        ):
            guard.route(app, rule, (method,), may=Caller.OFFICER, endpoint=view.__name__)(view)

    def request_form(self, check: str, number: str) -> Response:
        """Ask what they are to phone about."""
        return self._form(check, number, RequestForm(new_id(), "", ""))

    def ask_to_phone(self, check: str, number: str) -> Response:
        """Send the request and lead to it; the same form sent twice is one request."""
        sent = RequestForm.of(request.form)
        hit = self._hit(check, number)
        if not is_id(sent.request):
            sent = RequestForm(new_id(), sent.words, sent.phone)
        wrong = sent.wrong()
        if wrong:
            return self._form(check, number, sent, wrong, 422)
        session = signed_in()
        try:
            made = requests.ask(
                self._installation,
                session.user,
                sent.request_for(check, hit.reference, session.name),
            )
        except OperatorError as error:
            problem = problem_of(error)
            return self._form(check, number, sent, (Wrong("", problem.detail),), problem.status)
        return to("own_request", contact=made.id)

    def own_request(self, contact: str) -> Response:
        """Show how a request of the officer's stands."""
        return self._own(self._sent(contact), StepForm())

    def own_step(self, contact: str) -> Response:
        """Keep that they have spoken, or whether a crime was disclosed."""
        told, sent, session = self._sent(contact), StepForm.of(request.form), signed_in()
        wrong = sent.wrong(told.may & {*_OWN_STEPS})
        if wrong:
            return self._own(told, sent, wrong, 422)
        try:
            requests.step(self._installation, session.user, told.id, sent.taken(session.name))
        except OperatorError as error:
            problem = problem_of(error)
            return self._own(told, sent, (Wrong("", problem.detail),), problem.status)
        return to("own_request", contact=contact)

    def _hit(self, check: str, number: str) -> Involved:
        """Return the desk with this number, counted from 1, of the officer's own answer."""
        told = asking.told_before(self._installation, signed_in().user, known_id(check))
        if told is None or not (number.isascii() and number.isdigit() and len(number) <= 2):
            raise nothing_there()
        place = int(number) - 1
        if not 0 <= place < len(told.answer.involved):
            raise nothing_there()
        return told.answer.involved[place]

    def _sent(self, contact: str) -> Contact:
        found = requests.find(self._installation, known_id(contact))
        if found is None or not found.sent or found.user != signed_in().user:
            raise nothing_there()
        return found

    def _form(
        self, check: str, number: str, sent: RequestForm, wrong: tuple[Wrong, ...] = (),
        status: int = 200,
    ) -> Response:  # fmt: skip
        return self._screens.render(
            "request_form.html",
            status=status,
            holds_input=True,
            check=check,
            number=number,
            hit=self._hit(check, number),
            sent=sent,
            longest=LONGEST_TEXT,
            **complaints(wrong),
        )

    def _own(
        self, told: Contact, sent: StepForm, wrong: tuple[Wrong, ...] = (), status: int = 200
    ) -> Response:
        times = Times.of(self._installation)
        return self._screens.render(
            "own_request.html",
            status=status,
            holds_input=bool(wrong),
            told=told,
            tags=contact_words.tags_of(told),
            asked=times.said(told.asked_at),
            due=times.said(told.due_at) if told.due_at is not None else "",
            steps=contact_words.steps_of(told, times, self._installation.settings.agency.name),
            sent=sent,
            crime=crime_choices(closed=told.closed_at is not None),
            **complaints(wrong),
        )


def complaints(wrong: tuple[Wrong, ...]) -> dict[str, object]:
    """Return what a template needs to say what is wrong, at the top and beside the fields."""
    first = {each.field: each.sentence for each in reversed(wrong) if each.field}
    return {
        "wrong": wrong,
        "problems": [
            {"text": each.sentence, "href": f"#{each.field}" if each.field else None}
            for each in wrong
        ],
        "complaint": lambda name: {"text": first[name]} if name in first else None,
    }
