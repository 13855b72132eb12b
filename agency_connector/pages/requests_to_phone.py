"""Requests to phone: what waits at this agency's desks, whom each is about, and what is answered.

Whom a request is about is asked of the index once, when somebody opens it, which is recorded as any
quoted reference is; from then on the page is read from the journal.
"""

from dataclasses import dataclass

from flask import Flask, Response, request

from agency_connector.contacts import requests
from agency_connector.contacts.contact import Contact
from agency_connector.installation import Installation
from agency_connector.lookups import resolving
from agency_connector.lookups.answer import team
from agency_connector.lookups.errors import problem_of
from agency_connector.pages import contact_words
from agency_connector.pages.access import Caller
from agency_connector.pages.asking_to_phone import complaints
from agency_connector.pages.contact_forms import CLOSED_BY, CLOSING, StepForm, crime_choices
from agency_connector.pages.contact_words import Times
from agency_connector.pages.forms import Wrong
from agency_connector.pages.ids import known_id, nothing_there, signed_in
from agency_connector.pages.screens import Screens, to
from foundation.operator import OperatorError
from foundation.routes import Guard
from protocol.references import spoken
from schemas.checks import ResolveAnswer
from schemas.contacts import NOT_A_CRIME_REPORT

HOLDER_STEPS = frozenset({"will-phone", "crime-answered", *CLOSING})


@dataclass(frozen=True, slots=True)
class Line:
    """A request in the list: nothing in it tells whom it is about."""

    id: str
    partner: str
    desk: str
    asked: str
    due: str
    tags: tuple[contact_words.Told, ...]


class RequestPages:
    """The views of one app."""

    def __init__(self, installation: Installation, screens: Screens) -> None:
        self._installation = installation
        self._screens = screens

    def serve(self, app: Flask, guard: Guard) -> None:
        """Register the pages."""
        for rule, method, view in (
            ("/requests", "GET", self.requests_waiting),
            ("/requests/<contact>/open", "POST", self.request_open),
            ("/requests/<contact>", "GET", self.request_unresolved),
            ("/requests/<contact>/<resolution>", "GET", self.request_opened),
            ("/requests/<contact>/<resolution>/confirmed", "POST", self.request_confirmed),
            ("/requests/<contact>/steps", "POST", self.request_step),
        ):
            guard.route(app, rule, (method,), may=Caller.DESK, endpoint=view.__name__)(view)

    def requests_waiting(self) -> Response:
        """List what waits, the overdue first, and what is closed with its crime question open."""
        try:
            found = requests.received(self._installation)
            crimes = requests.crime_open(self._installation)
        except OperatorError as error:
            raise problem_of(error) from error
        times = Times.of(self._installation)
        return self._screens.render(
            "requests.html",
            waiting=[self._line(told, times) for told in contact_words.most_urgent_first(found)],
            crimes=[self._line(told, times) for told in crimes if not told.sent],
        )

    def request_open(self, contact: str) -> Response:
        """Find out whom the request is about, and lead to it."""
        told = self._received(contact)
        try:
            found = resolving.resolve(self._installation, signed_in().user, told.reference)
        except OperatorError as error:
            return self._page(told, None, unresolved=problem_of(error).detail)
        return to("request_opened", contact=contact, resolution=found.resolution)

    def request_unresolved(self, contact: str) -> Response:
        """Show a request before it is opened: who asks, and nothing of whom it is about."""
        return self._page(self._received(contact), None)

    def request_opened(self, contact: str, resolution: str) -> Response:
        """Show a request with the record that it is about."""
        told = self._received(contact)
        return self._page(told, self._resolved(told, resolution))

    def request_confirmed(self, contact: str, resolution: str) -> Response:
        """Keep that the asker, rung back, has confirmed whom they mean: the record is shown."""
        resolved = self._resolved(self._received(contact), resolution)
        resolving.confirm(self._installation, signed_in().user, resolved)
        return to("request_opened", contact=contact, resolution=resolution)

    def request_step(self, contact: str) -> Response:
        """Take a step, whether or not the record could be shown, and lead back to the request."""
        told, sent, session = self._received(contact), StepForm.of(request.form), signed_in()
        resolution = request.form.get("resolution", "")
        resolved = self._resolved(told, resolution) if resolution else None
        wrong = sent.wrong(told.may & HOLDER_STEPS)
        if wrong:
            return self._page(told, resolved, sent, wrong, 422)
        try:
            requests.step(self._installation, session.user, told.id, sent.taken(session.name))
        except OperatorError as error:
            problem = problem_of(error)
            return self._page(told, resolved, sent, (Wrong("", problem.detail),), problem.status)
        if resolved is None:
            return to("request_unresolved", contact=contact)
        return to("request_opened", contact=contact, resolution=resolution)

    def _received(self, contact: str) -> Contact:
        found = requests.find(self._installation, known_id(contact))
        if found is None or found.sent:
            raise nothing_there()
        return found

    def _resolved(self, told: Contact, resolution: str) -> ResolveAnswer:
        user = signed_in().user
        found = resolving.shown_before(self._installation, user, known_id(resolution))
        if found is None or found.reference != told.reference:
            raise nothing_there()
        return found

    def _page(
        self,
        told: Contact,
        resolved: ResolveAnswer | None,
        sent: StepForm | None = None,
        wrong: tuple[Wrong, ...] = (),
        status: int = 200,
        unresolved: str = "",
    ) -> Response:
        times = Times.of(self._installation)
        return self._screens.render(
            "request.html",
            status=status,
            holds_input=bool(wrong),
            told=told,
            reference=spoken(told.reference),
            desk=self._desk_name(told.desk),
            team=None if told.team is None else team(told.team, times.now),
            tags=contact_words.tags_of(told),
            asked=times.said(told.asked_at),
            due=times.said(told.due_at) if told.due_at is not None else "",
            steps=contact_words.steps_of(told, times, self._installation.settings.agency.name),
            not_a_crime_report=NOT_A_CRIME_REPORT,
            resolved=resolved,
            kept_back=resolved is not None and resolving.KEPT_BACK in resolved.sentences,
            unresolved=unresolved,
            sent=sent or StepForm(),
            crime=crime_choices(closed=told.closed_at is not None),
            closing=[
                {"value": step, "text": CLOSED_BY[step]} for step in CLOSING if step in told.may
            ],
            **complaints(wrong),
        )

    def _line(self, told: Contact, times: Times) -> Line:
        return Line(
            id=told.id,
            partner=told.partner,
            desk=self._desk_name(told.desk),
            asked=times.said(told.asked_at),
            due=times.said(told.due_at) if told.due_at is not None else "",
            tags=contact_words.tags_of(told),
        )

    def _desk_name(self, desk: str) -> str:
        listed = self._installation.settings.desks
        return next((one.name for one in listed if one.id == desk), desk)
