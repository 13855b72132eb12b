"""`agency-connector explain` shows everything, needs no index, and its errors show no value."""

import json

import pytest
from click.testing import CliRunner, Result

from agency_connector.cli import main

ADA = "given: Ada\nmiddle: Mary\nfamily: O'King\nborn: 10/12/1985\npostcode: SW1A 2AA\n"


def explained(text: str, *options: str) -> Result:
    return CliRunner().invoke(main, ["explain", "--on", "2026-01-15", *options], input=text)


def test_lines_show_fields_keys_variants_and_grades() -> None:
    shown = explained(ADA + "nhs: 943 476 5871\n")
    assert shown.exit_code == 0, shown.output
    assert "surname: oking" in shown.output
    assert "left out: NHS number: breaks its own rules" in shown.output
    assert "ada|oking|1985-12-10" in shown.output
    assert "strong" in shown.output
    assert "same first name, surname and date of birth" in shown.output


def test_json_in_and_out_says_the_same() -> None:
    typed = json.dumps({"given": "Ada", "family": "King", "born": "1985-12-10", "nin": "AB123456C"})
    shown = json.loads(explained(typed, "--json").output)
    assert shown["fields"]["National Insurance number"] == "AB123456"
    assert {"kind": "nin", "value": "AB123456"} in shown["record_keys"]
    assert {key["step"] for key in shown["lookup"]} == {"narrow", "wide"}
    assert {"strong", "likely", "possible"} == {key["grade"] for key in shown["lookup"]}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not enough to find a person"),
        ("given: Zebedee\nborn: 31/02/85", "no such day"),
        ("Zebedee", "no colon"),
        ("name: Zebedee", "not known"),
        ('{"given": "Zebedee"', "not JSON"),
        ("{" * 50_000, "not JSON"),
        ('{"given": ["Zebedee"]}', "text in quotes"),
        ("given: " + "Zebedee" * 20_000, "too long"),
    ],
)
def test_what_cannot_be_used_is_one_line_without_a_value(text: str, says: str) -> None:
    shown = explained(text)
    assert shown.exit_code == 1
    assert says in shown.stderr
    assert len(shown.stderr.splitlines()) == 1
    assert "ebedee" not in shown.output
