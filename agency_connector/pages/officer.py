"""The officers' pages: check a name, look wider, and someone has quoted a reference.

Every change is a POST that ends in a redirect to a page under a random id. No name stands in an
address or a title, and the page of a check is read from the journal, for its own officer alone.
"""

import re
import secrets
from typing import Final

import msgspec
from flask import Flask, Response, g, request

from agency_connector.installation import Installation
from agency_connector.lookups import asking, hours, partnership, resolving
from agency_connector.lookups.answer import LISTED, never_show_sentence
from agency_connector.lookups.errors import problem_of
from agency_connector.pages.access import Caller
from agency_connector.pages.forms import IDENTIFIER_KINDS, CheckForm, Wrong, field_of
from agency_connector.pages.screens import Screens, to
from agency_connector.pages.sessions import Session
from agency_connector.sign_in.kept_forms import KeptForm
from foundation.operator import OperatorError
from foundation.problems import Problem
from foundation.routes import Guard
from protocol.encoding import b64u_encode
from protocol.references import spoken
from schemas.checks import TypedParticulars, WiderRequest

_ID_BYTES: Final = 16
_ID: Final = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]")
_NEW_ID_FOR: Final = frozenset({"check-differs", "check-lapsed"})
_SEARCHED_FOR: Final = {
    "narrow": "People who are surely or probably the same",
    "wide": "Wider: people who may be the same",
}


