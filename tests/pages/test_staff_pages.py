"""The pages of supervisors, auditors and administrators, and of what goes wrong, in a browser."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.agency_connector.lookups.county import County
from tests.pages.accessible import found_wrong
from tests.pages.keyboard import tab_to
from tests.pages.staff import Member, Staff, ground, staffed


@pytest.fixture(scope="module")
def running(county: County, browser: Browser) -> Iterator[Staff]:
    """The pages where people sign in, started once."""
    with staffed(county, browser) as made:
        yield made


@pytest.fixture
def staff(running: Staff) -> Iterator[Staff]:
    """The pages; each test's browsers are closed after it."""
    yield running
    while running.contexts:
        running.contexts.pop().close()


def no_trouble(pages: Iterator[tuple[str, Member]]) -> None:
    found = []
    for name, member in pages:
        found += found_wrong(name, member.page)
    assert found == []


def the_supervisors(staff: Staff) -> Iterator[tuple[str, Member]]:
    kim = staff.signed_in("kim")
    yield "supervise", kim
    kim.press("Open this check")
    yield "opened check", kim
    kim.press("Keep this verdict")
    yield "verdict with an error", kim
    kim.page.get_by_label("In order", exact=True).check()
    kim.press("Keep this verdict")
    yield "supervise with a verdict", kim
    kim.open("/supervision/months")
    yield "months", kim
    kim.page.locator("main a[href^='/supervision/months/']").first.click()
    yield "month", kim


def the_auditors(staff: Staff) -> Iterator[tuple[str, Member]]:
    ann, bob = staff.signed_in("ann"), staff.signed_in("bob")
    yield "audit by person", ann
    ann.press("Read the record")
    yield "audit by person with errors", ann
    by_person(ann)
    yield "audit result", ann
    ann.page.locator("main table a").first.click()
    yield "audit entry", ann
    ann.open("/audits/lookups")
    yield "audit by agency", ann
    ann.page.get_by_label("Agency").select_option("police")
    ann.page.locator("main form .govuk-button").click()
    yield "audit lookups", ann
    ann.open("/audits/everything")
    yield "audit everything", ann
    ann.press("Ask another auditor")
    yield "audit everything with an error", ann
    waits = wait_for_second(ann)
    yield "audit waits", ann
    bob.open("/audits/everything")
    yield "audit to confirm", bob
    bob.press("Confirm this reading")
    yield "audit confirmed by the second", bob
    ann.page.goto(waits)
    yield "audit confirmed", ann
    ann.press("Read every entry")
    yield "audit of every entry", ann


def what_goes_wrong(staff: Staff) -> Iterator[tuple[str, Member]]:
    ida, nobody = staff.signed_in("ida"), staff.newcomer("police")
    yield "an administrator begins", ida
    for path in ("/supervision", "/nowhere"):
        ida.open(path)
        yield f"error {path}", ida
    for path in ("/help", "/accessibility", "/sign-in?because=lapsed", "/sign-in?because=again"):
        nobody.open(path)
        yield path, nobody
    nobody.press("Sign in")
    yield "sign in with an error", nobody
    ida.open("/session")
    ida.page.locator("input[name=csrf]").evaluate("each => { each.value = 'wrong'; }")
    ida.press("Sign out")
    assert "This form is not from this session" in ida.page.content()
    yield "error csrf", ida
    elsewhere = staff.newcomer("provider")
    elsewhere.open("/sign-in")
    yield "sign in at the provider", elsewhere
    elsewhere.open("/sign-in/callback?state=none&code=none")
    yield "not signed in", elsewhere


def by_person(ann: Member) -> None:
    """Ask who queried the person whom the police have checked."""
    ann.open("/audits")
    for name, typed in (("full_name", "Shula Hebden"), ("day", "8"), ("month", "8"),
                        ("year", "1958"), ("ground", ground())):  # fmt: skip
        ann.page.locator(f"[name={name}]").fill(typed)
    ann.press("Read the record")


def wait_for_second(ann: Member) -> str:
    """Ask for a complete scan; return where it waits for a second person."""
    ann.open("/audits/everything")
    ann.page.locator("[name=ground]").fill(ground())
    ann.press("Ask another auditor")
    assert ann.heading == "This waits for a second person"
    return ann.page.url


def test_the_supervisors_pages_are_for_everybody(staff: Staff) -> None:
    no_trouble(the_supervisors(staff))


def test_the_auditors_pages_are_for_everybody(staff: Staff) -> None:
    no_trouble(the_auditors(staff))


def test_what_goes_wrong_is_told_so_that_everybody_can_read_it(staff: Staff) -> None:
    no_trouble(what_goes_wrong(staff))


def test_a_supervisor_needs_no_mouse(staff: Staff) -> None:
    """From the list to a verdict by Tab, Enter, Space and letters alone."""
    kim = staff.signed_in("kim")
    page, keys = kim.page, kim.page.keyboard
    tab_to(page, "form.app-open button")
    keys.press("Enter")
    page.wait_for_url(re.compile("/supervision/openings/"))
    tab_to(page, "[name=verdict]")
    keys.press("ArrowDown")
    tab_to(page, "[name=words]")
    keys.type("Why three times?")
    tab_to(page, "main .govuk-button")
    keys.press("Enter")
    page.wait_for_url(re.compile("/supervision$"))
    expect(page.get_by_text("Open again").first).to_be_visible()


def test_an_auditor_needs_no_mouse(staff: Staff) -> None:
    """From the form to the proof of one row, by keyboard alone."""
    ann = staff.signed_in("ann")
    page, keys = ann.page, ann.page.keyboard
    for name, typed in (("full_name", "Shula Hebden"), ("day", "8"), ("month", "8"),
                        ("year", "1958"), ("ground", ground())):  # fmt: skip
        tab_to(page, f"[name={name}]")
        keys.type(typed)
    keys.press("Enter")
    page.wait_for_url(re.compile(r"/audits/[\w-]{22}$"))
    tab_to(page, ".frame-scrolls")
    tab_to(page, "main table a")
    keys.press("Enter")
    page.wait_for_url(re.compile("/entries/"))
    assert "Shula" not in page.title() + page.url


def test_with_an_identity_provider_two_auditors_read_every_entry_and_sign_out(
    staff: Staff,
) -> None:
    """Sign-in, the second person and sign-out, each through the real provider and a real browser.

    The browser has to follow each step from site to site, which cookies and the policy of content
    could forbid.
    """
    ann = staff.through_the_provider("ann-1", "IFI auditors")
    bob = staff.through_the_provider("bob-2", "IFI auditors")
    assert ann.heading == "Who queried whom"
    waits = wait_for_second(ann)
    bob.open("/audits/everything")
    bob.press("Confirm this reading")
    ann.page.goto(waits)
    assert ann.heading == "Bob-2 has confirmed this reading"
    ann.press("Read every entry")
    assert ann.heading == "Every entry"
    expect(ann.page.get_by_text("nothing in the range is left out")).to_be_visible()
    ann.press("Sign out")
    ann.page.wait_for_url(f"{ann.address}/sign-in")
    ann.open("/audits")
    assert ann.heading == "Sign in"
