"""Two agencies' pages on real services, and a real browser at them."""

import dataclasses
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import msgspec
import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from agency_connector.app import create_app
from agency_connector.installation import Installation
from agency_connector.pages import local_users
from agency_connector.pages.forms import DETAILS
from agency_connector.settings import ChecksSettings
from deploy.browser import start
from foundation.metrics import Metrics
from tests.agency_connector.lookups.conftest import template
from tests.agency_connector.lookups.county import County, Template
from tests.conftest import FakeClock

__all__ = ["template"]

WIDE = {"width": 1200, "height": 900}
NARROW = {"width": 320, "height": 640}


class _Silent(WSGIRequestHandler):
    def log_request(self, *_: object, **__: object) -> None:
        """Say nothing: what programs log is looked at by itself."""


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve an app on this machine; yield its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Visitor:
    """A browser of its own, at whose pages somebody has signed in, and all that it asked for."""

    page: Page
    address: str
    requests: list[tuple[str, str]] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        """Open a page."""
        self.page.goto(self.address + path)

    def check(self, **typed: str) -> None:
        """Fill in the form to check a name, and send it with Enter."""
        told = {"full_name": "Shula Hebden", "day": "8", "month": "8", "year": "1958",
                "reason": "Welfare visit", **typed}  # fmt: skip
        self.open("/")
        self.page.get_by_label("Keeping a person safe").check()
        if told.keys() & {*DETAILS} and not self.page.locator("details[open]").count():
            self.page.get_by_text("Add details").click()
        for name, value in told.items():
            self.page.locator(f"[name={name}]").fill(value)
        self.page.locator("[name=full_name]").press("Enter")
        self.page.wait_for_load_state()

    @property
    def heading(self) -> str:
        """What the page is called."""
        return self.page.locator("h1").inner_text()


@dataclass
class Pages:
    """The county, and the pages that are served in it."""

    county: County
    browser: Browser
    served: ExitStack
    figures: Metrics = field(default_factory=Metrics)
    addresses: dict[str, str] = field(default_factory=dict)
    contexts: list[BrowserContext] = field(default_factory=list)

    def visitor(self, user: str, agency: str = "police", width: dict[str, int] = WIDE) -> Visitor:
        """Sign somebody in with a browser of their own."""
        installation = self.county.connectors[agency]
        if agency not in self.addresses:
            figures = self.figures if agency == "police" else None
            self.addresses[agency] = self.serve(installation, figures)
        return self.signed_in(installation, self.addresses[agency], user, width)

    def asked_for_more(self, user: str) -> Visitor:
        """Sign an officer in where every check is asked for a fuller justification."""
        police = self.county.police
        settings = msgspec.structs.replace(police.settings, checks=ChecksSettings(justify_one_in=1))
        strict = dataclasses.replace(police, settings=settings)
        return self.signed_in(strict, self.serve(strict), user, WIDE)

    def serve(self, installation: Installation, figures: Metrics | None = None) -> str:
        """Serve an agency's pages; return the address."""
        return self.served.enter_context(served(create_app(installation, figures)))

    def signed_in(
        self, installation: Installation, address: str, user: str, width: dict[str, int]
    ) -> Visitor:
        """Sign somebody in at an address."""
        context = self.browser.new_context(viewport=width, java_script_enabled=True)  # type: ignore[arg-type]  # a size
        context.set_default_timeout(15_000)
        self.contexts.append(context)
        visitor = Visitor(context.new_page(), address)
        visitor.page.on(
            "request",
            lambda sent: visitor.requests.append((sent.url, sent.headers.get("referer", ""))),
        )
        visitor.page.on("load", lambda page: visitor.titles.append(page.title()))
        visitor.open("/sign-in")
        visitor.page.get_by_label("Local token").fill(local_users.new_token(installation, user))
        visitor.page.get_by_role("button", name="Sign in").click()
        return visitor


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser, started once."""
    with sync_playwright() as playwright:
        started = start(playwright)
        yield started
        started.close()


@pytest.fixture(scope="module")
def county(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[County]:
    """A county of the module's own, in which health has not published for a week."""
    with template.copied(tmp_path_factory.mktemp("pages"), FakeClock()) as made:
        made.mark("health", age=7 * 86_400_000)
        yield made


@pytest.fixture(scope="module")
def stack() -> Iterator[ExitStack]:
    """What the module's servers are ended with."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="module")
def addresses() -> dict[str, str]:
    """Where the module's agencies are served."""
    return {}


@pytest.fixture(scope="module")
def figures() -> Metrics:
    """What the police's connector counts."""
    return Metrics()


@pytest.fixture
def pages(
    county: County,
    browser: Browser,
    stack: ExitStack,
    addresses: dict[str, str],
    figures: Metrics,
) -> Iterator[Pages]:
    """The pages; each test's browsers are closed after it."""
    made = Pages(county, browser, stack, figures, addresses)
    yield made
    for context in made.contexts:
        context.close()


@pytest.fixture
def officer(pages: Pages) -> Visitor:
    """An officer of the police, signed in."""
    return pages.visitor("pc-archer")
