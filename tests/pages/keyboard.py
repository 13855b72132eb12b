"""Going through a page by keyboard alone."""

import pytest
from playwright.sync_api import Page


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus, which has to be seen on it."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
            seen = page.evaluate(
                "() => { const s = getComputedStyle(document.activeElement);"
                " return s.outlineStyle !== 'none' || s.boxShadow !== 'none'; }"
            )
            assert seen or page.evaluate("document.activeElement.type") == "radio", selector
            return
    pytest.fail(f"Tab does not lead to {selector}")
