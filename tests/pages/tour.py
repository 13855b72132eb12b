"""Every page of the officer and the desk, one after the other: what is tested of each of them."""

from collections.abc import Iterator

from tests.pages.conftest import Pages, Visitor
from tests.pages.test_desk_journey import look_up, quoted


def every_page(pages: Pages, officer: Visitor, desk: Visitor) -> Iterator[tuple[str, Visitor]]:
    """Open each page in turn; yield what it is called in a test, and who looks at it."""
    yield "check", officer
    officer.check(full_name="", year="2999")
    yield "check with errors", officer
    officer.open("/")
    officer.page.get_by_text("Add details").click()
    yield "check with details", officer
    officer.check()
    reference = quoted(officer)
    yield "involved", officer
    officer.page.get_by_role("button", name="Spoke, useful").click()
    yield "outcome", officer
    answer = officer.page.url
    officer.page.get_by_role("link", name="Copy for case record").click()
    yield "case record", officer
    officer.page.goto(answer)
    officer.page.get_by_role("button", name="Print, which is recorded").click()
    yield "print", officer
    officer.check(full_name="Nelson Gabriel")
    yield "none recorded", officer
    with pages.nobody_answers():
        officer.check()
        yield "not searched", officer
    officer.open("/my-checks")
    yield "my checks", officer
    for path in ("/help", "/accessibility", "/session", "/session-over", "/practice", "/nowhere"):
        officer.open(path)
        yield path, officer
    officer.open("/practice")
    for name, value in (("full_name", "Wilhelmina Practice"), ("day", "3"), ("month", "4"),
                        ("year", "1987"), ("reason", "to learn")):  # fmt: skip
        officer.page.locator(f"[name={name}]").fill(value)
    officer.page.get_by_role("button", name="Practise this check").click()
    yield "practice answer", officer
    desk.open("/references")
    yield "reference", desk
    look_up(desk, "nonsense")
    yield "reference with an error", desk
    look_up(desk, reference)
    yield "resolved", desk
    strict = pages.asked_for_more("pc-strict")
    strict.check()
    yield "justification", strict
    strict.page.get_by_role("button", name="answer now").click()
    strict.open("/")
    yield "check with something owed", strict
    officer.page.get_by_role("button", name="Sign out").click()
    yield "sign in", officer
