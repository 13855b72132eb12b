"""The pages on which an officer justifies a check: before it is made, or after one at once."""

from flask import Flask, Response, request

from agency_connector.installation import Installation
from agency_connector.justifying import checks
from agency_connector.justifying.justifications import (
    LONGEST,
    Justification,
    Justifications,
)
from agency_connector.lookups.errors import problem_of
from agency_connector.pages import answers
from agency_connector.pages.access import Caller
from agency_connector.pages.forms import without_unseen
from agency_connector.pages.ids import known_id, nothing_there, signed_in
from agency_connector.pages.screens import Screens, to
from foundation.operator import OperatorError, PlainError
from foundation.routes import Guard


class JustificationPages:
    """The views of one app."""

    def __init__(self, installation: Installation, screens: Screens) -> None:
        self._installation = installation
        self._screens = screens

    def serve(self, app: Flask, guard: Guard) -> None:
        """Register the pages."""
        for rule, method, view in (
            ("/justifications/<justification>", "GET", self.justification),
            ("/justifications/<justification>", "POST", self.justify),
            ("/justifications/<justification>/at-once", "POST", self.at_once),
            ("/justifications/<justification>/abandon", "POST", self.abandon),
        ):
            guard.route(app, rule, (method,), may=Caller.OFFICER, endpoint=view.__name__)(view)

    def justification(self, justification: str) -> Response:
        """Ask for the justification."""
        return self._page(self._found(justification))

    def justify(self, justification: str) -> Response:
        """Keep the justification; of a check that waits for it, make the check."""
        told = self._found(justification)
        typed = without_unseen(request.form.get("words", "").replace("\r", ""))
        if told.state in ("abandoned", "deferred"):
            return to("justification", justification=justification)
        if told.given is not None:
            return to("answer", check=told.given.check)
        try:
            text = checks.fitting(typed)
        except OperatorError as error:
            return self._page(told, typed, str(error), 422)
        try:
            check = checks.justify(self._installation, told, text)
        except PlainError as error:
            return self._failed(told, text, error)
        return to("answer", check=check)

    def at_once(self, justification: str) -> Response:
        """Make a check that waits for its justification at once; it is owed within a day."""
        told = self._found(justification)
        if told.kind != "drawn" or told.state != "pending":
            return to("justification", justification=justification)
        try:
            check = checks.answer_at_once(self._installation, told)
        except PlainError as error:
            return self._failed(told, "", error)
        return to("answer", check=check)

    def abandon(self, justification: str) -> Response:
        """Do without the check, which is recorded."""
        Justifications(self._installation).abandon(self._found(justification))
        return to("form")

    def _found(self, justification: str) -> Justification:
        told = Justifications(self._installation).find(signed_in().user, known_id(justification))
        if told is None:
            raise nothing_there()
        return told

    def _failed(self, told: Justification, typed: str, error: PlainError) -> Response:
        problem = problem_of(error)
        return self._page(told, typed, problem.detail, problem.status)

    def _page(
        self, told: Justification, typed: str = "", wrong: str = "", status: int = 200
    ) -> Response:
        wanted, beside = told.about.wanted, told.about.beside
        person = wanted.particulars
        rows = [
            ("Name", answers.name_of(person)),
            ("Date of birth", person.born),
            ("Purpose", answers.purpose_words(self._installation, wanted.purpose)),
            ("On behalf of", beside.on_behalf_of),
            ("Case reference", beside.case_reference),
            ("Reason", wanted.reason),
        ]
        return self._screens.render(
            "justification.html",
            status=status,
            holds_input=told.state == "pending",
            told=told,
            typed=typed,
            wrong=wrong,
            longest=LONGEST,
            facts=[{"key": {"text": k}, "value": {"text": v}} for k, v in rows if v],
        )
