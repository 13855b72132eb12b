"""Debian's Chromium, driven by Playwright: for the tests of the pages, and their pictures."""

from pathlib import Path

from playwright.sync_api import Browser, Playwright

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


class ChromiumMissing(Exception):
    """There is no browser; the message is the one line that says what to do."""


def start(playwright: Playwright) -> Browser:
    """Start the browser; ChromiumMissing if this machine has none."""
    if not CHROMIUM.exists():
        raise ChromiumMissing("Chromium is not on this machine: run deploy/prerequisites browser")
    return playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
