"""Help, the accessibility statement, and practice: pages that record nothing and ask nobody."""

from typing import Final

from flask import Flask, Response, request

from agency_connector.justifying.justifications import DUE_MS
from agency_connector.lookups.answer import LISTED
from agency_connector.pages import practice
from agency_connector.pages.access import Caller
from agency_connector.pages.checking import form_values
from agency_connector.pages.forms import CheckForm, Wrong
from agency_connector.pages.ids import new_id
from agency_connector.pages.screens import Screens
from foundation.routes import Guard

_HOUR_MS: Final = 3_600_000


class GuidancePages:
    """The views of one app."""

    def __init__(self, screens: Screens) -> None:
        self._screens = screens

    def serve(self, app: Flask, guard: Guard) -> None:
        """Register the pages. Practice is for officers, since it has their form."""
        for rule, method, may, view in (
            ("/help", "GET", Caller.NEWCOMER, self.help),
            ("/accessibility", "GET", Caller.NEWCOMER, self.accessibility),
            ("/practice", "GET", Caller.OFFICER, self.practice),
            ("/practice", "POST", Caller.OFFICER, self.practised),
        ):
            guard.route(app, rule, (method,), may=may, endpoint=view.__name__)(view)

    def help(self) -> Response:
        """Say how the pages are used."""
        return self._screens.render("help.html", listed=LISTED, due_hours=DUE_MS // _HOUR_MS)

    def accessibility(self) -> Response:
        """Say for whom the pages work, and what to do if they do not."""
        return self._screens.render("accessibility.html")

    def practice(self) -> Response:
        """Show the form with people to practise on."""
        return self._form(CheckForm.empty(new_id(), purpose="practice"))

    def practised(self) -> Response:
        """Show what an answer looks like; nothing was asked, and nothing is kept."""
        sent = CheckForm.of(request.form)
        wrong = sent.wrong()
        if wrong:
            return self._form(sent, wrong, 422)
        return self._screens.render(
            "practice_answer.html",
            hit=practice.found(sent),
            phone=practice.PHONE,
            listed=LISTED,
        )

    def _form(self, sent: CheckForm, wrong: tuple[Wrong, ...] = (), status: int = 200) -> Response:
        return self._screens.render(
            "practice.html",
            status=status,
            holds_input=True,
            **form_values(sent.values, wrong, practice.PURPOSES),
            people=practice.PEOPLE,
            nobody=practice.NOBODY,
        )
