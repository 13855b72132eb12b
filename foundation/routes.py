"""Default deny: a route exists only if it names who may call it.

A program states its kinds of caller once, each with the check that tells who is calling:

    guard = Guard({Caller.AGENCY: signed_by_an_agency, Caller.ANYONE: Guard.anyone})

    @guard.route(blueprint, "/lookups", methods=("POST",), may=Caller.AGENCY)
    def look_up() -> ...:
        agency = g.principal

    app.register_blueprint(blueprint)
    guard.seal(app)
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from flask import Blueprint, Flask, g, request
from flask.typing import ResponseReturnValue
from werkzeug.routing import Rule

P = ParamSpec("P")
R = TypeVar("R", bound=ResponseReturnValue)

Check = Callable[[], object]
"""Returns who is calling the current request, or raises `Problem` (401 or 403) to refuse it."""

_IMPLIED: Final = frozenset({"HEAD", "OPTIONS"})  # added by Werkzeug and Flask


class UnguardedRouteError(RuntimeError):
    """A route that does not say who may call it; the program must not start."""


class Guard:
    """Registers routes together with who may call them, and refuses an app with any other.

    `checks` gives for each kind of caller the check that runs before the view. What it returns is
    in `flask.g.principal` while the view runs.
    """

    def __init__(self, checks: Mapping[Hashable, Check]) -> None:
        self._checks = dict(checks)
        self._guarded: dict[Callable[..., object], Hashable] = {}

    @staticmethod
    def anyone() -> None:
        """Be the check of a route that is public on purpose; the principal is None."""

    def route(
        self,
        target: Flask | Blueprint,
        rule: str,
        methods: Iterable[str] = ("GET",),
        *,
        may: Hashable,
        endpoint: str | None = None,
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Register a view of `target` at `rule` for the callers `may`; a decorator.

        The check runs before anything of the view does. Raises UnguardedRouteError if `may` is no
        kind of caller this guard knows.
        """
        if may not in self._checks:
            raise UnguardedRouteError(f"{rule} may be called by {may!r}, of whom there is no check")
        check = self._checks[may]

        def register(view: Callable[P, R]) -> Callable[P, R]:
            @wraps(view)
            def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
                g.principal = check()
                return view(*args, **kwargs)

            self._guarded[guarded] = may
            # Flask would answer OPTIONS by itself, before any check.
            target.add_url_rule(
                rule,
                endpoint,
                guarded,
                methods=list(methods),
                provide_automatic_options=False,
            )
            return guarded

        return register

    def may(self, app: Flask, rule: Rule) -> Hashable:
        """Return who may call `rule` of `app`; UnguardedRouteError if nobody said so."""
        view = app.view_functions.get(rule.endpoint)
        if view is None or view not in self._guarded:
            methods = ", ".join(sorted((rule.methods or set()) - _IMPLIED))
            raise UnguardedRouteError(
                f"{methods} {rule.rule} ({rule.endpoint}) does not say who may call it: "
                "register it with Guard.route"
            )
        return self._guarded[view]

    def seal(self, app: Flask) -> None:
        """Raise UnguardedRouteError unless every route of `app` went through this guard.

        Call it last. A route added afterwards is refused at the first request to it. Flask's own
        static route counts too: make the app with `static_folder=None`.
        """
        for rule in app.url_map.iter_rules():
            self.may(app, rule)

        @app.before_request
        def _refuse_late_routes() -> None:
            if request.url_rule is not None:
                self.may(app, request.url_rule)
