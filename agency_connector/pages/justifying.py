"""The pages on which an officer justifies a check: before it is made, or after one at once."""

from typing import Final

from flask import Flask, Response, request

from agency_connector.installation import Installation
from agency_connector.justifying.justifications import (
    LONGEST,
    SHORTEST,
    Justification,
    Justifications,
)
from agency_connector.pages import answers
from agency_connector.pages.access import Caller
from agency_connector.pages.checking import NEW_ID_FOR, CheckPages
from agency_connector.pages.forms import CheckForm, without_unseen
from agency_connector.pages.ids import known_id, new_id, nothing_there, signed_in
from agency_connector.pages.screens import Screens, to
from foundation.problems import Problem
from foundation.routes import Guard

_FIELDS: Final = (
    ("On behalf of", "on_behalf_of"),
    ("Case reference", "case_reference"),
    ("Reason", "reason"),
)


class JustificationPages:
    """The views of one app; the checks are made by `checks`."""

    def __init__(self, installation: Installation, screens: Screens, checks: CheckPages) -> None:
        self._installation = installation
        self._screens = screens
        self._checks = checks

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
        text = "\n".join(
            " ".join(line.split())
            for line in without_unseen(request.form.get("words", "").replace("\r", "")).split("\n")
        ).strip()
        if told.state == "pending" and len(text) < SHORTEST:
            return self._page(told, text, f"Say more: {SHORTEST} characters or more", 422)
        if told.state == "pending" and len(text) > LONGEST:
            return self._page(told, text, f"Shorten this to {LONGEST} characters or fewer", 422)
        if told.state == "abandoned":
            return to("justification", justification=justification)
        check = told.given.check if told.given else told.about.check
        if told.kind == "drawn" and told.given is None:
            try:
                check = self._made(CheckForm.of(told.about.form))
            except Problem as problem:
                return self._page(told, text, problem.detail, problem.status)
        Justifications(self._installation).give(told, text, check)
        return to("answer", check=check)

    def at_once(self, justification: str) -> Response:
        """Make a check that waits for its justification at once; it is owed within a day."""
        told = self._found(justification)
        if told.kind != "drawn" or told.state != "pending":
            return to("justification", justification=justification)
        justifications = Justifications(self._installation)
        check, form = told.about.check, CheckForm.of({**told.about.form, "at_once": "yes"})
        first = justifications.owe(told.about.user, check, form.values)
        try:
            check = self._made(form)
        except Problem as problem:
            if first:
                justifications.take_back(told.about.check)
            return self._page(told, "", problem.detail, problem.status)
        if check != told.about.check:
            justifications.take_back(told.about.check)
            justifications.owe(told.about.user, check, form.values)
        justifications.defer(told, check)
        return to("answer", check=check)

    def abandon(self, justification: str) -> Response:
        """Do without the check, which is recorded."""
        Justifications(self._installation).abandon(self._found(justification))
        return to("form")

    def _made(self, form: CheckForm) -> str:
        """Make the check and return its id, another one if the first can be used no more."""
        try:
            self._checks.made(form)
        except Problem as problem:
            if problem.code not in NEW_ID_FOR:
                raise
            form = form.numbered(new_id())
            self._checks.made(form)
        return form.values["check"]

    def _found(self, justification: str) -> Justification:
        told = Justifications(self._installation).find(signed_in().user, known_id(justification))
        if told is None:
            raise nothing_there()
        return told

    def _page(
        self, told: Justification, typed: str = "", wrong: str = "", status: int = 200
    ) -> Response:
        form = CheckForm.of(told.about.form)
        wanted = form.request()
        person = wanted.particulars
        rows = [
            ("Name", answers.name_of(person)),
            ("Date of birth", person.born),
            ("Purpose", answers.purpose_words(self._installation, wanted.purpose)),
            *((label, form.values[name]) for label, name in _FIELDS),
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
