"""Check a name, read the answer, look wider.

Every change is a POST that ends in a redirect to a page under a random id. No name stands in an
address or a title, and the page of a check is read from the journal, for its own officer alone.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
from flask import Flask, Response, request

from agency_connector.installation import Installation
from agency_connector.justifying import checks
from agency_connector.justifying.checks import NEW_ID_FOR, JustificationFirst
from agency_connector.justifying.justifications import Justification, Justifications
from agency_connector.lookups import asking, hours, partnership
from agency_connector.lookups.errors import problem_of
from agency_connector.pages import answers
from agency_connector.pages.access import Caller
from agency_connector.pages.asking_to_phone import lines_by_check
from agency_connector.pages.forms import DETAILS, IDENTIFIER_KINDS, CheckForm, Wrong
from agency_connector.pages.ids import is_id, known_id, new_id, nothing_there, signed_in
from agency_connector.pages.remembered import Remembered
from agency_connector.pages.screens import Screens, to
from agency_connector.pages.unsearched import Unsearched, unsearched
from agency_connector.sign_in.kept_forms import KeptForm
from foundation.operator import OperatorError
from foundation.problems import Problem
from foundation.routes import Guard
from schemas.checks import WiderRequest

_NOBODY_ANSWERS: Final = 503


class CheckPages:
    """The views of one app."""

    def __init__(self, installation: Installation, screens: Screens) -> None:
        self._installation = installation
        self._screens = screens
        self._remembered = Remembered(installation.clock)

    def serve(self, app: Flask, guard: Guard) -> None:
        """Register the pages."""
        for rule, method, view in (
            ("/", "GET", self.form),
            ("/checks", "POST", self.check),
            ("/checks/<check>", "GET", self.answer),
            ("/checks/<check>/again", "GET", self.again),
            ("/checks/<check>/wider", "POST", self.wider),
        ):
            guard.route(app, rule, (method,), may=Caller.OFFICER, endpoint=view.__name__)(view)

    def form(self) -> Response:
        """Show the form to check a name."""
        return self._check_form(CheckForm.empty(new_id(), **self._remembered.of(signed_in().csrf)))

    def again(self, check: str) -> Response:
        """Show the form with the details of an earlier check, to mend them."""
        told = asking.told_before(self._installation, signed_in().user, known_id(check))
        if told is None or not answers.is_recent(told.asked_at, self._installation.clock()):
            raise nothing_there()
        kept = {"purpose": told.purpose, "case_reference": told.beside.case_reference}
        return self._check_form(CheckForm.about(new_id(), told.particulars, **kept))

    def form_again(self, kept: KeptForm) -> Response:
        """Show a form that was sent after the session had ended, as it was."""
        late = Wrong(
            "", "You were signed out before this was sent: nothing was checked. Send it now"
        )
        return self._check_form(CheckForm.of(kept.values).numbered(new_id()), (late,))

    def check(self) -> Response:
        """Check the name and lead to the answer; the same form sent twice is one check."""
        sent = CheckForm.of(request.form)
        if not is_id(sent.values["check"]):
            sent = sent.numbered(new_id())
        wrong = sent.wrong()
        if wrong:
            return self._check_form(sent, wrong, status=422)
        session = signed_in()
        self._remembered.keep(session.csrf, sent.values["purpose"], sent.values["case_reference"])
        try:
            return self._answered_or_asked(sent)
        except Problem as problem:
            if problem.code not in NEW_ID_FOR:
                return self._failed_form(sent, problem)
        # The officer went back and changed the form, or comes late: that is a new check.
        renewed = sent.numbered(new_id())
        try:
            return self._answered_or_asked(renewed)
        except Problem as problem:
            return self._failed_form(renewed, problem)

    def answer(self, check: str) -> Response:
        """Show the answer of a check, from the journal."""
        told = asking.told_before(self._installation, signed_in().user, known_id(check))
        if told is None:
            raise nothing_there()
        owed = [
            each for each in self._pending()
            if each.kind == "at-once" and each.about.wanted.check == check
        ]  # fmt: skip
        return self._screens.render(
            "answer.html",
            **answers.shown(self._installation, told),
            wider_id=new_id(),
            asked_to_phone=lines_by_check(self._installation, signed_in().user, told.asked_at),
            owed=self._owed(owed),
        )

    def wider(self, check: str) -> Response:
        """Look wider and lead to the answer."""
        wider = request.form.get("check", "")
        try:
            asking.look_wider(
                self._installation,
                signed_in().user,
                WiderRequest(check=known_id(wider), follows=known_id(check)),
            )
        except OperatorError as error:
            raise problem_of(error) from error
        return to("answer", check=wider)

    def _answered_or_asked(self, sent: CheckForm) -> Response:
        """Make the check, or ask for its justification first if it is drawn."""
        make = checks.check_at_once if sent.at_once else checks.check
        try:
            make(self._installation, signed_in().user, sent.request(), sent.beside())
        except JustificationFirst as error:
            return to("justification", justification=error.justification)
        except OperatorError as error:
            raise problem_of(error) from error
        except msgspec.ValidationError:
            raise Problem(
                422, "form", "This form is not one of this page's: open it anew."
            ) from None
        return to("answer", check=sent.values["check"])

    def _failed_form(self, sent: CheckForm, problem: Problem) -> Response:
        wrong = Wrong(sent.field_of(problem.detail), problem.detail)
        instead = None
        if problem.status == _NOBODY_ANSWERS:
            instead = unsearched(self._installation, sent.values["purpose"])
        return self._check_form(sent, (wrong,), status=problem.status, instead=instead)

    def _check_form(
        self,
        sent: CheckForm,
        wrong: tuple[Wrong, ...] = (),
        status: int = 200,
        instead: Unsearched | None = None,
    ) -> Response:
        try:
            purposes = [(p.code, p.words) for p in partnership.purposes(self._installation)]
        except OperatorError as error:
            purposes = []
            wrong = (*wrong, Wrong("", problem_of(error).detail))
            status = status if status != 200 else problem_of(error).status
        pending = self._pending()
        return self._screens.render(
            "check.html",
            status=status,
            holds_input=True,
            **form_values(sent.values, wrong, purposes),
            instead=instead,
            drawn=[each for each in pending if each.kind == "drawn"],
            owed=self._owed([each for each in pending if each.kind == "at-once"]),
        )

    def _pending(self) -> tuple[Justification, ...]:
        return Justifications(self._installation).pending(signed_in().user)

    def _owed(self, pending: list[Justification]) -> list[dict[str, object]]:
        if not pending:
            return []
        now = self._installation.clock()
        try:
            zone = partnership.time_zone(self._installation)
        except OperatorError:
            zone = "UTC"
        return [
            {
                "id": each.id,
                "asked": hours.day_and_time(each.asked_at, zone, now),
                "due": hours.day_and_time(each.due_at or 0, zone, now),
                "late": (each.due_at or 0) <= now,
            }
            for each in pending
        ]


def form_values(
    sent: Mapping[str, str], wrong: tuple[Wrong, ...], purposes: list[tuple[str, str]]
) -> dict[str, object]:
    """Return what the template of the form needs."""
    first = {each.field: each.sentence for each in reversed(wrong) if each.field}
    return {
        "sent": sent,
        "wrong": wrong,
        "wrong_of": first,
        "problems": [
            {"text": each.sentence, "href": f"#{each.field}" if each.field else None}
            for each in wrong
        ],
        "complaint": lambda name: {"text": first[name]} if name in first else None,
        "purposes": [{"value": code, "text": words} for code, words in purposes],
        "number_kinds": [{"value": "", "text": "Choose"}]
        + [{"value": kind, "text": words} for kind, words in IDENTIFIER_KINDS.items()],
        "details_open": any(sent[name] or name in first for name in DETAILS),
    }
