"""My checks: an officer's own, what came of each, and an answer for a case record or on paper."""

import secrets
from typing import Final, get_args

from flask import Flask, Response, request

from agency_connector.installation import Installation
from agency_connector.journal.journal import Check, Journal
from agency_connector.journal.records import Act, Outcome
from agency_connector.lookups import answer as words
from agency_connector.lookups import asking, hours
from agency_connector.lookups.asking import Told
from agency_connector.pages import answers
from agency_connector.pages.access import Caller
from agency_connector.pages.asking_to_phone import Line, lines_by_check
from agency_connector.pages.ids import ID_BYTES, known_id, nothing_there, signed_in
from agency_connector.pages.screens import Screens, to, to_path
from foundation.problems import Problem
from foundation.routes import Guard
from protocol.encoding import b64u_decode, b64u_encode

_MOST: Final = 100
_OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)


class OwnCheckPages:
    """The views of one app."""

    def __init__(self, installation: Installation, screens: Screens) -> None:
        self._installation = installation
        self._screens = screens

    def serve(self, app: Flask, guard: Guard) -> None:
        """Register the pages."""
        for rule, method, view in (
            ("/my-checks", "GET", self.my_checks),
            ("/checks/<check>/outcome", "POST", self.came_of_it),
            ("/checks/<check>/record", "GET", self.case_record),
            ("/checks/<check>/prints", "POST", self.print),
            ("/checks/<check>/prints/<act>", "GET", self.printed),
        ):
            guard.route(app, rule, (method,), may=Caller.OFFICER, endpoint=view.__name__)(view)

    def my_checks(self) -> Response:
        """List the officer's own checks: of the last 28 days with names, before that without."""
        now, user = self._installation.clock(), signed_in().user
        journal, recent = Journal.of(self._installation), now - answers.SHOWN_MS
        lately = journal.of_officer(user, recent + 1, now + 1, _MOST)
        earlier = journal.of_officer(user, 0, recent + 1, _MOST)
        asked = lines_by_check(self._installation, user, 0)
        # The directory is read once for each purpose, not for each check.
        purposes = {
            code: answers.purpose_words(self._installation, code)
            for code in {check.asked.purpose for check in (*lately, *earlier)}
        }

        def lines(checks: tuple[Check, ...], *, named: bool) -> list[dict[str, object]]:
            return [
                {
                    **self._line(check, now, asked, named=named),
                    "purpose": purposes[check.asked.purpose],
                }
                for check in checks
            ]

        return self._screens.render(
            "my_checks.html",
            lately=lines(lately, named=True),
            earlier=lines(earlier, named=False),
            most=_MOST,
            outcomes=answers.OUTCOMES,
        )

    def came_of_it(self, check: str) -> Response:
        """Keep what came of a check, and lead back to where it was said."""
        told = request.form.get("outcome", "")
        outcome = next((each for each in _OUTCOMES if each == told), None)
        if outcome is None:
            raise Problem(422, "form", "This form is not one of this page's: open it anew.")
        kept = Journal.of(self._installation).say_what_came(
            b64u_decode(known_id(check), ID_BYTES),
            signed_in().user,
            outcome,
            self._installation.clock(),
        )
        if not kept:
            raise nothing_there()
        if request.form.get("from") == "list":
            return to_path(f"/my-checks#check-{check}")
        return to("answer", check=check)

    def case_record(self, check: str) -> Response:
        """Show an answer as plain text to be copied."""
        told, session = self._told(check), signed_in()
        text = answers.as_text(self._installation, told, session.name)
        return self._screens.render(
            "case_record.html", check=check, text=text, rows=min(40, text.count("\n") + 2)
        )

    def print(self, check: str) -> Response:
        """Record that an answer is printed, and lead to what is printed."""
        self._told(check)
        number = secrets.token_bytes(ID_BYTES)
        act = Act(user=signed_in().user, what="printed", check=check, at=self._installation.clock())
        Journal.of(self._installation).note_act(number, act)
        return to("printed", check=check, act=b64u_encode(number))

    def printed(self, check: str, act: str) -> Response:
        """Show an answer as it goes on paper, with the protective marking and who printed it."""
        told, session = self._told(check), signed_in()
        done = Journal.of(self._installation).find_act(b64u_decode(known_id(act), ID_BYTES))
        if done is None or (done.user, done.what, done.check) != (session.user, "printed", check):
            raise nothing_there()
        return self._screens.render(
            "print.html",
            **answers.shown(self._installation, told),
            act=act,
            marking=self._installation.settings.checks.protective_marking,
            printed=hours.local(done.at, told.time_zone).strftime("%d/%m/%Y %H:%M"),
        )

    def _told(self, check: str) -> Told:
        told = asking.told_before(self._installation, signed_in().user, known_id(check))
        if told is None:
            raise nothing_there()
        return told

    def _line(
        self, check: Check, now: int, to_phone: dict[tuple[str, str], Line], *, named: bool
    ) -> dict[str, object]:
        asked, kept = check.asked, check.kept
        zone = kept.findings.time_zone if kept else "UTC"
        return {
            "id": check.id,
            "name": answers.name_of(asked.typed.particulars) if named else "",
            "born": asked.typed.particulars.born if named else "",
            "asked": hours.day_and_time(asked.asked_at, zone, now),
            "case_reference": asked.beside.case_reference,
            "at_once": asked.beside.at_once,
            "wide": asked.breadth == "wide",
            "headline": words.headline(kept.findings) if kept else "No answer was had",
            "answered": kept is not None,
            "found": bool(kept and kept.findings.found),
            "asked_to_phone": [line for (of, _), line in to_phone.items() if of == check.id],
            "outcome": check.came_of_it[-1].outcome if check.came_of_it else "",
        }
