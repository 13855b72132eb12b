"""What is typed to be phoned, and to answer: cleaned, held to its length, and complained about."""

import pytest

from agency_connector.pages.contact_forms import CLOSING, RequestForm, StepForm, crime_choices
from schemas.contacts import CrimeAnswer

MAY = frozenset({"will-phone", *CLOSING})


def fields(form: RequestForm | StepForm) -> list[str]:
    wrong = form.wrong() if isinstance(form, RequestForm) else form.wrong(MAY)
    return [each.field for each in wrong]


def test_words_are_counted_as_they_are_sent_without_what_nobody_sees() -> None:
    line_ends = RequestForm.of({"words": "a\r\n" * 150})
    assert len(line_ends.words) == 299
    assert fields(line_ends) == []
    assert fields(RequestForm.of({"words": "x" * 300})) == []
    assert fields(RequestForm.of({"words": "\u200b" * 400 + "x"})) == []
    (wrong,) = RequestForm.of({"words": "x" * 302}).wrong()
    assert wrong.sentence == "Shorten this to 300 characters or fewer: it is 2 too long"
    assert fields(RequestForm.of({"words": " \u200b\n"})) == ["words"]


@pytest.mark.parametrize(
    ("phone", "fits"),
    [("", True), ("01632 960100", True), ("+44 1632 960100", True), ("ring me", False),
     ("01632\u200b960100", True), ("0" * 30, False)],
)  # fmt: skip
def test_a_number_is_digits_and_spaces(phone: str, fits: bool) -> None:
    assert (fields(RequestForm.of({"words": "Tonight", "phone": phone})) == []) is fits


def test_a_request_leaves_out_what_is_empty() -> None:
    made = RequestForm.of({"request": "A" * 22, "words": "Tonight"}).request_for("c", "r", "Pc A")
    assert (made.id, made.check, made.reference, made.text) == ("A" * 22, "c", "r", "Tonight")
    assert (made.name, made.phone) == ("Pc A", None)


def test_only_a_step_that_may_be_taken_is_taken() -> None:
    assert fields(StepForm.of({})) == ["step"]
    assert fields(StepForm.of({"step": "crime-answered"})) == ["step"]
    assert fields(StepForm.of({"step": "will-phone"})) == []


@pytest.mark.parametrize("step", CLOSING)
def test_closing_wants_the_crime_question_looked_at(step: str) -> None:
    told = {"step": step, "words": "No team of ours"}
    assert fields(StepForm.of(told)) == ["crime"]
    for crime in ("no", "unknown"):
        assert fields(StepForm.of({**told, "crime": crime})) == []
    assert fields(StepForm.of({**told, "crime": "yes"})) == ["crime_reference"]
    assert fields(StepForm.of({**told, "crime": "yes", "crime_reference": "x" * 121})) == [
        "crime_reference"
    ]
    assert fields(StepForm.of({**told, "crime": "yes", "recorded_by": "The duty sergeant"})) == []


def test_a_refusal_says_why() -> None:
    assert fields(StepForm.of({"step": "refused", "crime": "no"})) == ["words"]
    assert fields(StepForm.of({"step": "spoken", "crime": "no"})) == []


def test_the_open_question_is_answered_with_yes_or_no() -> None:
    late = StepForm.of({"step": "crime-answered", "crime": "unknown"})
    assert [each.field for each in late.wrong({"crime-answered"})] == ["crime"]
    assert [each["value"] for each in crime_choices(closed=True)] == ["no", "yes"]
    assert [each["value"] for each in crime_choices(closed=False)] == ["no", "yes", "unknown"]


def test_a_step_bears_the_answer_that_was_given() -> None:
    told = {"step": "spoken", "crime_reference": "C/1", "recorded_by": ""}
    taken = StepForm.of({**told, "crime": "yes"}).taken("Lee")
    assert taken.crime == CrimeAnswer(disclosed=True, reference="C/1", recorded_by=None)
    taken = StepForm.of({**told, "crime": "no"}).taken("Lee")
    assert taken.crime == CrimeAnswer(disclosed=False, reference=None, recorded_by=None)
    assert StepForm.of({**told, "crime": "unknown"}).taken("Lee").crime is None
