"""The evaluator as a WSGI application of two operations, and its health."""

from typing import Final

from flask import Flask
from sqlalchemy import Connection

from foundation import health, logs, metrics, problems
from foundation.database import require_migrated
from foundation.health import Readiness
from foundation.metrics import Metrics
from foundation.operator import OperatorError
from foundation.problems import Problem
from foundation.routes import Guard
from index_service.evaluation import evaluating, storage
from index_service.evaluation.installation import Evaluator
from index_service.evaluation.storage import LOCATION
from protocol.signed_api import CHECKS, Answer, Caller, Holder, SignedApi
from schemas.envelopes import Envelope
from schemas.evaluation import EvaluationRequest
from schemas.operations import EVALUATE, EVALUATOR_IDENTITY, Operation

LOG_FIELDS: Final = {"agency": logs.identifier, "code": logs.identifier}
"""What the evaluator's log may hold beyond every program's fields."""


def create_app(evaluator: Evaluator) -> Flask:
    """Return the evaluator's application."""
    app = Flask(__name__, static_folder=None)
    figures = Metrics()
    metrics.observe(app, figures)
    problems.register(app)
    guard = Guard({**CHECKS, **health.CHECKS})
    api = SignedApi(
        app,
        guard,
        database=evaluator.database,
        audience=evaluator.audience,
        key=evaluator.keys.signing,
        clock=evaluator.clock,
        find_holder=storage.find_holder,
        record_refusal=_log_refusal,
        how_to_enrol="The evaluator's operator adds an agency by hand: send them what "
        "`agency-connector keys` prints.",
    )

    def evaluate(connection: Connection, caller: Caller, asked: EvaluationRequest) -> Answer:
        return evaluating.evaluate(connection, evaluator, caller, asked)

    api.serve(EVALUATOR_IDENTITY, lambda *_: evaluating.identity(evaluator))
    api.serve(EVALUATE, evaluate)
    ready = Readiness(
        {
            "database": lambda: require_migrated(evaluator.database, LOCATION),
            "keyring": lambda: _require_epoch(evaluator),
        }
    )
    health.serve(app, guard, ready, figures)
    guard.seal(app)
    return app


def _require_epoch(evaluator: Evaluator) -> None:
    """Raise OperatorError unless there is a key to evaluate with."""
    if not evaluator.keys.epochs:
        raise OperatorError("no epoch is open: `index-service evaluator epoch open 1`")


def _log_refusal(
    _: Connection, holder: Holder, __: Operation, problem: Problem, ___: Envelope | None
) -> None:
    logs.get_logger().warning(
        "request.refused", agency=holder.agency, code=problem.code, status=problem.status
    )
