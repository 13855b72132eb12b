"""Who is calling: a program with a local token, a signed-in person with a role, or nobody known.

Checks run in this order, and the first that fails answers: host, network, origin, session, form
token, role, freshness.
"""

import enum
import re
from collections.abc import Callable, Hashable
from typing import Final
from urllib.parse import urlsplit

from flask import g, request

from agency_connector.installation import Installation
from agency_connector.pages import local_users
from agency_connector.pages.sessions import Session, Sessions
from agency_connector.sign_in import accounts
from agency_connector.sign_in.kept_forms import KeptForms
from agency_connector.sign_in.network import Doors, came_through_a_proxy
from agency_connector.sign_in.roles import Person, Role, Way
from agency_connector.sign_in.settings import is_loopback
from foundation import health
from foundation.problems import Problem
from foundation.routes import Guard

_LOOPBACK_HOST: Final = re.compile(r"(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]{1,5})?", re.I)
_OWN_PATH: Final = re.compile(r"/(?:[A-Za-z0-9_-][A-Za-z0-9_./-]{0,199})?")


class Caller(enum.Enum):
    """Who may call a route of the connector."""

    LOCAL_USER = "a program of this machine with a local token"
    NEWCOMER = "a browser, signed in or not"
    SIGNED_IN = "whoever has signed in"
    OFFICER = "an officer"
    DESK = "somebody of a desk"
    SUPERVISOR = "a supervisor"
    SUPERVISOR_NOW = "a supervisor who has just signed in"
    AUDITOR = "an auditor"
    AUDITOR_NOW = "an auditor who has just signed in"
    ADMINISTRATOR = "an administrator"


ROLE_OF: Final = {
    Caller.OFFICER: Role.OFFICER,
    Caller.DESK: Role.DESK,
    Caller.SUPERVISOR: Role.SUPERVISOR,
    Caller.SUPERVISOR_NOW: Role.SUPERVISOR,
    Caller.AUDITOR: Role.AUDITOR,
    Caller.AUDITOR_NOW: Role.AUDITOR,
    Caller.ADMINISTRATOR: Role.ADMINISTRATOR,
}

JUST_SIGNED_IN: Final = frozenset({Caller.SUPERVISOR_NOW, Caller.AUDITOR_NOW})


class SignInNeeded(Problem):
    """The browser is to sign in, and then to go on at `then`, a path of ours.

    `again`: it has a session, and has to prove anew who is there (for an act). `lapsed`: it
    had one.
    """

    def __init__(self, then: str, *, again: bool = False, lapsed: bool = False) -> None:
        super().__init__(401, "sign-in", "Sign in to use this page.")
        self.then = then
        self.again = again
        self.lapsed = lapsed


