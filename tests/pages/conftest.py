"""Two agencies' pages on real services, and a real browser at them."""

import dataclasses
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import msgspec
import pytest
import stamina
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
from tests.agency_connector.sign_in.people import cheap_hasher, hashing
from tests.conftest import FakeClock
from tests.pages.accessible import WIDE

__all__ = ["template"]


class _Silent(WSGIRequestHandler):
    def log_request(self, *_: object, **__: object) -> None:
        """Say nothing: what programs log is looked at by itself."""


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve an app on this machine; yield its address."""
    with serving(lambda _: app) as address:
        yield address


@contextmanager
def serving(make: Callable[[str], Flask]) -> Iterator[str]:
    """Serve the app that `make` makes for the address at which it will be; yield that."""
    server = make_server("127.0.0.1", 0, Flask("none"), threaded=True, request_handler=_Silent)
    address = f"http://127.0.0.1:{server.server_port}"
    server.app = make(address)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield address
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

    @contextmanager
    def nobody_answers(self) -> Iterator[None]:
        """Let no connector reach the index."""

        def unplug(_: object) -> None:
            raise ConnectionError

        self.county.index.before = unplug
        try:
            yield
        finally:
            self.county.index.before = lambda _: None

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
        token = local_users.new_token(installation, user)
        context.request.post(f"{address}/sign-in", form={"token": token}, max_redirects=0)
        visitor.open("/")
        return visitor


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser, started once."""
    with sync_playwright() as playwright:
        started = start(playwright)
        yield started
        started.close()


@pytest.fixture(scope="session")
def county(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[County]:
    """The one county of all these tests, in which health has not published for a week."""
    with (
        hashing(cheap_hasher()),
        stamina.set_testing(True, attempts=2, cap=True),
        template.copied(tmp_path_factory.mktemp("pages"), FakeClock()) as made,
    ):
        made.mark("health", age=7 * 86_400_000)
        yield made


@pytest.fixture(scope="session")
def stack() -> Iterator[ExitStack]:
    """What the servers are ended with."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="session")
def addresses() -> dict[str, str]:
    """Where the agencies are served."""
    return {}


@pytest.fixture(scope="session")
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
