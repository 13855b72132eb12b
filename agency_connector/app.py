"""The connector as a WSGI application: the local API and the officers' pages, for this machine."""

from typing import Final

from flask import Flask, Response, request

from agency_connector.database import LOCATION
from agency_connector.installation import MIGRATE_COMMAND, Installation
from agency_connector.pages import api
from agency_connector.pages.access import Access
from agency_connector.pages.officer import OfficerPages, new_pages
from agency_connector.pages.sessions import Sessions
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
    sessions = Sessions(installation.clock)
    access = Access(installation, sessions)
    pages = OfficerPages(installation, access, sessions, new_pages(installation))

    def answer(problem: Problem) -> Response:
        for_programs = request.path.startswith("/api/") or request.endpoint in UNOBSERVED
        if for_programs or problem.code == "misdirected":
            return problem_response(problem)
        return pages.answer_problem(problem)

    problems.register(app, answer)
    guard = access.guard()
    api.serve(app, guard, installation)
    pages.serve(app, guard)
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
    return app
