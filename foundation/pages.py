"""The frame of every page, and the headers that keep a page to itself.

A template extends `frame.html` and fills the blocks `title`, `before`, `main` and `footer`. Pages
have no script, load nothing from elsewhere, and are stored nowhere; their one style sheet stands
in the page under a nonce. They read well from 320 CSS pixels up.
"""

import secrets
from dataclasses import dataclass
from importlib import resources
from typing import Final

from flask import Response
from jinja2 import BaseLoader, ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from foundation.problems import Problem

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


@dataclass(frozen=True, slots=True)
class Link:
    """A link in the footer of every page."""

    text: str
    address: str


class Pages:
    """Renders a program's templates in the frame.

    `templates` finds them; `service` is the name in the header, `organisation` whose installation
    this is, `links` stand in the footer. Everything is escaped, and an unknown variable is an
    error (jinja2.UndefinedError), never blank.
    """

    def __init__(
        self,
        templates: BaseLoader,
        *,
        service: str,
        organisation: str = "",
        links: tuple[Link, ...] = (),
    ) -> None:
        frame = PackageLoader("foundation", "")
        self._environment = Environment(
            loader=ChoiceLoader([templates, frame]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        style = resources.files("foundation").joinpath("frame.css").read_text(encoding="utf-8")
        self._environment.globals |= {
            "service": service,
            "organisation": organisation,
            "links": links,
            "stylesheet": Markup(style),  # noqa: S704 - our own file
        }

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
