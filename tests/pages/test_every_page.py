"""What holds of every page: WCAG 2.2 AA, 320 pixels, forced colours, keyboard, and no traces."""

import re

import pytest

from foundation.metrics import Metrics
from tests.pages.accessible import found_wrong
from tests.pages.conftest import Pages
from tests.pages.keyboard import tab_to
from tests.pages.tour import every_page

LARGEST_FIRST_PAGE = 200_000  # bytes


def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(pages: Pages) -> None:
    """Asked of each page at both widths as it is, and in forced colours too."""
    found = []
    officer, desk = pages.visitor("pc-tour"), pages.visitor("jo", "council")
    for name, visitor in every_page(pages, officer, desk):
        found += found_wrong(name, visitor.page)
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
        tab_to(page, f"[name={name}]")
        keys.type(typed)
    tab_to(page, "[name=purpose]")
    keys.press("Space")
    tab_to(page, "[name=reason]")
    keys.type("Welfare visit")
    tab_to(page, "summary")
    keys.press("Enter")
    tab_to(page, "[name=case_reference]")
    keys.press("Enter")
    page.wait_for_url(re.compile("/checks/"))
    tab_to(page, "a[href^='tel:']")
    tab_to(page, "button[value=spoke-useful]")
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
