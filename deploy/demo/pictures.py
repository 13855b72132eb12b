"""`make screenshots`: takes the guides' pictures from the demo's pages, into docs/pictures."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from playwright.sync_api import Browser, Page, sync_playwright

from agency_connector.sign_in.codes import code_at
from deploy import browser
from deploy.demo.involvements import DEAN
from deploy.demo.members import HOUSING, POLICE, Member
from deploy.demo.pages import CODE_SECRET, PASSWORD, start_pages
from deploy.demo.partnership import bring_up
from deploy.demo.programs import Services
from deploy.demo.state import fresh
from deploy.demo.telling import Telling
from foundation.clock import now_ms
from foundation.operator import EXIT_FAILED, PlainError, one_line

FOLDER: Final = Path("docs/pictures")
WIDTH: Final = 800
_DEAN_BORN: Final = ("14", "3", "1983")


def main() -> int:
    """Take the pictures and return the exit code."""
    telling = Telling()
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory() as folder, fresh(Path(folder) / "demo") as home:
            services = Services(home / "logs")
            try:
                today = datetime.now(ZoneInfo("Europe/London")).date()
                partnership = bring_up(home, services, telling, today)
                _take(start_pages(partnership, services, telling))
            finally:
                services.stop()
    except (PlainError, browser.ChromiumMissing) as error:
        sys.stderr.write(f"error: {one_line(str(error))}\n")
        return EXIT_FAILED
    telling.good(f"The pictures are in {FOLDER}.")
    return 0


def _take(addresses: dict[Member, str]) -> None:
    with sync_playwright() as playwright:
        started = browser.start(playwright)
        with _signed_in(started, addresses[POLICE], "officer") as page:
            _officer(page, addresses[POLICE])
            reference = page.locator(".app-quote .app-reference").first.inner_text()
            partner = page.locator(".app-partner h2").first.inner_text()
            _officer_after(page, addresses[POLICE])
        holder = next((member for member in addresses if member.name == partner), HOUSING)
        with _signed_in(started, addresses[holder], "desk") as page:
            _desk(page, reference)
        started.close()


@contextmanager
def _signed_in(started: Browser, address: str, user: str) -> Iterator[Page]:
    """Sign in as one of the demo's people."""
    context = started.new_context(viewport={"width": WIDTH, "height": 600})
    page = context.new_page()
    page.goto(f"{address}/sign-in")
    page.get_by_label("User name").fill(user)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Code").fill(code_at(CODE_SECRET, now_ms()))
    page.get_by_role("button", name="Sign in").click()
    yield page
    context.close()


def _officer(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_label("Full name").fill(f"{DEAN.given} {DEAN.family}")
    for name, value in zip(("day", "month", "year"), _DEAN_BORN, strict=True):
        page.locator(f"[name={name}]").fill(value)
    page.get_by_label("Keeping somebody safe").check()
    page.get_by_label("Reason").fill("Reported missing by his sister this evening")
    _picture(page, "check-a-name")
    page.get_by_label("Full name").press("Enter")
    page.locator(".app-partner").first.wait_for()
    _picture(page, "answer")


def _officer_after(page: Page, address: str) -> None:
    page.get_by_role("button", name="Spoke, useful").click()
    page.goto(f"{address}/my-checks")
    _picture(page, "my-checks")


def _desk(page: Page, reference: str) -> None:
    page.get_by_label("Reference").fill(reference)
    _picture(page, "reference")
    page.get_by_label("Reference").press("Enter")
    page.locator(".app-partner").wait_for()
    _picture(page, "reference-resolved")


def _picture(page: Page, name: str) -> None:
    page.screenshot(path=FOLDER / f"{name}.png", full_page=True)


if __name__ == "__main__":
    sys.exit(main())
