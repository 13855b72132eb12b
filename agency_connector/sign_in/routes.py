"""The pages to sign in and out, of the session's end, and of a form that was sent too late."""

from collections.abc import Callable
from datetime import date
from typing import Final

from flask import Flask, Response, g, request, url_for

from agency_connector.installation import Installation
from agency_connector.pages import local_users
from agency_connector.pages.access import Access, Caller, SignInNeeded, own_path
from agency_connector.pages.screens import Screens, home_of, to, to_path
from agency_connector.pages.sessions import Session, Sessions
from agency_connector.sign_in import accounts, claims, trail
from agency_connector.sign_in.admission import NotAdmitted, require_admitted
from agency_connector.sign_in.attempts import LIFE_MS, Attempt, Attempts
from agency_connector.sign_in.claims import LONGEST_AUTHENTICATION_S, ClaimRefused
from agency_connector.sign_in.kept_forms import KeptForm, KeptForms
from agency_connector.sign_in.provider import Provider, ProviderRefused, ProviderUnavailable
from agency_connector.sign_in.roles import Person, Role, Way, in_order, words
from agency_connector.sign_in.settings import ProviderSettings, SignInSettings
from agency_connector.sign_in.slowdown import SlowDown
from agency_connector.sign_in.trail import Event
from foundation.operator import OperatorError
from foundation.problems import Problem
from foundation.routes import Guard

CLIENT_SECRET: Final = "sign-in-client"  # noqa: S105 - the name of a secret, not the secret
"""The keyring's secret with which we show the provider who we are."""

TOKEN_ROLES: Final = frozenset({Role.OFFICER, Role.DESK})
"""What a local token gives in the pages, until people can sign in."""

_WRONG: Final = "The name, password or code is not right. A code is good once: wait for the next."
_START_AGAIN: Final = "This sign-in was not begun here, is too old, or was used: begin it again."
_REASONS: Final = frozenset({"again", "lapsed"})

Shows = Callable[[KeptForm], Response]
"""Shows a form again with what was typed."""


