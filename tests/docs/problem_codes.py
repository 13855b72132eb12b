"""Every problem code that the index and the evaluator answer with, read from the source.

A code is the last part of a problem document's type. Each is spelt out where it is raised, in a
call of `Problem(status, "code", ...)`, but for the three places named in `ELSEWHERE`.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from foundation import problems
from protocol.http_signatures import Refusal

ROOT: Final = Path(__file__).parent.parent.parent
SERVICES: Final = ("foundation", "protocol", "index_service")

Found = tuple[str, int, str]
"""The code, the status, and who answers with it: `index`, `evaluator` or `both`."""


def problem_codes() -> set[Found]:
    """Return every code with each status and program that it comes with."""
    found: set[Found] = set()
    for path in _files():
        dynamic = 0
        for call in _calls(path, "Problem"):
            status, code = call.args[:2]
            if isinstance(status, ast.Constant) and isinstance(code, ast.Constant):
                found.add((str(code.value), int(str(status.value)), _program(path)))
            else:
                dynamic += 1
        expected, codes = ELSEWHERE.get(_relative(path), (0, set()))
        if dynamic != expected:
            raise AssertionError(f"{_relative(path)}: a code that is not spelt out in the call")
        found |= codes
    return found


def limit_names() -> set[str]:
    """Return the codes of index_service/lookups/limits.py as they are written there."""
    return {ast.unparse(call.args[0]) for call in _calls(ROOT / LIMITS, "_over") if call.args}


def _files() -> Iterator[Path]:
    for package in SERVICES:
        yield from sorted((ROOT / package).rglob("*.py"))


def _calls(path: Path, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node


def _relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _program(path: Path) -> str:
    if path.is_relative_to(ROOT / "index_service" / "evaluation"):
        return "evaluator"
    return "index" if path.is_relative_to(ROOT / "index_service") else "both"


LIMITS: Final = "index_service/lookups/limits.py"
LIMIT_NAMES: Final = {"f'{who}-over-{span}'", "'too-many-guesses'"}

# Calls whose code is a variable, and the codes that it can be. `future` is answered as `stale`.
ELSEWHERE: Final[dict[str, tuple[int, set[Found]]]] = {
    "foundation/problems.py": (
        1,
        {(code, status, "both") for status, (code, _) in problems._DETAILS.items()},
    ),
    "protocol/signed_api.py": (
        3,
        {(refusal.value, 401, "both") for refusal in Refusal if refusal is not Refusal.FUTURE},
    ),
    LIMITS: (
        1,
        {
            (code, 429, "index")
            for code in (
                "officer-over-hour",
                "officer-over-day",
                "agency-over-hour",
                "agency-over-day",
                "too-many-guesses",
            )
        },
    ),
}
