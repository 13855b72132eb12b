"""The officers' pages: sign in, check a name, look wider, and someone has quoted a reference.

Every change is a POST that ends in a redirect to a page under a random id. No name stands in an
address or a title, and the page of a check is read from the journal, for its own officer alone.
"""

import re
import secrets
from importlib import resources
from typing import Any, Final

import msgspec
from flask import Flask, Response, g, redirect, request, url_for
from jinja2 import PackageLoader
from werkzeug.wrappers import Response as BaseResponse

from agency_connector.alarms import showing
from agency_connector.installation import Installation
from agency_connector.lookups import asking, hours, partnership, resolving
from agency_connector.lookups.answer import LISTED, never_show_sentence
from agency_connector.lookups.errors import problem_of
from agency_connector.pages import local_users
from agency_connector.pages.access import Access, Caller
from agency_connector.pages.forms import IDENTIFIER_KINDS, CheckForm, Wrong, field_of
from agency_connector.pages.sessions import Session, Sessions
from foundation.database import StorageUnavailable
from foundation.operator import OperatorError
from foundation.pages import Pages
from foundation.problems import Problem
from foundation.routes import Guard
from protocol.encoding import b64u_encode
from protocol.references import spoken
from schemas.checks import TypedParticulars, WiderRequest

SERVICE: Final = "Check a name"
_ID_BYTES: Final = 16
_ID: Final = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]")
_NEW_ID_FOR: Final = frozenset({"check-differs", "check-lapsed"})
_SEE_OTHER: Final = 303
_SEARCHED_FOR: Final = {
    "narrow": "People who are surely or probably the same",
    "wide": "Wider: people who may be the same",
}


def new_pages(installation: Installation) -> Pages:
    """Return the renderer of this connector's templates."""
    return Pages(
        PackageLoader("agency_connector.pages"),
        service=SERVICE,
        organisation=installation.settings.agency.name,
        styles=resources.files("agency_connector.pages").joinpath("pages.css").read_text("utf-8"),
    )


class OfficerPages:
    """The views of one app."""

    def __init__(
        self, installation: Installation, access: Access, sessions: Sessions, pages: Pages
    ) -> None:
        self._installation = installation
        self._access = access
        self._sessions = sessions
        self._pages = pages

    def serve(self, app: Flask, guard: Guard) -> None:
        """Register the pages."""
        self._pages.serve(app, guard, may=Caller.NEWCOMER)
        for rule, method, may, view in (
            ("/sign-in", "GET", Caller.NEWCOMER, self.sign_in_form),
            ("/sign-in", "POST", Caller.NEWCOMER, self.sign_in),
            ("/sign-out", "POST", Caller.OFFICER, self.sign_out),
            ("/", "GET", Caller.OFFICER, self.form),
            ("/checks", "POST", Caller.OFFICER, self.check),
            ("/checks/<check>", "GET", Caller.OFFICER, self.answer),
            ("/checks/<check>/wider", "POST", Caller.OFFICER, self.wider),
            ("/references", "GET", Caller.OFFICER, self.reference_form),
            ("/references", "POST", Caller.OFFICER, self.resolve),
            ("/references/<resolution>", "GET", Caller.OFFICER, self.resolved),
        ):
            guard.route(app, rule, (method,), may=may, endpoint=view.__name__)(view)

    def answer_problem(self, problem: Problem) -> Response:
        """Return a problem as a page; for want of a session, the way to sign in."""
        if problem.code == "sign-in":
            return _to("sign_in_form")
        return self._render("trouble.html", status=problem.status, problem=problem)

    def sign_in_form(self) -> Response:
        """Ask for the local token."""
        return self._render("sign_in.html", wrong="")

    def sign_in(self) -> Response:
        """Start a session for whoever has a local token."""
        token_hash = local_users.hash_of(request.form.get("token", "").strip())
        user = local_users.user_of(self._installation, token_hash)
        if user is None:
            return self._render(
                "sign_in.html", status=403, wrong="This token is not one of this connector's"
            )
        self._sessions.end(request.cookies.get(self._access.cookie, ""))
        response = _to("form")
        response.set_cookie(
            self._access.cookie,
            self._sessions.start(user, token_hash),
            httponly=True,
            samesite="Strict",
            path="/",
        )
        return response

    def sign_out(self) -> Response:
        """End the session."""
        self._sessions.end(request.cookies.get(self._access.cookie, ""))
        response = _to("sign_in_form")
        response.delete_cookie(self._access.cookie, path="/", httponly=True, samesite="Strict")
        return response

    def form(self) -> Response:
        """Show the form to check a name."""
        return self._check_form(CheckForm.empty(_new_id()))

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
        return _to("answer", check=wider)

    def reference_form(self) -> Response:
        """Ask for the reference that was quoted."""
        return self._render("reference.html", typed="", wrong="")

    def resolve(self) -> Response:
        """Resolve the reference and lead to what it is about."""
        typed = request.form.get("reference", "")[:100]
        try:
            answer = resolving.resolve(self._installation, _session().user, typed)
        except OperatorError as error:
            problem = problem_of(error)
            return self._render(
                "reference.html", status=problem.status, typed=typed, wrong=problem.detail
            )
        return _to("resolved", resolution=answer.resolution)

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
        return _to("answer", check=wanted.check)

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

    def _render(self, template: str, *, status: int = 200, **values: object) -> Response:
        return self._pages.render(
            template,
            status=status,
            session=self._access.session(),
            spoken=spoken,
            here=request.endpoint,
            standing_alarms=self._alarms(),
            **values,
        )

    def _alarms(self) -> tuple[str, ...]:
        try:
            return tuple(alarm.sentence for alarm in showing.standing(self._installation))
        except StorageUnavailable:
            # A page that says what is wrong with the database must not fail for want of it.
            return ("the alarms cannot be read, because the connector's database cannot",)


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


def _to(endpoint: str, **values: Any) -> Response:
    response: BaseResponse = redirect(url_for(endpoint, **values), _SEE_OTHER)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "same-origin"
    return response  # type: ignore[return-value]  # Flask makes its own Response


def _new_id() -> str:
    return b64u_encode(secrets.token_bytes(_ID_BYTES))


def _known_id(text: str) -> str:
    """Return `text` if it has the form of an id; otherwise there is nothing at this address."""
    if not _ID.fullmatch(text):
        raise _nothing_there()
    return text


def _nothing_there() -> Problem:
    return Problem(404, "not-found", "There is no such page, or it is another officer's.")
