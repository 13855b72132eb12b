"""Someone has quoted a reference: whom they mean, who asked, and on which number to ring back."""

from typing import Final, get_args

from flask import Flask, Response, request

from agency_connector.installation import Installation
from agency_connector.journal.journal import Journal
from agency_connector.journal.records import Answered
from agency_connector.lookups import resolving
from agency_connector.lookups.errors import problem_of
from agency_connector.pages.access import Caller
from agency_connector.pages.forms import without_unseen
from agency_connector.pages.ids import ID_BYTES, known_id, nothing_there, signed_in
from agency_connector.pages.screens import Screens, to
from foundation.operator import OperatorError
from foundation.problems import Problem
from foundation.routes import Guard
from protocol.encoding import b64u_decode
from protocol.references import spoken

_ANSWERED: Final[tuple[Answered, ...]] = get_args(Answered)
ANSWERS: Final[dict[Answered, str]] = {
    "same-person": "Same person",
    "different-person": "Different person",
    "not-ours": "Not ours",
}


class ReferencePages:
    """The views of one app."""

    def __init__(self, installation: Installation, screens: Screens) -> None:
        self._installation = installation
        self._screens = screens

    def serve(self, app: Flask, guard: Guard) -> None:
        """Register the pages."""
        for rule, method, view in (
            ("/references", "GET", self.reference_form),
            ("/references", "POST", self.resolve),
            ("/references/<resolution>", "GET", self.resolved),
            ("/references/<resolution>/reply", "POST", self.reply),
        ):
            guard.route(app, rule, (method,), may=Caller.DESK, endpoint=view.__name__)(view)

    def reference_form(self) -> Response:
        """Ask for the reference that was quoted."""
        return self._form("", "")

    def resolve(self) -> Response:
        """Resolve the reference and lead to what it is about."""
        typed = without_unseen(" ".join(request.form.get("reference", "").split()))[:100]
        try:
            answer = resolving.resolve(self._installation, signed_in().user, typed)
        except OperatorError as error:
            problem = problem_of(error)
            return self._form(typed, problem.detail, problem.status)
        return to("resolved", resolution=answer.resolution)

    def resolved(self, resolution: str) -> Response:
        """Show what a quoted reference is about, from the journal.

        Who is meant is kept back while it may be somebody else, until the desk has rung back and
        the asker confirmed it.
        """
        user = signed_in().user
        answer = resolving.shown_before(self._installation, user, known_id(resolution))
        if answer is None:
            raise nothing_there()
        replies = Journal.of(self._installation).replies_to(b64u_decode(resolution, ID_BYTES))
        return self._screens.render(
            "resolved.html",
            answer=answer,
            spoken=spoken,
            how_sure=resolving.HOW_SURE[answer.breadth],
            kept_back=resolving.KEPT_BACK in answer.sentences,
            kept_back_sentence=resolving.KEPT_BACK,
            answers=ANSWERS,
            answered=replies[-1].answered if replies else "",
        )

    def reply(self, resolution: str) -> Response:
        """Keep what the desk answers."""
        told = request.form.get("answer", "")
        answered = next((each for each in _ANSWERED if each == told), None)
        if answered is None:
            raise Problem(422, "form", "This form is not one of this page's: open it anew.")
        kept = Journal.of(self._installation).reply(
            b64u_decode(known_id(resolution), ID_BYTES),
            signed_in().user,
            answered,
            self._installation.clock(),
        )
        if not kept:
            raise nothing_there()
        return to("resolved", resolution=resolution)

    def _form(self, typed: str, wrong: str, status: int = 200) -> Response:
        return self._screens.render(
            "reference.html", status=status, holds_input=True, typed=typed, wrong=wrong
        )
