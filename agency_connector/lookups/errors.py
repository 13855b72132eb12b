"""Why a check or a quoted reference got no answer, each one clear line."""

from typing import Final

from agency_connector.evaluation.tokeniser import EvaluatorDishonest
from agency_connector.transport import ClockOff, NotGenuine, Refused, Unreachable
from foundation.operator import OperatorError, PlainError
from foundation.problems import Problem

# What a refusal by the index means for whoever asked the connector.
_PASSED_ON: Final = frozenset({409, 422, 429})


class CheckRefused(OperatorError):
    """This connector does not ask: `status` and `code` as a problem document would have them."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class AnswerDisbelieved(NotGenuine):
    """The answer is not what an honest index would have sent, and nothing of it is shown."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"the index's answer was not used: {what}. Nothing of it is shown: tell whoever runs "
            "this connector, who phones another member and the steward"
        )
        self.what = what


def problem_of(error: PlainError) -> Problem:
    """Return `error` as the problem document of the local API."""
    line = _sentence(str(error))
    match error:
        case Problem():
            return error
        case CheckRefused():
            return Problem(error.status, error.code, line)
        case Refused() if error.status == 404 and error.code == "no-such-reference":
            return Problem(404, error.code, _sentence(error.detail))
        case Refused() if error.status in _PASSED_ON:
            return _later(Problem(error.status, error.code, line), error.retry_after)
        case Refused() if error.status == 503:
            return _later(Problem(503, error.code, line), error.retry_after)
        case Refused():
            return Problem(502, error.code, line)
        case Unreachable():
            return Problem(503, "unreachable", line)
        case ClockOff():
            return Problem(502, "clock-off", line)
        case NotGenuine() | EvaluatorDishonest():
            return Problem(502, "not-genuine", line)
        case _:
            return Problem(503, "not-ready", line)


def code_of(error: PlainError) -> str:
    """Return the code under which the journal notes `error`."""
    return problem_of(error).code


def _sentence(message: str) -> str:
    line = message[:1].upper() + message[1:]
    return line if line.endswith((".", "!", "?", "`")) else f"{line}."


def _later(problem: Problem, retry_after: int | None) -> Problem:
    if retry_after is None:
        return problem
    told = Problem(problem.status, problem.code, problem.detail, retry_after=retry_after)
    told.headers["Retry-After"] = str(retry_after)
    return told
