"""The local JSON API: what a case system on the same machine may ask, as schemas/checks.py says."""

from collections.abc import Callable
from typing import Any

import msgspec
from flask import Flask, Response, g, request

from agency_connector.installation import Installation
from agency_connector.justifying import checks
from agency_connector.lookups import asking, partnership, resolving
from agency_connector.lookups.errors import problem_of
from agency_connector.pages.access import Caller
from foundation.operator import OperatorError
from foundation.routes import Guard
from protocol.bodies import read_body
from schemas.checks import Choices
from schemas.operations import CHECK, CHOICES, LOOK_WIDER, RESOLVE_LOCALLY, Operation

Use = Callable[[str, Any], msgspec.Struct]
"""Does an operation for a user, with the message that came; raises OperatorError."""


def serve(app: Flask, guard: Guard, installation: Installation) -> None:
    """Register the operations."""
    uses: tuple[tuple[Operation, Use], ...] = (
        (CHOICES, lambda user, _: choices(installation, user)),
        (CHECK, lambda user, told: checks.check(installation, user, told)),
        (LOOK_WIDER, lambda user, told: asking.look_wider(installation, user, told)),
        (
            RESOLVE_LOCALLY,
            lambda user, told: resolving.resolve(installation, user, told.reference),
        ),
    )
    for operation, use in uses:
        guard.route(
            app,
            operation.path,
            (operation.method,),
            may=Caller.LOCAL_USER,
            endpoint=f"api-{operation.name}",
        )(_view(operation, use))


def choices(installation: Installation, user: str) -> Choices:
    """Return what a form needs; the purposes are those last seen if the index cannot be reached."""
    return Choices(
        agency=installation.settings.agency.name,
        officer=user,
        purposes=tuple(
            (purpose.code, purpose.words) for purpose in partnership.purposes(installation)
        ),
    )


def _view(operation: Operation, use: Use) -> Callable[[], Response]:
    def view() -> Response:
        message = read_body(operation, request.get_data(), request.mimetype)
        try:
            answer = use(g.principal, message)
        except OperatorError as error:
            raise problem_of(error) from error
        response = Response(msgspec.json.encode(answer), mimetype="application/json")
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return view
