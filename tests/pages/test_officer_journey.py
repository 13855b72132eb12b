"""An officer's journey through the pages, in a real browser on real services."""

import re

from playwright.sync_api import Page, expect

from tests.pages.conftest import Pages, Visitor

WORDS = "Her neighbour rang about shouting tonight and we go there now"


def test_from_a_name_to_the_phone_in_one_page_and_one_enter(officer: Visitor) -> None:
    officer.check()
    assert officer.heading == "1 partner is involved"
    page = officer.page
    expect(page.get_by_role("link", name="01632 960200")).to_have_attribute(
        "href", "tel:01632960200"
    )
    for words in (
        "Almost certainly the same person",
        "It is not evidence of wrongdoing. Do not decide on it alone: phone.",
        "Reference to quote",
        "This check was recorded at 12:00.",
        "Out of date",
    ):
        expect(page.get_by_text(words).first).to_be_visible()
    shown = page.url.rpartition("/")[2]
    expect(page.get_by_text(shown)).to_be_visible()


def test_what_came_of_it_is_one_tap_and_stands_under_my_checks(officer: Visitor) -> None:
    officer.check()
    page = officer.page
    page.get_by_role("button", name="Spoke, useful").click()
    expect(page.locator("[aria-pressed=true]")).to_have_text("Spoke, useful")
    page.get_by_role("link", name="My checks").click()
    line = page.locator(".app-check").first
    expect(line).to_contain_text("Shula Hebden, born 8/8/1958")
    line.get_by_role("button", name="Different person").click()
    expect(page.locator(".app-check").first.locator("[aria-pressed=true]")).to_have_text(
        "Different person"
    )


def test_an_answer_is_copied_with_every_sentence_that_goes_with_it(officer: Visitor) -> None:
    officer.check()
    reference = officer.page.locator(".app-quote .app-reference").inner_text()
    officer.page.get_by_role("link", name="Copy for case record").click()
    text = officer.page.get_by_label("The answer as plain text")
    expect(text).to_have_attribute("readonly", "readonly")
    told = text.input_value()
    for words in ("1 partner is involved", "Shula Hebden", "Borchester Council", "01632 960200",
                  reference, "It is not evidence of wrongdoing", "NOT SEARCHED OR OUT OF DATE",
                  "by pc-archer"):  # fmt: skip
        assert words in told, words


def test_a_print_is_recorded_and_bears_the_marking(officer: Visitor) -> None:
    officer.check()
    officer.page.get_by_role("button", name="Print, which is recorded").click()
    officer.page.emulate_media(media="print")
    marks = officer.page.locator(".app-marking")
    assert [mark.inner_text() for mark in marks.all()] == ["OFFICIAL-SENSITIVE"] * 2
    expect(officer.page.get_by_text("Printed by pc-archer of Borsetshire Police")).to_be_visible()
    expect(officer.page.get_by_role("navigation")).to_be_hidden()


def test_nobody_found_is_not_the_end(officer: Visitor) -> None:
    officer.check(full_name="Nelson Gabriel", year="1933")
    page = officer.page
    assert officer.heading == "No involvement recorded"
    expect(
        page.get_by_text("This does not mean the person is unknown or safe.").first
    ).to_be_visible()
    page.get_by_role("link", name="Mend the details and check again").click()
    assert page.locator("[name=full_name]").input_value() == "Nelson Gabriel"
    assert [page.locator(f"[name={name}]").input_value() for name in ("day", "month", "year")] == [
        "8", "8", "1933",
    ]  # fmt: skip
    assert page.locator("[name=reason]").input_value() == ""


def test_a_date_the_wrong_way_round_is_found_by_looking_wider(officer: Visitor) -> None:
    officer.check(full_name="Shulah Hebdon", year="")
    assert officer.heading != "1 partner is involved"
    officer.check(full_name="Shula Hebden")
    officer.page.get_by_role("button", name="Look wider").click()
    expect(officer.page.get_by_text("Your first check found Borchester Council")).to_be_visible()


def test_purpose_and_case_reference_stay_and_nothing_of_a_person(officer: Visitor) -> None:
    officer.check(case_reference="CASE/77")
    officer.page.get_by_role("link", name="Check another name").click()
    page = officer.page
    assert page.get_by_label("Keeping a person safe").is_checked()
    assert page.locator("[name=case_reference]").input_value() == "CASE/77"
    for name in ("full_name", "day", "month", "year", "reason"):
        assert page.locator(f"[name={name}]").input_value() == ""


def test_one_check_in_n_is_asked_for_more_first_and_stays_asked(pages: Pages) -> None:
    officer = pages.asked_for_more("pc-perks")
    officer.check()
    page, waiting = officer.page, officer.page.url
    assert officer.heading == "Before this check, say more"
    officer.check(full_name="Somebody Else")
    assert page.url == waiting, "a pending one stays"
    expect(page.get_by_text("Shula Hebden")).to_be_visible()
    page.get_by_label("Why this person").fill("too short")
    page.get_by_role("button", name="Check this name").click()
    expect(page.get_by_role("alert").get_by_text("Say more: 20 characters or more")).to_be_visible()
    page.get_by_label("Why this person").fill(WORDS)
    page.get_by_role("button", name="Check this name").click()
    assert officer.heading == "1 partner is involved"
    officer.check(full_name="Nelson Gabriel")
    page.get_by_role("button", name="Do without this check").click()
    assert officer.heading == "Check a name"
    assert page.locator("[name=full_name]").input_value() == ""


