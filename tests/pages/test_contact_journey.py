"""Ask them to phone me, in a real browser: the officer asks, the desk answers, and back."""

import re

from playwright.sync_api import Page, expect

from agency_connector.contacts.exchange import exchange
from agency_connector.installation import Installation
from tests.pages.accessible import found_wrong
from tests.pages.conftest import Pages

WORDS = "About the tenancy of her flat in Zanzibar Road"


def wrong_crime(page: Page) -> None:
    """Close the request without looking at the crime question."""
    page.get_by_label("We have spoken").check()
    page.get_by_role("button", name="Close the request").click()
    expect(page.get_by_role("link", name="Say whether a crime was disclosed")).to_be_visible()


def test_an_officer_asks_the_desk_answers_and_the_officer_sees_it(pages: Pages) -> None:
    """Each page on the way is looked at with axe, at 1200 and at 320 pixels, without JavaScript."""
    police, council = (pages.county.connectors[agency] for agency in ("police", "council"))
    officer, desk = pages.visitor("pc-asks"), pages.visitor("jo", "council")
    found = []

    def poll(*agencies: Installation) -> None:
        for agency in agencies:
            exchange(agency)

    officer.check()
    answer, page = officer.page.url, officer.page
    page.get_by_role("link", name="Ask them to phone me").click()
    page.get_by_role("button", name="Ask them to phone me").click()
    assert page.title().startswith("Error: ")
    found += found_wrong("request form", page)
    page.get_by_label("What you would like to talk about").fill(WORDS)
    page.get_by_label("Your number").fill("01632 960111")
    page.get_by_role("button", name="Ask them to phone me").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "You asked Borchester Council to phone you"
    )
    found += found_wrong("own request", page)
    poll(council)

    at = desk.page
    at.get_by_role("link", name="Requests to phone").click()
    expect(at.get_by_text(WORDS)).to_have_count(0)
    found += found_wrong("requests", at)
    at.get_by_role("button", name="Open the request of Borsetshire Police").click()
    for told in (WORDS, "This is not a crime report.", "C-17", "pc-asks"):
        expect(at.get_by_text(told).first).to_be_visible()
    expect(at.get_by_role("link", name="01632 960100")).to_have_attribute("href", "tel:01632960100")
    found += found_wrong("request", at)
    at.get_by_role("button", name="We will phone").click()
    poll(police)
    page.goto(answer)
    expect(page.get_by_role("link", name="You asked them to phone you")).to_be_visible()
    expect(page.locator(".app-ask")).to_contain_text("They will phone")
    found += found_wrong("answer with a request", page)

    wrong_crime(at)
    found += found_wrong("request with errors", at)
    at.get_by_label("Yes", exact=True).check()
    at.get_by_label("or who records it").fill("Our duty officer")
    at.get_by_role("button", name="Close the request").click()
    expect(at.get_by_text("A crime was disclosed: recorded by Our duty officer.")).to_be_visible()
    found += found_wrong("closed request", at)
    poll(police)
    officer.open("/my-checks")
    expect(page.locator(".app-check").first).to_contain_text("Spoken")
    found += found_wrong("my checks with a request", page)
    page.get_by_role("link", name=re.compile("You asked Borchester Council")).click()
    expect(page.get_by_text("recorded by Our duty officer")).to_be_visible()
    found += found_wrong("own request, closed", page)
    assert found == []
    for url, referer in (*officer.requests, *desk.requests):
        assert not re.search("zanzibar|C-17|960111", url + referer, re.IGNORECASE)
