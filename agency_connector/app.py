"""The connector as a WSGI application: the local API for this machine, and the agency's pages."""

from typing import Final

from flask import Flask, Response, request

from agency_connector.database import LOCATION
from agency_connector.installation import MIGRATE_COMMAND, Installation
from agency_connector.pages import api
from agency_connector.pages.access import Access, SignInNeeded
from agency_connector.pages.asking_to_phone import AskToPhonePages
from agency_connector.pages.auditor import AuditorPages
from agency_connector.pages.checking import CheckPages
from agency_connector.pages.guidance import GuidancePages
from agency_connector.pages.justifying import JustificationPages
from agency_connector.pages.own_checks import OwnCheckPages
from agency_connector.pages.references import ReferencePages
from agency_connector.pages.requests_to_phone import RequestPages
from agency_connector.pages.screens import Screens
from agency_connector.pages.second_person import SecondPerson
from agency_connector.pages.sessions import Sessions
from agency_connector.pages.supervisor import SupervisorPages
from agency_connector.sign_in.kept_forms import KeptForms
from agency_connector.sign_in.network import behind_proxies
from agency_connector.sign_in.routes import SignInPages
from agency_connector.sign_in.slowdown import SlowDown
from foundation import health, metrics, problems
from foundation.database import require_migrated
from foundation.health import Readiness
from foundation.metrics import UNOBSERVED, Metrics
from foundation.problems import Problem, problem_response

LARGEST_BODY: Final = 64 * 1024  # bytes


def create_app(installation: Installation, figures: Metrics | None = None) -> Flask:
    """Return the connector's application. Sessions are in memory: run it in one process.

    `figures` are the process's metrics, if it has others than the application's.
    """
    app = Flask(__name__, static_folder=None)
    figures = figures or Metrics()
    metrics.observe(app, figures)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    sessions, kept = Sessions(installation.clock), KeptForms(installation.clock)
    access = Access(installation, sessions, kept)
    screens = Screens(installation, access)
    # One for all forms that take a password, so that none of them gives further guesses.
    slowdown = SlowDown(installation.clock)
    sign_in = SignInPages(installation, access, sessions, kept, screens, slowdown)
    checks = CheckPages(installation, screens)

    def answer(problem: Problem) -> Response:
        for_programs = request.path.startswith("/api/") or request.endpoint in UNOBSERVED
        if for_programs or problem.code == "misdirected":
            return problem_response(problem)
        if isinstance(problem, SignInNeeded):
            return sign_in.lead(problem)
        sign_in.note_refusal(problem)
        return screens.problem(problem)

    problems.register(app, answer)
    guard = access.guard()
    api.serve(app, guard, installation)
    screens.serve(app, guard)
    sign_in.serve(app, guard)
    SupervisorPages(installation, screens).serve(app, guard)
    auditor = AuditorPages(installation, screens, SecondPerson(installation, slowdown))
    auditor.serve(app, guard)
    for path, shows in auditor.forms_again().items():
        sign_in.shows_again(path, shows)
    checks.serve(app, guard)
    JustificationPages(installation, screens).serve(app, guard)
    OwnCheckPages(installation, screens).serve(app, guard)
    ReferencePages(installation, screens).serve(app, guard)
    AskToPhonePages(installation, screens).serve(app, guard)
    RequestPages(installation, screens).serve(app, guard)
    GuidancePages(screens).serve(app, guard)
    sign_in.shows_again("/checks", checks.form_again)
    ready = Readiness(
        {
            "database": lambda: require_migrated(
                installation.database, LOCATION, command=MIGRATE_COMMAND
            ),
            "keyring": installation.keyring.refresh,
            # Until a partner has handed over, no name can be checked.
            "handover": installation.anchors,
        }
    )
    health.serve(app, guard, ready, figures)
    guard.seal(app)
    app.wsgi_app = behind_proxies(app.wsgi_app, installation.settings.sign_in)  # type: ignore[method-assign]  # as Werkzeug documents it
    if access.is_https:

        @app.after_request
        def _stay_with_tls(response: Response) -> Response:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
            return response

    return app