class Access:
    """The checks of one app."""

    def __init__(self, installation: Installation, sessions: Sessions, kept: KeptForms) -> None:
        self._installation = installation
        self._sessions = sessions
        self._kept = kept
        self._settings = installation.settings.sign_in
        self._doors = Doors.of(self._settings)
        self.is_https = self._settings is not None and self._settings.is_https
        # `__Host-` cookies must be Secure, which plain http on loopback is not. There, cookies of
        # one machine are seen by all its ports: each connector has its own name.
        self.cookie = "__Host-session" if self.is_https else f"session-{installation.agency}"
        self.attempt_cookie = (
            "__Host-sign-in" if self.is_https else f"sign-in-{installation.agency}"
        )

    def guard(self) -> Guard:
        """Return the guard with a check for each kind of caller."""
        checks: dict[Hashable, Callable[[], object]] = {
            caller: self._with_role(role, now=caller in JUST_SIGNED_IN)
            for caller, role in ROLE_OF.items()
        }
        checks |= {
            Caller.LOCAL_USER: self.local_user,
            Caller.NEWCOMER: self.newcomer,
            Caller.SIGNED_IN: self.signed_in,
        }
        return Guard(checks | dict(health.CHECKS))

    def local_user(self) -> str:
        """Return the user whose token a program sent (RFC 6750 §2.1); Problem 401 otherwise.

        Only a program of this machine is answered, wherever the pages listen: nothing that came
        through a proxy.
        """
        self._require_this_machine()
        if not is_loopback(request.remote_addr) or came_through_a_proxy(request.headers):
            raise Problem(403, "not-local", "The local API answers programs of its machine alone.")
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

    def newcomer(self) -> None:
        """Let a browser that may use the pages from where it is see the pages to sign in."""
        self._require_right_address()
        self.require_door(None)
        self._require_own_origin()

    def signed_in(self) -> Session:
        """Return the browser's session; SignInNeeded without one, Problem 403 for a foreign form.

        Every request but GET needs the session's form token.
        """
        self._require_right_address()
        session = self.session()
        self.require_door(session)
        self._require_own_origin()
        if session is None:
            raise self._to_sign_in()
        if request.method != "GET" and not session.has_csrf(request.form.get("csrf", "")):
            raise Problem(
                403, "foreign-form", "This form is not from this session: go back and open it anew."
            )
        return session

    def session(self) -> Session | None:
        """Return the browser's session, or None."""
        if "session" not in g:
            found = self._sessions.find(request.cookies.get(self.cookie, ""))
            if found is not None and not self._still_holds(found):
                self._sessions.end(request.cookies.get(self.cookie, ""))
                found = None
            g.session = found
        session: Session | None = g.session
        return session

    def require_door(self, session: Session | None) -> None:
        """Raise Problem 403 unless the pages may be used from where the request comes."""
        if self._doors.proxies and not self._doors.came_the_stated_way(request.headers):
            raise Problem(
                403, "not-through-the-proxy", "Open this address through your agency's own proxy."
            )
        managed = None if session is None else session.person.managed_device
        if not self._doors.lets_in(request.remote_addr, request.headers, managed):
            raise _not_from_here()

    def require_device(self, person: Person) -> None:
        """Raise Problem 403 unless this person may use the pages from where the request comes."""
        if not self._doors.lets_in(request.remote_addr, request.headers, person.managed_device):
            raise _not_from_here()

    def _with_role(self, role: Role, *, now: bool) -> Callable[[], Session]:
        def check() -> Session:
            session = self.signed_in()
            if not session.has(role):
                raise Problem(
                    403,
                    "not-your-role",
                    f"This page is for the role {role.value}, which you do not have here. "
                    "If you need it, speak to whoever manages access at your agency.",
                )
            if now and not self.is_fresh(session):
                raise SignInNeeded(self._then(session), again=True)
            return session

        return check

    def is_fresh(self, session: Session) -> bool:
        """Return whether the person has proved who they are recently, and strongly enough."""
        if self._settings is None:
            return False
        age = self._installation.clock() - session.person.authenticated_at
        provider = self._settings.provider
        wanted = provider.supervisor_acr if provider else ()
        by_provider = session.person.way is Way.PROVIDER
        strong = not (by_provider and wanted) or session.person.acr in wanted
        return strong and age < self._settings.fresh_minutes * 60_000

    def _to_sign_in(self) -> SignInNeeded:
        """Return the way to sign in; a form that its own officer sent too late is kept for them."""
        past = self._sessions.lapsed(request.cookies.get(self.cookie, ""))
        if past is None:
            return SignInNeeded(request.path if request.method == "GET" else "/")
        if request.method != "GET" and not past.has_csrf(request.form.get("csrf", "")):
            return SignInNeeded("/", lapsed=True)
        return SignInNeeded(self._then(past), lapsed=True)

    def _then(self, session: Session) -> str:
        """Return where to go on after the sign-in: this page, or the form that was sent."""
        if request.method == "GET":
            return request.path
        ticket = self._kept.keep(session.user, request.path, request.form.items(multi=True))
        return f"/kept-forms/{ticket}"

    def _still_holds(self, session: Session) -> bool:
        """Return whether what the session was started with is still good."""
        person = session.person
        if person.way is Way.TOKEN:
            user = local_users.user_of(self._installation, person.credential)
            return self._settings is None and user == person.user
        if person.way is Way.ACCOUNT:
            return accounts.version_of(self._installation, person.user) == person.credential
        return True

    def _require_this_machine(self) -> None:
        """Refuse a request that names another host: a page elsewhere may have rebound its name."""
        if not _LOOPBACK_HOST.fullmatch(request.headers.get("Host", "")):
            raise Problem(
                421, "misdirected", "Call this connector by 127.0.0.1, [::1] or localhost."
            )

    def _require_right_address(self) -> None:
        """Refuse a request that does not name the address of the pages, or came without TLS."""
        if self._settings is None or self._settings.address is None or not self.is_https:
            self._require_this_machine()
            return
        host = request.headers.get("Host", "").lower().removesuffix(":443")
        wanted = urlsplit(self._settings.address).netloc.lower().removesuffix(":443")
        if host != wanted or not request.is_secure:
            raise Problem(421, "misdirected", f"Open these pages at {self._settings.address}/.")

    def _require_own_origin(self) -> None:
        """Refuse what a page of another origin sent, wherever the browser says so."""
        if request.method == "GET":
            return
        site = request.headers.get("Sec-Fetch-Site")
        origin = request.headers.get("Origin")
        foreign = origin is not None and origin != request.host_url.rstrip("/")
        if foreign or site in ("cross-site", "same-site"):
            raise Problem(403, "foreign-origin", "Another page may not call this connector.")


def _not_from_here() -> Problem:
    return Problem(
        403,
        "not-from-here",
        "These pages may be used only on your agency's network or a device it manages.",
    )


def own_path(given: str) -> str:
    """Return `given` if it is a path of ours to go on at, otherwise "/".

    No host, no scheme, no query, nothing that a browser could take for another address, and not
    the sign-in itself, which would go round in circles.
    """
    fine = _OWN_PATH.fullmatch(given) and "//" not in given and "/." not in given
    if given.startswith(("/sign-in", "/sign-out", "/api/")):
        return "/"
    return given if fine else "/"
