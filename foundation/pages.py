"""The frame of every page, and the headers that keep a page to itself.

A template extends `frame.html` and fills the blocks `title`, `navigation`, `before`, `main` and
`footer`; it may call the macros of the GOV.UK Design System, such as `govukButton({...})`. Pages
have no script, load nothing but their one style sheet, which is ours, and are stored nowhere. They
read well from 320 CSS pixels up.
"""

import hashlib
import secrets
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from importlib import resources
from typing import Final

from flask import Flask, Response
from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    PackageLoader,
    PrefixLoader,
    StrictUndefined,
)
from markupsafe import Markup

from foundation.problems import Problem
from foundation.routes import Guard

_POLICY: Final = (
    "default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # Not no-referrer: with that, browsers send `Origin: null` with a form and it cannot be checked.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


_FOR_A_YEAR: Final = "public, max-age=31536000, immutable"
_HASH_DIGITS: Final = 16


_COMPONENTS: Final = (
    "back-link", "button", "checkboxes", "date-input", "details", "error-summary", "fieldset",
    "input", "inset-text", "notification-banner", "pagination", "phase-banner", "radios", "select",
    "summary-list", "table", "tag", "textarea", "warning-text",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Link:
    """A link in the footer of every page."""

    text: str
    address: str


class Pages:
    """Renders a program's templates in the frame.

    `templates` finds them; `service` is the name in the header, `organisation` whose installation
    this is, `links` stand in the footer, `styles` is CSS of its own. Everything is escaped, and an
    unknown variable is an error (jinja2.UndefinedError), never blank.
    """

    def __init__(
        self,
        templates: BaseLoader,
        *,
        service: str,
        organisation: str = "",
        links: tuple[Link, ...] = (),
        styles: str = "",
    ) -> None:
        frame = PackageLoader("foundation", "frame")
        self._environment = Environment(
            loader=ChoiceLoader([templates, frame]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        frame_css = resources.files("foundation").joinpath("frame", "frame.css")
        self._styles = frame_css.read_bytes() + styles.encode()
        name = hashlib.sha256(self._styles).hexdigest()[:_HASH_DIGITS]
        self._styles_at = f"/assets/{name}.css"
        self._environment.globals |= {
            "service": service,
            "organisation": organisation,
            "links": links,
            "styles_at": self._styles_at,
            **_macros(),
        }

    def serve(self, app: Flask, guard: Guard, *, may: Hashable) -> None:
        """Register the style sheet for the callers `may`; its address changes with its content."""

        @guard.route(app, self._styles_at, may=may, endpoint="styles")
        def styles() -> Response:
            response = Response(self._styles, mimetype="text/css")
            response.headers["Cache-Control"] = _FOR_A_YEAR
            response.headers["X-Content-Type-Options"] = "nosniff"
            return response

    def render(self, template: str, *, status: int = 200, **values: object) -> Response:
        """Return the page that `template` makes of `values`, with the HTTP `status`."""
        nonce = secrets.token_urlsafe(16)
        page = self._environment.get_template(template).render(nonce=nonce, **values)
        response = Response(page, status=status, mimetype="text/html")
        response.headers.update(_HEADERS)
        response.headers["Content-Security-Policy"] = _POLICY.format(nonce=nonce)
        return response

    def problem(self, problem: Problem) -> Response:
        """Return `problem` as a page for a person; give it to `problems.register` as `answer`."""
        response = self.render("problem.html", status=problem.status, problem=problem)
        response.headers.update(problem.headers)
        return response


def _macros() -> dict[str, Callable[..., Markup]]:
    """Return the macros of GOV.UK by name. They need blanks where our own templates allow none."""
    blanks = Environment(
        loader=PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")}),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def macro(component: str, name: str) -> Callable[..., Markup]:
        def call(*values: object, **named: object) -> Markup:
            path = f"govuk_frontend_jinja/components/{component}/macro.html"
            made: Markup = getattr(blanks.get_template(path).module, name)(*values, **named)
            return made

        return call

    names = {one: "govuk" + one.title().replace("-", "") for one in _COMPONENTS}
    return {name: macro(component, name) for component, name in names.items()}