class OfficerPages:
    """The views of one app."""

    def __init__(self, installation: Installation, screens: Screens) -> None:
        self._installation = installation
        self._screens = screens

    def serve(self, app: Flask, guard: Guard) -> None:
        """Register the pages."""
        for rule, method, may, view in (
            ("/", "GET", Caller.OFFICER, self.form),
            ("/checks", "POST", Caller.OFFICER, self.check),
            ("/checks/<check>", "GET", Caller.OFFICER, self.answer),
            ("/checks/<check>/wider", "POST", Caller.OFFICER, self.wider),
            ("/references", "GET", Caller.DESK, self.reference_form),
            ("/references", "POST", Caller.DESK, self.resolve),
            ("/references/<resolution>", "GET", Caller.DESK, self.resolved),
        ):
            guard.route(app, rule, (method,), may=may, endpoint=view.__name__)(view)

    def answer_problem(self, problem: Problem) -> Response:
        """Return a problem as a page."""
        return self._render("trouble.html", status=problem.status, problem=problem)

    def form(self) -> Response:
        """Show the form to check a name."""
        return self._check_form(CheckForm.empty(_new_id()))

    def form_again(self, kept: KeptForm) -> Response:
        """Show a form that was sent after the session had ended, as it was."""
        late = Wrong(
            "", "You were signed out before this was sent: nothing was checked. Send it now"
        )
        return self._check_form(CheckForm.of(kept.values).numbered(_new_id()), (late,))

    def check(self) -> Response:
        """Check the name and lead to the answer; the same form sent twice is one check."""
        sent = CheckForm.of(request.form)
        if not _ID.fullmatch(sent.values["check"]):
            sent = sent.numbered(_new_id())
        wrong = sent.wrong()
        if wrong:
            return self._check_form(sent, wrong, status=422)
        try:
            return self._checked(sent)
        except Problem as problem:
            if problem.code not in _NEW_ID_FOR:
                return self._failed_form(sent, problem)
        # The officer went back and changed the form, or comes late: that is a new check.
        renewed = sent.numbered(_new_id())
        try:
            return self._checked(renewed)
        except Problem as problem:
            return self._failed_form(renewed, problem)

    def answer(self, check: str) -> Response:
        """Show the answer of a check, from the journal."""
        told = asking.told_before(self._installation, _session().user, _known_id(check))
        if told is None:
            raise _nothing_there()
        return self._render(
            "answer.html",
            answer=told.answer,
            typed=told.particulars,
            checked=hours.clock_time(told.answer.checked_at, told.time_zone),
            wider_id=_new_id(),
            facts=_facts(told.particulars, self._purpose_words(told.purpose), told.answer.breadth),
            never_show_sentence=never_show_sentence,
            listed=LISTED,
        )

    def wider(self, check: str) -> Response:
        """Look wider and lead to the answer."""
        wider = request.form.get("check", "")
        try:
            asking.look_wider(
                self._installation,
                _session().user,
                WiderRequest(check=_known_id(wider), follows=_known_id(check)),
            )
        except OperatorError as error:
            raise problem_of(error) from error
        return to("answer", check=wider)

    def reference_form(self) -> Response:
        """Ask for the reference that was quoted."""
        return self._render("reference.html", holds_input=True, typed="", wrong="")

    def resolve(self) -> Response:
        """Resolve the reference and lead to what it is about."""
        typed = request.form.get("reference", "")[:100]
        try:
            answer = resolving.resolve(self._installation, _session().user, typed)
        except OperatorError as error:
            problem = problem_of(error)
            return self._render(
                "reference.html",
                status=problem.status,
                holds_input=True,
                typed=typed,
                wrong=problem.detail,
            )
        return to("resolved", resolution=answer.resolution)

    def resolved(self, resolution: str) -> Response:
        """Show what a quoted reference is about, from the journal."""
        user = _session().user
        answer = resolving.shown_before(self._installation, user, _known_id(resolution))
        if answer is None:
            raise _nothing_there()
        return self._render("resolved.html", answer=answer)

    def _checked(self, sent: CheckForm) -> Response:
        try:
            wanted = sent.request()
        except msgspec.ValidationError:
            raise Problem(
                422, "form", "This form is not one of this page's: open it anew."
            ) from None
        try:
            asking.check(self._installation, _session().user, wanted)
        except OperatorError as error:
            raise problem_of(error) from error
        return to("answer", check=wanted.check)

    def _failed_form(self, sent: CheckForm, problem: Problem) -> Response:
        wrong = Wrong(field_of(problem.detail), problem.detail)
        return self._check_form(sent, (wrong,), status=problem.status)

    def _check_form(
        self, sent: CheckForm, wrong: tuple[Wrong, ...] = (), status: int = 200
    ) -> Response:
        try:
            purposes = [(p.code, p.words) for p in partnership.purposes(self._installation)]
        except OperatorError as error:
            purposes = []
            wrong = (*wrong, Wrong("", problem_of(error).detail))
            status = status if status != 200 else problem_of(error).status
        first = {each.field: each.sentence for each in reversed(wrong) if each.field}
        return self._render(
            "check.html",
            status=status,
            holds_input=True,
            sent=sent.values,
            wrong=wrong,
            wrong_of=first,
            problems=[
                {"text": each.sentence, "href": f"#{each.field}" if each.field else None}
                for each in wrong
            ],
            complaint=lambda name: {"text": first[name]} if name in first else None,
            purposes=[{"value": code, "text": words} for code, words in purposes],
            number_kinds=[{"value": "", "text": "Choose"}]
            + [{"value": kind, "text": words} for kind, words in IDENTIFIER_KINDS.items()],
        )

    def _purpose_words(self, code: str) -> str:
        try:
            listed = partnership.seen(self._installation).purposes
        except OperatorError:
            return code
        return next((purpose.words for purpose in listed if purpose.code == code), code)

    def _render(
        self, template: str, *, status: int = 200, holds_input: bool = False, **values: object
    ) -> Response:
        return self._screens.render(
            template, status=status, holds_input=holds_input, spoken=spoken, **values
        )


def _facts(typed: TypedParticulars, purpose: str, breadth: str) -> list[dict[str, object]]:
    """Return the rows of what was checked, for a summary list."""
    told = [
        (
            "Name",
            typed.full_name or " ".join(filter(None, (typed.given, typed.middle, typed.family))),
        ),
        ("Date of birth", typed.born),
        ("Postcode", typed.postcode),
        *((IDENTIFIER_KINDS[number.kind], number.value) for number in typed.identifiers),
        ("Purpose", purpose),
        ("Searched for", _SEARCHED_FOR[breadth]),
    ]
    return [{"key": {"text": key}, "value": {"text": value}} for key, value in told if value]


def _session() -> Session:
    session: Session = g.principal
    return session


def _new_id() -> str:
    return b64u_encode(secrets.token_bytes(_ID_BYTES))


def _known_id(text: str) -> str:
    """Return `text` if it has the form of an id; otherwise there is nothing at this address."""
    if not _ID.fullmatch(text):
        raise _nothing_there()
    return text


def _nothing_there() -> Problem:
    return Problem(404, "not-found", "There is no such page, or it is another officer's.")
