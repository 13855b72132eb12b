"""The index as a WSGI application: the signed operations of each folder, and its health."""

from collections.abc import Callable
from typing import Final

from flask import Flask
from sqlalchemy import Connection

from foundation import health, logs, metrics, problems
from foundation.database import require_migrated
from foundation.health import Readiness
from foundation.metrics import Metrics
from foundation.problems import Problem
from foundation.routes import Guard
from index_service.agencies import routes as agencies
from index_service.audit import reading_routes as reading
from index_service.audit import routes as log
from index_service.audit import succession_routes as successions
from index_service.audit.administration import own_statement, refused
from index_service.contacts import routes as contacts
from index_service.database import LOCATION
from index_service.flags import routes as flags
from index_service.installation import Installation
from index_service.lookups import routes as lookups
from index_service.lookups.limits import note_refusal
from protocol.encoding import b64u_decode
from protocol.signed_api import CHECKS, Holder, SignedApi
from schemas.envelopes import Envelope
from schemas.operations import Operation

LOG_FIELDS: Final = {"agency": logs.identifier}
"""What the index's log may hold beyond every program's fields."""


def create_app(index: Installation) -> Flask:
    """Return the index's application."""
    app = Flask(__name__, static_folder=None)
    figures = Metrics()
    metrics.observe(app, figures)
    problems.register(app)
    guard = Guard({**CHECKS, **health.CHECKS})

    def find_holder(connection: Connection, key: str) -> Holder | None:
        row = index.standing.read(connection).by_key.get(key)
        if row is None or row.keys is None:
            return None
        return Holder(
            agency=row.agency,
            role=row.role,
            status=row.status,
            public=b64u_decode(row.keys.signing, 32),
        )

    def record_refusal(
        connection: Connection,
        holder: Holder,
        operation: Operation,
        problem: Problem,
        statement: Envelope | None,
    ) -> None:
        own = own_statement(statement, holder.public)
        refused(connection, index, holder.agency, operation.name, problem.code, own)
        note_refusal(connection, holder.agency, operation, problem.code, own, index.clock())

    api = SignedApi(
        app,
        guard,
        database=index.database,
        audience=index.audience,
        key=index.signing_key,
        clock=index.clock,
        find_holder=find_holder,
        record_refusal=record_refusal,
        how_to_enrol="Enrol with the code that the steward gave you: `agency-connector enrol`.",
    )
    for folder in (agencies, flags, lookups, contacts, reading):
        folder.serve(api, index)
    log.serve(app, guard, api, index)
    successions.serve(api)
    health.serve(app, guard, Readiness(_checks(index)), figures)
    guard.seal(app)
    return app


def _checks(index: Installation) -> dict[str, Callable[[], object]]:
    """Return what has to hold for the index to answer; its keys were read when it was opened."""
    checks: dict[str, Callable[[], object]] = {
        "database": lambda: require_migrated(index.database, LOCATION)
    }
    if index.keyring is not None:
        checks["keyring"] = index.keyring.refresh
    return checks
