"""A browser without JavaScript: keeps cookies, sends forms with what stands in their fields."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from agency_connector.installation import Installation
from agency_connector.pages import local_users

_TYPED_INTO = ("input", "select", "textarea")
_CHOSEN = ("checkbox", "radio")


class _Fields(HTMLParser):
    """Reads each form's address and the values of its inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, str]] = {}
        self._at: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            assert told["method"] == "post"
            self._at = self.forms.setdefault(told["action"], {})
        elif tag in _TYPED_INTO and "name" in told and told.get("type") not in _CHOSEN:
            self._at[told["name"]] = told.get("value", "")


def forms(page: TestResponse) -> dict[str, dict[str, str]]:
    """The forms of a page by their address, each with its fields' values."""
    parser = _Fields()
    parser.feed(page.text)
    return parser.forms


@dataclass
class Browser:
    """One browser at one connector."""

    app: Flask
    installation: Installation
    client: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.app.test_client()

    def sign_in(self, user: str) -> TestResponse:
        """Make a token for `user` and sign in with it."""
        self.token = local_users.new_token(self.installation, user)
        return self.client.post("/sign-in", data={"token": self.token})

    def get(self, path: str = "/", **more: Any) -> TestResponse:
        """Open a page."""
        return self.client.get(path, **more)

    def send(self, page: TestResponse, action: str, **typed: str) -> TestResponse:
        """Send a form of `page` with these fields filled in."""
        return self.client.post(action, data={**forms(page)[action], **typed})

    def check(self, **typed: str) -> TestResponse:
        """Fill in the form and send it."""
        told = {
            "full_name": "Shula Hebden", "day": "8", "month": "8", "year": "1958",
            "purpose": "safeguarding", "reason": "Welfare visit",
        }  # fmt: skip
        return self.send(self.get(), "/checks", **{**told, **typed})
