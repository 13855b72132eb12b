"""What is wrong with a page for whoever uses it: axe, 320 pixels (400 % zoom), forced colours."""

import os
from pathlib import Path
from typing import Any, Final

from axe_playwright_python.sync_playwright import (  # type: ignore[import-untyped]  # none made
    Axe,
)
from playwright.sync_api import Page

WIDE: Final = {"width": 1200, "height": 900}
NARROW: Final = {"width": 320, "height": 640}
"""1280 pixels at 400 % zoom are as wide as this too (WCAG 1.4.10)."""

PICTURES: Final = os.environ.get("PICTURES_OF_TESTED_PAGES")
"""A folder in which a picture of each page at both widths is left, for whoever wants to look."""

_WCAG: Final = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
# What scrolls by itself, a table of many columns, may be wider than the screen.
_FITS: Final = """() => {
    const wide = [];
    for (const each of document.querySelectorAll('body *')) {
        const box = each.getBoundingClientRect();
        const seen = getComputedStyle(each).visibility !== 'hidden' && box.width > 1;
        if (each.closest('.frame-scrolls') && !each.matches('.frame-scrolls')) continue;
        if (seen && box.right > innerWidth + 1) wide.push(each.tagName + '.' + each.className);
    }
    return [document.documentElement.scrollWidth <= innerWidth, wide];
}"""
_UNMARKED: Final = """() => [...document.querySelectorAll('button, .govuk-button, input')]
    .filter(each => each.type !== 'hidden')
    .filter(each => each.offsetWidth > 1 && !each.classList.contains('app-link-button'))
    .filter(each => !each.matches('[type=checkbox], [type=radio]'))
    .filter(each => getComputedStyle(each).borderTopStyle === 'none')
    .map(each => each.outerHTML)"""
# What passed is not brought over: that would cost more than finding it out.
_VIOLATIONS: Final = """async wanted => (await axe.run(document, wanted)).violations.map(
    each => [each.id, each.nodes.map(node => node.html.slice(0, 200))])"""
_AXE: Final = Axe()


def found_wrong(name: str, page: Page) -> list[tuple[str, str, Any]]:
    """Return what is wrong with the page that is open: its name, in what, and where."""
    found: list[tuple[str, str, Any]] = []
    page.evaluate(_AXE.axe_script)
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)  # type: ignore[arg-type]  # a size
        at = f"{name}, {size['width']}"
        fits, wider = page.evaluate(_FITS)
        if not fits or wider:
            found.append((at, "wider than the screen", wider))
        found += [(at, rule, places) for rule, places in page.evaluate(_VIOLATIONS, _WCAG)]
        if PICTURES:
            picture = Path(PICTURES) / f"{name.replace('/', '-')}-{size['width']}.png"
            page.screenshot(path=picture, full_page=True)
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]  # a size
    page.emulate_media(forced_colors="active")
    if unmarked := page.evaluate(_UNMARKED):
        found.append((name, "no border in forced colours", unmarked))
    page.emulate_media(forced_colors="none")
    return found
