"""The connector as a WSGI application: the local API and the officers' pages, for this machine."""

from typing import Final

from flask import Flask, Response, request

from agency_connector.installation import Installation
from agency_connector.pages import api
from agency_connector.pages.access import Access
from agency_connector.pages.officer import OfficerPages, new_pages
from agency_connector.pages.sessions import Sessions
from foundation import problems
from foundation.problems import Problem, problem_response

LARGEST_BODY: Final = 64 * 1024  # bytes


def create_app(installation: Installation) -> Flask:
    """Return the connector's application. Sessions are in memory: run it in one process."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    sessions = Sessions(installation.clock)
    access = Access(installation, sessions)
    pages = OfficerPages(installation, access, sessions, new_pages(installation))

    def answer(problem: Problem) -> Response:
        if request.path.startswith("/api/") or problem.code == "misdirected":
            return problem_response(problem)
        return pages.answer_problem(problem)

    problems.register(app, answer)
    guard = access.guard()
    api.serve(app, guard, installation)
    pages.serve(app, guard)
    guard.seal(app)
    return app
