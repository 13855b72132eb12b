"""A page keeps to itself: nothing loaded, nothing stored, nothing unescaped."""

import re
from html.parser import HTMLParser

import pytest
from flask import Flask, Response
from jinja2 import DictLoader, UndefinedError

from foundation import problems
from foundation.pages import Link, Pages
from foundation.problems import Problem

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
    assert f'<style nonce="{nonce[1]}">' in first.get_data(as_text=True)
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert policy != second.headers["Content-Security-Policy"]


def test_a_page_is_stored_nowhere_and_framed_nowhere() -> None:
    headers = render().headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"


def test_a_page_loads_nothing_and_has_no_inline_style_or_script() -> None:
    text = render().get_data(as_text=True)
    for tag, attributes in Tags(text).seen:
        assert tag not in {"script", "img", "iframe", "object", "link"}
        assert not any(name == "style" or name.startswith("on") for name in attributes)
        assert "src" not in attributes
    assert "url(" not in text
    assert "@import" not in text
    assert "@font-face" not in text


def test_the_frame_has_what_a_screen_reader_and_a_small_screen_need() -> None:
    tags = Tags(render().get_data(as_text=True)).seen
    assert ("html", {"lang": "en-GB"}) in tags
    assert ("main", {"class": "main", "id": "main"}) in tags
    assert ("a", {"class": "skip-link", "href": "#main"}) in tags
    assert any(a.get("content") == "width=device-width, initial-scale=1" for _, a in tags)


def test_no_width_is_fixed_above_a_small_screen() -> None:
    """320 CSS pixels are 20rem; whatever is wider must be a maximum or stand behind @media."""
    text = render().get_data(as_text=True)
    everywhere = re.sub(r"@media.*?\}\s*\}", "", text, flags=re.DOTALL)
    for value in re.findall(r"(?<![-\w])(?:min-)?width:([\d.]+)rem", everywhere):
        assert float(value) < 20
    assert not re.search(r"(?<![-\w])(?:min-)?width:\d{3,}px", everywhere)


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
    assert "<h1>Too Many Requests</h1>" in answer.text