def test_immediate_risk_is_answered_at_once_and_owed_for(pages: Pages) -> None:
    officer = pages.asked_for_more("pc-rush")
    officer.open("/")
    officer.page.get_by_label("Immediate risk of serious harm").check()
    person = {"full_name": "Shula Hebden", "day": "8", "month": "8", "year": "1958"}
    for name, value in person.items():
        officer.page.locator(f"[name={name}]").fill(value)
    officer.page.get_by_label("Keeping a person safe").check()
    officer.page.get_by_role("button", name="Check this name").click()
    assert officer.heading == "1 partner is involved"
    expect(officer.page.get_by_text("Justify this check.")).to_be_visible()
    officer.open("/")
    officer.page.get_by_role("link", name="Justify it").click()
    officer.page.get_by_label("What the risk was").fill(WORDS)
    officer.page.get_by_role("button", name="Send").click()
    assert officer.heading == "1 partner is involved"
    expect(officer.page.get_by_text("Justify this check.")).to_have_count(0)
    officer.check()
    officer.page.get_by_role("button", name="answer now").click()
    assert officer.heading == "1 partner is involved"
    expect(officer.page.get_by_text("Justify this check.")).to_be_visible()


def test_a_double_click_is_one_check(pages: Pages, officer: Visitor) -> None:
    before = len(pages.county.consultations())
    officer.check(reason="")
    officer.page.locator("[name=reason]").fill("Welfare visit")
    officer.page.get_by_role("button", name="Check this name").dblclick()
    officer.page.wait_for_url(re.compile("/checks/"))
    assert officer.heading == "1 partner is involved"
    assert len(pages.county.consultations()) == before + 1


NAMES = (
    "Złata Ćwiklińska", "Юлия Щербакова", "محمد عبد\u200cالله",  # noqa: RUF001 - their own script
    "王小明", "Ὀδυσσεύς Παπαδόπουλος", "נועה בן־דוד", "O\u2019Brien-Smythe", "प्रिया शर्मा",
    "<b>Shula</b> Hebden",
)  # fmt: skip


def test_every_script_is_taken_and_shown_as_it_was_typed(officer: Visitor) -> None:
    for name in NAMES:
        officer.check(full_name=name)
        assert officer.heading in ("No involvement recorded", "Nothing was compared yet"), name
        expect(officer.page.get_by_text(f"{name}, born 8/8/1958")).to_be_visible()


def test_what_nobody_sees_is_taken_out_of_what_was_pasted(officer: Visitor) -> None:
    officer.check(full_name="\u200b\u00a0 Shula\u2060 \u00a0\ufeffHebden\u200f ", day=" 8\u200b")
    assert officer.heading == "1 partner is involved"
    expect(officer.page.get_by_text("Shula Hebden, born 8/8/1958.")).to_be_visible()


WRONG: tuple[tuple[dict[str, str], str, str], ...] = (
    ({"full_name": "\u200b\u200d \u2060"}, "Enter the full name", "full_name"),
    ({"year": "2999"}, "lies in the future", "day"),
    ({"day": "31", "month": "2"}, "there is no such day", "day"),
    ({"age": "40"}, "Give the date of birth or an age, but not both", "age"),
    ({"day": "", "month": "", "year": "", "age": "999"}, "Give the age in whole years", "age"),
)


def test_what_is_wrong_is_told_at_the_top_and_leads_to_its_field(officer: Visitor) -> None:
    for typed, words, field in WRONG:
        officer.check(**typed)
        assert officer.page.title().startswith("Error: ")
        officer.page.locator(".govuk-error-summary a", has_text=words).click()
        assert focused(officer.page) == field


def test_an_age_about_right_finds_what_may_be_the_person(officer: Visitor) -> None:
    officer.check(day="", month="", year="", age="66")
    assert officer.heading in ("Nothing was compared yet", "No involvement recorded",
                               "1 partner may be involved")  # fmt: skip
    expect(officer.page.get_by_text("born about aged 66")).to_be_visible()


def test_a_name_of_300_characters_is_taken_and_breaks_no_page(pages: Pages) -> None:
    officer = pages.visitor("pc-long", width={"width": 320, "height": 640})
    officer.check(full_name="Shula " + "H" * 294)
    assert "/checks/" in officer.page.url or officer.page.title().startswith("Error: ")
    assert officer.page.evaluate("document.documentElement.scrollWidth") <= 320


def test_practice_is_marked_and_records_nothing(pages: Pages, officer: Visitor) -> None:
    before = len(pages.county.consultations())
    officer.page.get_by_role("link", name="Practise with people who are made up").click()
    page = officer.page
    for name, value in (("full_name", "wilhelmina  PRACTICE"), ("day", "03"), ("month", "4"),
                        ("year", "1987"), ("reason", "to learn")):  # fmt: skip
        page.locator(f"[name={name}]").fill(value)
    page.get_by_role("button", name="Practise this check").click()
    expect(page.get_by_text("This person is made up.")).to_be_visible()
    expect(page.get_by_role("heading", name="Practice Housing")).to_be_visible()
    assert len(pages.county.consultations()) == before
    officer.open("/my-checks")
    expect(page.get_by_text("Wilhelmina")).to_have_count(0)


def focused(page: Page) -> str:
    """The name of the field that has the focus."""
    return str(page.evaluate("document.activeElement.name || document.activeElement.id"))
