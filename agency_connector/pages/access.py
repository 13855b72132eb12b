"""Who is calling: a program with a local token, a signed-in browser, or nobody known."""

import enum
import re
from typing import Final
from urllib.parse import urlsplit

from flask import g, request

from agency_connector.installation import Installation
from agency_connector.pages import local_users
from agency_connector.pages.sessions import Session, Sessions
from foundation import health
from foundation.problems import Problem
from foundation.routes import Guard

_LOOPBACK_HOST: Final = re.compile(r"(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]{1,5})?", re.I)


class Caller(enum.Enum):
    """Who may call a route of the connector."""

    LOCAL_USER = "a program of this machine with a local token"
    OFFICER = "a browser that has signed in"
    NEWCOMER = "a browser that has not signed in"


class SignInNeeded(Problem):
    """The browser has no session: it is sent to the sign-in page."""

    def __init__(self) -> None:
        super().__init__(401, "sign-in", "Sign in with your local token.")


class Access:
    """The checks of one app."""

    def __init__(self, installation: Installation, sessions: Sessions) -> None:
        self._installation = installation
        self._sessions = sessions
        # Cookies of one machine are seen by all its ports: each connector has its own name.
        self.cookie = f"session-{installation.agency}"

    def guard(self) -> Guard:
        """Return the guard with a check for each kind of caller."""
        return Guard(
            {
                Caller.LOCAL_USER: self.local_user,
                Caller.OFFICER: self.officer,
                Caller.NEWCOMER: self.newcomer,
                **health.CHECKS,
            }
        )

    def require_this_machine(self) -> None:
        """Refuse a request that names another host: a page elsewhere may have rebound its name."""
        if not _LOOPBACK_HOST.fullmatch(request.headers.get("Host", "")):
            raise Problem(
                421, "misdirected", "Call this connector by 127.0.0.1, [::1] or localhost."
            )

    def local_user(self) -> str:
        """Return the user whose token a program sent (RFC 6750 §2.1); Problem 401 otherwise."""
        self.require_this_machine()
        self._require_own_origin()
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        user = None
        if scheme.lower() == "bearer" and token.strip():
            user = local_users.user_of(self._installation, local_users.hash_of(token.strip()))
        if user is None:
            problem = Problem(
                401,
                "no-local-token",
                "Send your local token as `Authorization: Bearer <token>`; "
                "`agency-connector token` makes one.",
            )
            problem.headers["WWW-Authenticate"] = 'Bearer realm="agency-connector"'
            raise problem
        return user

    def officer(self) -> Session:
        """Return the browser's session; SignInNeeded without one, Problem 403 for a foreign form.

        Every request but GET needs the session's form token. A session is good no longer than the
        token that it was started with.
        """
        self.require_this_machine()
        self._require_own_origin()
        session = self.session()
        if session is None:
            raise SignInNeeded
        if request.method != "GET" and not session.has_csrf(request.form.get("csrf", "")):
            raise Problem(
                403, "foreign-form", "This form is not from this session: go back and open it anew."
            )
        return session

    def newcomer(self) -> None:
        """Let a browser of this machine see the sign-in page."""
        self.require_this_machine()
        self._require_own_origin()

    def session(self) -> Session | None:
        """Return the browser's session, or None."""
        if "session" not in g:
            found = self._sessions.find(request.cookies.get(self.cookie, ""))
            if found and local_users.user_of(self._installation, found.token_hash) != found.user:
                found = None
            g.session = found
        session: Session | None = g.session
        return session

    def _require_own_origin(self) -> None:
        """Refuse what a page of another origin sent, wherever the browser says so."""
        if request.method == "GET":
            return
        site = request.headers.get("Sec-Fetch-Site")
        origin = request.headers.get("Origin")
        own = urlsplit(request.host_url).netloc
        foreign = origin is not None and urlsplit(origin).netloc != own
        if foreign or site in ("cross-site", "same-site"):
            raise Problem(403, "foreign-origin", "Another page may not call this connector.")