class SignInPages:
    """The views of one app."""

    def __init__(
        self,
        installation: Installation,
        access: Access,
        sessions: Sessions,
        kept: KeptForms,
        screens: Screens,
        slowdown: SlowDown,
    ) -> None:
        self._installation = installation
        self._access = access
        self._sessions = sessions
        self._kept = kept
        self._screens = screens
        self._settings = installation.settings.sign_in
        self._slowdown = slowdown
        self._attempts = Attempts(installation.clock)
        self._shows: dict[str, Shows] = {}
        self._provider: Provider | None = None
        if self._settings and self._settings.provider and self._settings.address:
            self._provider = Provider(
                self._settings.provider, self._settings.address, self._client_secret
            )

    def serve(self, app: Flask, guard: Guard) -> None:
        """Register the pages."""
        for rule, method, may, view in (
            ("/sign-in", "GET", Caller.NEWCOMER, self.sign_in_form),
            ("/sign-in", "POST", Caller.NEWCOMER, self.sign_in),
            ("/sign-in/begin", "GET", Caller.NEWCOMER, self.sign_in_begin),
            ("/sign-in/callback", "GET", Caller.NEWCOMER, self.sign_in_callback),
            ("/sign-out", "POST", Caller.SIGNED_IN, self.sign_out),
            ("/session", "GET", Caller.SIGNED_IN, self.session),
            ("/session-over", "GET", Caller.NEWCOMER, self.session_over),
            ("/kept-forms/<ticket>", "GET", Caller.SIGNED_IN, self.kept_form),
        ):
            guard.route(app, rule, (method,), may=may, endpoint=view.__name__)(view)

    def shows_again(self, path: str, shows: Shows) -> None:
        """Have a form that was sent to `path` too late shown by the page that it is of."""
        self._shows[path] = shows

    def lead(self, needed: SignInNeeded) -> Response:
        """Return the way to the sign-in, and from there on."""
        then = {} if needed.then == "/" else {"then": needed.then}
        because = "again" if needed.again else "lapsed" if needed.lapsed else None
        return to("sign_in_form", **then, because=because)

    def sign_in_form(self) -> Response:
        """Offer the ways to sign in."""
        because = request.args.get("because", "")
        return self._form(own_path(request.args.get("then", "/")), because=because)

    def sign_in(self) -> Response:
        """Sign in with a local account; with a local token until sign-in is set up."""
        then = own_path(request.form.get("then", "/"))
        if self._settings is None:
            return self._with_token(then)
        if not self._settings.accounts:
            raise Problem(404, "not-found", "Nobody signs in here with a password.")
        return self._with_account(self._settings, then)

    def sign_in_begin(self) -> Response:
        """Lead to the identity provider."""
        provider = self._require_provider()
        session = self._access.session()
        again = request.args.get("again") == "1" and session is not None
        attempt, cookie = self._attempts.begin(
            own_path(request.args.get("then", "/")),
            session.user if again and session is not None else "",
            request.cookies.get(self._access.cookie, ""),
        )
        try:
            response = to_path(provider.address_for(attempt))
        except ProviderUnavailable as error:
            return self._trouble("provider-down", str(error), status=503)
        # Lax: the browser comes back from the provider's site, and has to bring it.
        response.set_cookie(
            self._access.attempt_cookie,
            cookie,
            max_age=LIFE_MS // 1000,
            httponly=True,
            secure=self._access.is_https,
            samesite="Lax",
            path="/",
        )
        return response

    def sign_in_callback(self) -> Response:
        """Take up the sign-in with which the identity provider sends the browser back."""
        provider = self._require_provider()
        attempt = self._attempts.take(
            request.cookies.get(self._access.attempt_cookie, ""), request.args.get("state", "")
        )
        if attempt is None:
            return self._trouble("no-such-attempt", _START_AGAIN)
        try:
            person, trained_on = self._person_from(provider, attempt)
        except ProviderUnavailable as error:
            return self._trouble("provider-down", str(error), status=503)
        except ProviderRefused as error:
            return self._trouble("provider-refused", f"The sign-in was refused: {error}.")
        except ClaimRefused as error:
            return self._trouble(
                f"claim-{error}",
                f"Your sign-in service sent a sign-in that does not hold here ({error}): tell your "
                "agency's IT.",
            )
        except OperatorError:
            return self._trouble(
                "no-client-secret",
                "Signing in is not set up completely: tell your agency's IT to run "
                "`agency-connector sign-in check`.",
                status=503,
            )
        if attempt.again_for and attempt.again_for != person.user:
            return self._trouble(
                "another-person", "Somebody else signed in than the person who is signed in here."
            )
        response = self._admitted(person, trained_on, attempt.then, came_back=attempt)
        response.delete_cookie(
            self._access.attempt_cookie,
            path="/", httponly=True, secure=self._access.is_https, samesite="Lax",
        )  # fmt: skip
        return response

    def sign_out(self) -> Response:
        """End the session, and lead to the identity provider to sign out there too."""
        session = _session()
        self._sessions.end(request.cookies.get(self._access.cookie, ""))
        self._note("signed-out", session.person)
        onward = self._onward_from(session.person)
        if onward is None:
            response = to("sign_in_form")
        else:
            g.session = None
            response = self._screens.render(
                "signed_out.html", onward=onward, provider=self._provider_settings().name
            )
            # A form of ours may not be sent on to another site (form-action): the page leads on.
            response.headers["Refresh"] = f"0; url={onward}"
        response.delete_cookie(
            self._access.cookie,
            path="/", httponly=True, secure=self._access.is_https, samesite="Strict",
        )  # fmt: skip
        return response

    def _onward_from(self, person: Person) -> str | None:
        """Return where somebody signs out at the provider; None if they did not sign in there."""
        if self._provider is None or person.way is not Way.PROVIDER:
            return None
        try:
            return self._provider.address_to_sign_out()
        except ProviderUnavailable:
            return None

    def session(self) -> Response:
        """Tell who is signed in; opening it also keeps the session going."""
        person = _session().person
        return self._screens.render(
            "session.html", person=person, roles=in_order(person.roles), home=home_of(_session())
        )

    def session_over(self) -> Response:
        """Stand where a page with particulars stood until the session ended."""
        return self._screens.render("session_over.html", holds_input=True)

    def kept_form(self, ticket: str) -> Response:
        """Show a form that was sent too late to the officer who sent it."""
        form = self._kept.find(ticket, _session().user)
        if form is None:
            raise Problem(
                404,
                "not-found",
                "What was typed is no longer here: open the form and type it anew.",
            )
        if form.path in self._shows:
            return self._shows[form.path](form)
        return self._screens.render("kept_form.html", form=form, holds_input=True)

    def note_refusal(self, problem: Problem) -> None:
        """Add to the trail that somebody signed in was refused a page for want of the role."""
        session = self._access.session()
        if problem.code == "not-your-role" and session is not None:
            rule = request.url_rule.rule if request.url_rule else ""
            self._note("refused", session.person, f"{problem.code} {request.method} {rule}")

    def _with_token(self, then: str) -> Response:
        token_hash = local_users.hash_of(request.form.get("token", "").strip())
        user = local_users.user_of(self._installation, token_hash)
        if user is None:
            self._note("refused", None, "wrong-token")
            return self._form(
                then, wrong="This token is not one of this connector's", field="token", status=403
            )
        person = Person(
            user=user,
            name=user,
            given_name="",
            family_name="",
            roles=TOKEN_ROLES,
            way=Way.TOKEN,
            authenticated_at=self._installation.clock(),
            credential=token_hash,
        )
        return self._started(person, then)

    def _with_account(self, settings: SignInSettings, then: str) -> Response:
        name = request.form.get("user_name", "").strip().lower()[:100]
        address = request.remote_addr or ""
        if wait := self._slowdown.wait_ms(name, address):
            response = self._form(
                then,
                wrong=f"Too many attempts: wait {wait // 1000 + 1} seconds and try again.",
                status=429,
            )
            response.headers["Retry-After"] = str(wait // 1000 + 1)
            return response
        found = accounts.authenticate(
            self._installation,
            name,
            request.form.get("password", ""),
            request.form.get("code", "")[:20],
        )
        if found is None:
            self._slowdown.failed(name, address)
            known = accounts.version_of(self._installation, name) is not None
            event = self._event("refused", None, "wrong-credentials")
            trail.note_alone(self._installation, event if not known else _of_account(event, name))
            return self._form(then, wrong=_WRONG, status=403)
        self._slowdown.succeeded(name, address)
        person, trained_on = found
        return self._admitted(person, trained_on, then)

    def _person_from(self, provider: Provider, attempt: Attempt) -> tuple[Person, date | None]:
        """Return the person whom the provider sent back; the exceptions of provider and claims."""
        settings = self._provider_settings()
        provider.require_own_answer(request.args.get("iss"))
        code = request.args.get("code", "")
        if "error" in request.args or not code:
            raise ProviderRefused("the provider did not let you in")
        told = provider.id_token_for(code, attempt)
        now_s = self._installation.clock() // 1000
        again = bool(attempt.again_for)
        claims.require_fit(
            told,
            settings,
            nonce=attempt.nonce,
            now_s=now_s,
            authenticated_after_s=(
                attempt.made_at // 1000 if again else now_s - LONGEST_AUTHENTICATION_S
            ),
            supervisor=again,
        )
        return claims.person_of(told, settings)

    def _admitted(
        self, person: Person, trained_on: date | None, then: str, came_back: Attempt | None = None
    ) -> Response:
        """Start a session for somebody who has proved who they are, if they may come in."""
        if self._settings is None:
            raise ValueError("nobody is admitted without settings")
        try:
            require_admitted(self._settings, person, trained_on, self._installation.clock())
            self._access.require_device(person)
        except NotAdmitted as error:
            return self._trouble(error.because, str(error), person)
        except Problem as problem:
            return self._trouble(problem.code, problem.detail, person)
        return self._started(person, then, came_back)

    def _started(self, person: Person, then: str, came_back: Attempt | None = None) -> Response:
        """Start a session under a new id, in the place of the browser's earlier one.

        `came_back`: the browser comes from another site, so that it sends no Strict cookie, nor
        would after a redirect: the attempt has the earlier session, and a page of ours leads on.
        """
        earlier = came_back.session if came_back else request.cookies.get(self._access.cookie, "")
        before = self._access.session() or self._sessions.find(earlier)
        again = before is not None and before.user == person.user
        self._sessions.end(earlier)
        trail.note_sign_in(
            self._installation,
            person,
            "signed-in-again" if again else "signed-in",
            request.remote_addr or "",
        )
        secret = self._sessions.start(person)
        g.session = self._sessions.find(secret)
        path = home_of(g.session) if then == "/" else then
        if came_back:
            response = self._screens.render("signed_in.html", then=path, holds_input=True)
            response.headers["Refresh"] = f"0; url={path}"
        else:
            response = to_path(path)
        response.set_cookie(
            self._access.cookie,
            secret,
            httponly=True,
            secure=self._access.is_https,
            samesite="Strict",
            path="/",
        )
        return response

    def _form(
        self,
        then: str,
        *,
        wrong: str = "",
        field: str = "user_name",
        because: str = "",
        status: int = 200,
    ) -> Response:
        provider = self._settings.provider if self._settings else None
        return self._screens.render(
            "sign_in.html",
            status=status,
            holds_input=True,
            then=then,
            wrong=wrong,
            field=field,
            because=because if because in _REASONS else "",
            begin=url_for("sign_in_begin", then=then, again="1" if because == "again" else None),
            by_token=self._settings is None,
            by_account=self._settings is not None and self._settings.accounts,
            provider=provider.name if provider else "",
        )

    def _trouble(
        self, because: str, sentence: str, person: Person | None = None, status: int = 403
    ) -> Response:
        self._note("refused", person, because)
        return self._screens.render(
            "not_signed_in.html", status=status, holds_input=True, sentence=sentence
        )

    def _note(self, kind: trail.Kind, person: Person | None, because: str = "") -> None:
        trail.note_alone(self._installation, self._event(kind, person, because))

    def _event(self, kind: trail.Kind, person: Person | None, because: str) -> Event:
        return Event(
            at=self._installation.clock(),
            kind=kind,
            user=person.user if person else "",
            name=person.name if person else "",
            roles=words(person.roles) if person else "",
            way=person.way.value if person else "",
            address=request.remote_addr or "",
            because=because,
        )

    def _require_provider(self) -> Provider:
        if self._provider is None:
            raise Problem(404, "not-found", "Nobody signs in here at another place.")
        return self._provider

    def _provider_settings(self) -> ProviderSettings:
        if self._settings is None or self._settings.provider is None:
            raise ValueError("there is no provider")
        return self._settings.provider

    def _client_secret(self) -> str:
        keyring = self._installation.keyring
        if CLIENT_SECRET not in keyring.names():
            keyring.refresh()
        return keyring.get(CLIENT_SECRET).decode()


def _of_account(event: Event, name: str) -> Event:
    return Event(
        at=event.at, kind=event.kind, user=name, address=event.address, because=event.because
    )


def _session() -> Session:
    session: Session = g.principal
    return session
