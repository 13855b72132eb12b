"""The desk that is phoned: from a quoted reference to its record and whom to ring back."""

import pytest
from playwright.sync_api import expect

from tests.pages.conftest import Pages, Visitor


def quoted(officer: Visitor) -> str:
    """The first reference that the officer's answer says to quote."""
    return officer.page.locator(".app-quote .app-reference").first.inner_text()


def look_up(desk: Visitor, reference: str) -> None:
    """Type the reference that a caller gives, and press Enter."""
    desk.open("/references")
    desk.page.get_by_label("Reference").fill(reference)
    desk.page.get_by_label("Reference").press("Enter")
    desk.page.wait_for_load_state()


@pytest.fixture
def officer(pages: Pages) -> Visitor:
    """Whoever asks; their own checks are looked at elsewhere."""
    return pages.visitor("pc-quoting")


def test_from_a_reference_to_the_record_and_the_number_to_ring(
    pages: Pages, officer: Visitor
) -> None:
    officer.check()
    reference = quoted(officer)
    desk = pages.visitor("jo", "council")
    look_up(desk, f" {reference.lower()}\u200b ")
    page = desk.page
    assert desk.heading == f"Reference {reference}"
    for words in (
        "C-17",
        "Borsetshire Police",
        "Keeping a person safe",
        "Today at 12:00",
        "Found as almost certainly or probably the same person",
        "Ring back on this number, not on one that the caller gives you.",
    ):
        expect(page.get_by_text(words).first).to_be_visible()
    expect(page.get_by_role("link", name="01632 960100")).to_be_visible()
    for words in ("Different person", "Not ours", "Same person"):
        page.get_by_role("button", name=words).click()
        expect(page.locator("[aria-pressed=true]")).to_have_text(words)


def test_of_a_possible_person_nothing_is_told_until_the_asker_confirms(
    pages: Pages, officer: Visitor
) -> None:
    officer.check(day="", month="")
    officer.page.get_by_role("button", name="Look wider").click()
    reference = quoted(officer)
    desk = pages.visitor("jo", "council")
    look_up(desk, reference)
    expect(desk.page.get_by_text("Found by looking wider")).to_be_visible()
    expect(desk.page.get_by_text("C-17")).to_have_count(0)
    expect(desk.page.get_by_role("button", name="Same person")).to_have_count(0)
    desk.page.get_by_role("button", name="I have rung back and they confirm it").click()
    expect(desk.page.get_by_text("C-17")).to_be_visible()
    expect(desk.page.get_by_role("button", name="Same person")).to_be_visible()


def test_a_reference_that_is_none_or_another_agencys_tells_nothing(
    pages: Pages, officer: Visitor
) -> None:
    officer.check()
    reference = quoted(officer)
    look_up(officer, reference)
    expect(officer.page.get_by_role("alert")).to_be_visible()
    assert officer.page.title().startswith("Error: ")
    look_up(officer, "nonsense")
    expect(officer.page.get_by_role("alert").get_by_text("ask the caller")).to_be_visible()
