"""A page keeps to itself: nothing loaded, nothing stored, nothing unescaped."""

import re
from html.parser import HTMLParser
from importlib import metadata
from pathlib import Path

import pytest
from flask import Flask, Response
from jinja2 import DictLoader, UndefinedError

import foundation
from foundation import problems
from foundation.pages import Link, Pages
from foundation.problems import Problem
from foundation.routes import Guard

STYLES = Path(foundation.__file__).parent / "frame" / "frame.css"
TEMPLATE = '{% extends "frame.html" %}{% block main %}<h1>{{ heading }}</h1>{% endblock %}'


def pages() -> Pages:
    return Pages(
        DictLoader({"one.html": TEMPLATE}),
        service="Check a name",
        organisation="North <Police>",
        links=(Link("Privacy", "/privacy"),),
    )


def render(heading: str = "Hello") -> Response:
    return pages().render("one.html", heading=heading)


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def test_every_value_is_escaped() -> None:
    text = render("<script>alert(1)</script>").get_data(as_text=True)
    assert "&lt;script&gt;alert(1)" in text
    assert "North &lt;Police&gt;" in text
    assert "<script" not in text


def test_the_policy_allows_this_pages_style_and_nothing_else() -> None:
    first, second = render(), render()
    policy = first.headers["Content-Security-Policy"]
    nonce = re.search(r"style-src 'nonce-([^']+)'", policy)
    assert nonce is not None
    sheets = [a for _, a in Tags(first.get_data(as_text=True)).seen if a.get("rel") == "stylesheet"]
    assert [sheet["nonce"] for sheet in sheets] == [nonce[1]]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert policy != second.headers["Content-Security-Policy"]


def test_a_page_is_stored_nowhere_and_framed_nowhere() -> None:
    headers = render().headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"


def test_a_page_loads_its_own_styles_alone_and_has_no_inline_style_or_script() -> None:
    text = render().get_data(as_text=True)
    for tag, attributes in Tags(text).seen:
        assert tag not in {"script", "img", "iframe", "object", "style"}
        assert not any(name == "style" or name.startswith("on") for name in attributes)
        assert "src" not in attributes
        if tag == "link":
            assert re.fullmatch(r"data:,|/assets/[0-9a-f]{16}\.css", attributes["href"] or "")
    styles = STYLES.read_text()
    assert "url(" not in styles
    assert "@import" not in styles
    assert "@font-face" not in styles
    assert "GDS Transport" not in styles


def test_the_styles_are_those_that_the_macros_go_with() -> None:
    """The table of compatible versions stands in govuk-frontend-jinja's README."""
    assert '--govuk-frontend-version: "6.3.0"' in STYLES.read_text()
    assert metadata.version("govuk-frontend-jinja").startswith("4.1.")


def test_the_styles_are_kept_by_browsers_and_change_their_address_with_their_content() -> None:
    addresses = []
    for styles in ("", ".app{color:red}"):
        app = Flask("test", static_folder=None)
        guard = Guard({"anyone": Guard.anyone})
        made = Pages(DictLoader({"one.html": TEMPLATE}), service="s", styles=styles)
        made.serve(app, guard, may="anyone")
        guard.seal(app)
        with app.test_request_context():
            page = made.render("one.html", heading="h").get_data(as_text=True)
        address = next(a["href"] for _, a in Tags(page).seen if a.get("rel") == "stylesheet")
        answer = app.test_client().get(address or "")
        assert answer.mimetype == "text/css"
        assert answer.text == STYLES.read_text() + styles
        assert "immutable" in answer.headers["Cache-Control"]
        addresses.append(address)
    assert addresses[0] != addresses[1]


def test_the_frame_has_what_a_screen_reader_and_a_small_screen_need() -> None:
    tags = Tags(render().get_data(as_text=True)).seen
    assert ("html", {"lang": "en-GB", "class": "govuk-template"}) in tags
    assert ("main", {"class": "govuk-main-wrapper", "id": "main"}) in tags
    assert ("a", {"class": "govuk-skip-link", "href": "#main"}) in tags
    assert any(a.get("content") == "width=device-width, initial-scale=1" for _, a in tags)


def test_a_missing_value_is_an_error_and_never_blank() -> None:
    with pytest.raises(UndefinedError):
        pages().render("one.html")


def test_a_problem_can_be_a_page() -> None:
    app = Flask("test", static_folder=None)
    problems.register(app, pages().problem)

    @app.get("/")
    def view() -> str:
        problem = Problem(429, "too-many", "Wait <a while>.")
        problem.headers["Retry-After"] = "9"
        raise problem

    answer = app.test_client().get("/")
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "9"
    assert "Wait &lt;a while&gt;." in answer.text
    assert '<h1 class="govuk-heading-l">Too Many Requests</h1>' in answer.text
