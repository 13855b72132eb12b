"""What every page of the connector has: who is signed in, the alarms, and the end of the session.

A page that shows somebody's particulars does not stay on an unattended screen: at the end of the
session the browser opens the page that says so. A page with a form that somebody may be filling in
stays, since leaving it would lose what was typed; sent too late, it comes back after the sign-in.
Both show a warning two minutes before, by a style alone, without any script.
"""

from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

from flask import Flask, Response, redirect, request, url_for
from jinja2 import PackageLoader
from werkzeug.wrappers import Response as BaseResponse

from agency_connector.alarms import showing
from agency_connector.installation import Installation
from agency_connector.pages.access import Access, Caller
from agency_connector.pages.sessions import IDLE_MS, WARN_MS, Session
from agency_connector.sign_in.roles import Role
from foundation.database import StorageUnavailable
from foundation.pages import Link, Pages
from foundation.problems import Problem
from foundation.routes import Guard

SERVICE: Final = "Check a name"
HOME: Final[Mapping[Role, str]] = {
    Role.OFFICER: "/",
    Role.DESK: "/references",
    Role.SUPERVISOR: "/supervision",
    Role.AUDITOR: "/audits",
}
"""Where somebody begins, by the first of their roles that has a page; otherwise at `/session`."""

LINKS: Final = (Link("Help", "/help"), Link("Accessibility", "/accessibility"))
"""In the footer of every page."""

_SEE_OTHER: Final = 303
_LATE_S: Final = 5


class Screens:
    """Renders the connector's templates in the frame."""

    def __init__(self, installation: Installation, access: Access) -> None:
        self._installation = installation
        self._access = access
        self._pages = Pages(
            PackageLoader("agency_connector.pages"),
            service=SERVICE,
            organisation=installation.settings.agency.name,
            links=LINKS,
            styles=resources.files("agency_connector.pages")
            .joinpath("pages.css")
            .read_text("utf-8"),
        )

    def serve(self, app: Flask, guard: Guard) -> None:
        """Register the style sheet."""
        self._pages.serve(app, guard, may=Caller.NEWCOMER)

    def render(
        self, template: str, *, status: int = 200, holds_input: bool = False, **values: object
    ) -> Response:
        """Return a page of `template`.

        Beside `values` it has `session` (None for nobody), `here` (the endpoint), the alarms and
        `warn_after_s`. `holds_input`: somebody fills in a form here, so it stays when the session
        ends.
        """
        session = self._access.session()
        warn_after_s, ends_after_s = self._seconds_left(session)
        response = self._pages.render(
            template,
            status=status,
            session=session,
            here=request.endpoint,
            standing_alarms=self._alarms(),
            warn_after_s=warn_after_s,
            **values,
        )
        if session is not None and not holds_input:
            response.headers["Refresh"] = f"{ends_after_s}; url={url_for('session_over')}"
        return response

    def problem(self, problem: Problem) -> Response:
        """Return a problem as a page."""
        session = self._access.session()
        home = "/" if session is None else home_of(session)
        response = self.render("trouble.html", status=problem.status, problem=problem, home=home)
        response.headers.update(problem.headers)
        return response

    def _seconds_left(self, session: Session | None) -> tuple[int, int]:
        if session is None:
            return 0, 0
        left = session.ends_at() - self._installation.clock()
        return max(0, left - (IDLE_MS - WARN_MS)) // 1000, left // 1000 + _LATE_S

    def _alarms(self) -> tuple[str, ...]:
        try:
            return tuple(alarm.sentence for alarm in showing.standing(self._installation))
        except StorageUnavailable:
            # A page that says what is wrong with the database must not fail for want of it.
            return ("the alarms cannot be read, because the connector's database cannot",)


def home_of(session: Session) -> str:
    """Return the path at which somebody begins."""
    return next((path for role, path in HOME.items() if session.has(role)), "/session")


def to(endpoint: str, **values: Any) -> Response:
    """Return the redirect to a page of ours that follows a form (303)."""
    return to_path(url_for(endpoint, **values))


def to_path(path: str) -> Response:
    """Return the redirect to a path of ours, or to the identity provider (303)."""
    response: BaseResponse = redirect(path, _SEE_OTHER)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "same-origin"
    return response  # type: ignore[return-value]  # Flask makes its own Response
