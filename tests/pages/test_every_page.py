"""What holds of every page: WCAG 2.2 AA, 320 pixels, forced colours, keyboard, and no traces."""

import re

import pytest
from axe_playwright_python.sync_playwright import (  # type: ignore[import-untyped]  # none made
    Axe,
)
from playwright.sync_api import Page

from foundation.metrics import Metrics
from tests.pages.conftest import NARROW, WIDE, Pages
from tests.pages.tour import every_page

WCAG = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
LARGEST_FIRST_PAGE = 200_000  # bytes

FITS = """() => {
    const wide = [];
    for (const each of document.querySelectorAll('body *')) {
        const box = each.getBoundingClientRect();
        const seen = getComputedStyle(each).visibility !== 'hidden' && box.width > 1;
        if (seen && box.right > innerWidth + 1) wide.push(each.tagName + '.' + each.className);
    }
    return [document.documentElement.scrollWidth <= innerWidth, wide];
}"""
UNMARKED = """() => [...document.querySelectorAll('button, .govuk-button, input')]
    .filter(each => each.type !== 'hidden')
    .filter(each => each.offsetWidth > 1 && !each.classList.contains('app-link-button'))
    .filter(each => !each.matches('[type=checkbox], [type=radio]'))
    .filter(each => getComputedStyle(each).borderTopStyle === 'none')
    .map(each => each.outerHTML)"""


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    pages: Pages, size: dict[str, int]
) -> None:
    """Asked of each page as it is, and of the wide ones in forced colours too."""
    axe, found = Axe(), []
    officer = pages.visitor("pc-archer", width=size)
    desk = pages.visitor("jo", "council", width=size)
    for name, visitor in every_page(pages, officer, desk):
        page = visitor.page
        fits, wider = page.evaluate(FITS)
        if not fits or wider:
            found.append((name, "wider than the screen", wider))
        found += [
            (name, told["id"], [node["html"][:200] for node in told["nodes"]])
            for told in axe.run(page, options=WCAG).response["violations"]
        ]
        page.emulate_media(forced_colors="active")
        if unmarked := page.evaluate(UNMARKED):
            found.append((name, "no border in forced colours", unmarked))
        page.emulate_media(forced_colors="none")
    assert found == []


def test_an_officer_needs_no_mouse(pages: Pages) -> None:
    """From the first page to the number to phone by Tab, Enter, Space and letters alone."""
    officer = pages.visitor("pc-keys")
    officer.open("/")
    page, keys = officer.page, officer.page.keyboard
    keys.press("Tab")
    assert page.evaluate("document.activeElement.className") == "govuk-skip-link"
    keys.press("Enter")
    person = {"full_name": "Shula Hebden", "day": "8", "month": "8", "year": "1958"}
    for name, typed in person.items():
        _tab_to(page, f"[name={name}]")
        keys.type(typed)
    _tab_to(page, "[name=purpose]")
    keys.press("Space")
    _tab_to(page, "[name=reason]")
    keys.type("Welfare visit")
    _tab_to(page, "summary")
    keys.press("Enter")
    _tab_to(page, "[name=case_reference]")
    keys.press("Enter")
    page.wait_for_url(re.compile("/checks/"))
    _tab_to(page, "a[href^='tel:']")
    _tab_to(page, "button[value=spoke-useful]")
    keys.press("Enter")
    page.wait_for_load_state()
    assert page.locator("[aria-pressed=true]").inner_text() == "Spoke, useful"


def test_nothing_of_a_person_is_in_an_address_a_title_a_log_or_a_figure(
    pages: Pages, figures: Metrics, capfd: pytest.CaptureFixture[str]
) -> None:
    officer = pages.visitor("pc-quiet")
    officer.check(
        full_name="Zephyrine Quillfeather", day="17", month="10", year="1961",
        reason="Zanzibarian welfare", case_reference="Kanarienvogel-9", on_behalf_of="Sgt Ypsilon",
        postcode="SW1A 2AA",
    )  # fmt: skip
    assert officer.heading == "No involvement recorded"
    officer.page.get_by_role("link", name="Copy for case record").click()
    officer.page.go_back()
    officer.page.get_by_role("link", name="Mend the details and check again").click()
    officer.open("/my-checks")
    logged = capfd.readouterr()
    traces = {
        "addresses and referers": repr(officer.requests),
        "titles": repr(officer.titles),
        "log": logged.out + logged.err,
        "figures": figures.render().decode(),
    }
    assert "/checks/" in traces["addresses and referers"]
    assert "request.answered" in traces["log"]
    assert "ifi_" in traces["figures"]
    for where, told in traces.items():
        for canary in ("quillfeather", "zephyrine", "1961", "zanzibar", "kanarien", "ypsilon",
                       "sw1a"):  # fmt: skip
            assert canary not in told.lower(), (where, canary)


def test_the_first_page_weighs_little(pages: Pages) -> None:
    officer = pages.visitor("pc-light")
    sizes: list[int] = []
    officer.page.on("response", lambda answer: sizes.append(len(answer.body())))
    officer.open("/")
    officer.page.wait_for_load_state("networkidle")
    assert 0 < sum(sizes) < LARGEST_FIRST_PAGE


def test_without_scripts_there_is_nothing_to_run(pages: Pages) -> None:
    officer = pages.visitor("pc-plain")
    officer.check()
    assert officer.page.locator("script").count() == 0
    assert {url.rpartition("/")[0] for url, _ in officer.requests if "assets" in url} == {
        f"{officer.address}/assets"
    }
    assert all(url.startswith((officer.address, "data:")) for url, _ in officer.requests)


def _tab_to(page: Page, selector: str) -> None:
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
