"""The commands as people run them: what is asked, what is said, and where it is said."""

import pytest

from foundation.clock import now_ms
from tests.agency_connector.conftest import Town

DESK = """
[[desks]]
id = "front"
name = "Front desk"
phone = "0161 496 0000"
"""


@pytest.fixture
def live(town: Town) -> Town:
    """The services keep the machine's own time, as the commands do."""
    town.index.clock = town.evaluator.clock = now_ms
    return town


def line_after(output: str, words: str) -> str:
    return output.partition(words)[2].strip().splitlines()[0].strip()


def test_two_agencies_come_together_by_the_commands_alone(live: Town) -> None:
    """The whole of it as two people do it, digits read from standard input."""
    oakshire, elmham = live.init("oakshire"), live.init("elmham")
    digits = {
        home: line_after(live.run(home, "keys").stdout, "digits") for home in (oakshire, elmham)
    }
    for home in (oakshire, elmham):
        enrolled = live.run(home, "enrol", typed=live.codes[home.name] + "\n")
        assert enrolled.exit_code == 0, enrolled.output
        assert digits[home] in enrolled.stdout
    founded = live.run(
        oakshire, "epoch", "found", typed=f"{live.index.digits()}\n{live.evaluator.digits()}\n"
    )
    assert founded.exit_code == 0, founded.output
    with (oakshire / "connector.toml").open("a") as settings:
        settings.write(DESK)
    assert live.run(oakshire, "desk", "sign").stdout == "front  version 1  signed\n"
    sent = live.run(oakshire, "handover", "send", "elmham", typed=digits[elmham] + "\n")
    assert sent.exit_code == 0, sent.output
    assert digits[oakshire] in sent.stdout
    taken = live.run(elmham, "handover", "receive", typed=digits[oakshire] + "\n")
    assert taken.exit_code == 0, taken.output
    assert "Received epoch 1 from oakshire" in taken.stdout
    assert "publishing" in live.run(elmham, "epoch", "list").stdout
    status = live.run(oakshire, "status")
    assert status.exit_code == 0, status.output
    missing_desk = live.run(elmham, "status")
    assert missing_desk.exit_code == 1
    assert "MEND  desks: there is none" in missing_desk.stdout
    assert "Front desk" in live.run(oakshire, "desk", "list").stdout


def test_digits_that_differ_end_the_command_with_one_line(live: Town) -> None:
    oakshire = live.init("oakshire")
    live.run(oakshire, "enrol", typed=live.codes["oakshire"] + "\n")
    refused = live.run(oakshire, "epoch", "found", typed="1" * 40 + "\n")
    assert refused.exit_code == 1
    assert refused.stderr.splitlines()[-1].startswith("error: these are not the digits")
    assert "Traceback" not in refused.output


def test_an_input_that_ends_too_early_is_said(live: Town) -> None:
    oakshire = live.init("oakshire")
    refused = live.run(oakshire, "enrol", typed="")
    assert refused.exit_code == 1
    assert "the input ended" in refused.stderr


def test_questions_go_to_standard_error(live: Town) -> None:
    """So that what a command prints can be used by another program."""
    enrolled = live.run(live.init("oakshire"), "enrol", typed=live.codes["oakshire"] + "\n")
    assert "one-time enrolment code" in enrolled.stderr
    assert "one-time enrolment code from" not in enrolled.stdout


def test_the_code_is_no_option(live: Town) -> None:
    """A command line is seen by every user of the machine."""
    assert "--code" not in live.run(live.folder, "enrol", "--help").stdout


def test_status_before_anything_is_handed_over_says_what_to_do(live: Town) -> None:
    oakshire = live.init("oakshire")
    told = live.run(oakshire, "status")
    assert told.exit_code == 1
    assert "agency-connector enrol" in told.stdout
    live.run(oakshire, "enrol", typed=live.codes["oakshire"] + "\n")
    assert "handover receive" in live.run(oakshire, "status").stdout


def test_status_goes_on_when_a_service_is_down(live: Town) -> None:
    oakshire = live.init("oakshire")
    live.run(oakshire, "enrol", typed=live.codes["oakshire"] + "\n")
    typed = f"{live.index.digits()}\n{live.evaluator.digits()}\n"
    live.run(oakshire, "epoch", "found", typed=typed)
    path = oakshire / "connector.toml"
    path.write_text(path.read_text().replace(live.evaluator.url, "http://127.0.0.1:1") + DESK)
    told = live.run(oakshire, "status")
    assert told.exit_code == 1
    assert "MEND  evaluator: the evaluator at http://127.0.0.1:1 cannot be reached" in told.stdout
    assert "ok    index" in told.stdout
    assert "MEND  desks: front not signed" in told.stdout


def test_later_epochs_by_the_commands(live: Town) -> None:
    oakshire = live.init("oakshire")
    live.run(oakshire, "enrol", typed=live.codes["oakshire"] + "\n")
    typed = f"{live.index.digits()}\n{live.evaluator.digits()}\n"
    live.run(oakshire, "epoch", "found", typed=typed)
    opened = live.run(oakshire, "epoch", "open", "2", typed=live.evaluator.digits(2) + "\n")
    assert opened.exit_code == 0, opened.output
    assert "epoch 1 from" in live.run(oakshire, "epoch", "use", "1").stdout
    assert "epoch 2 from" in live.run(oakshire, "epoch", "use", "newest").stdout
    assert live.run(oakshire, "epoch", "use", "last").exit_code == 1
    assert live.run(oakshire, "epoch", "forget", "1").exit_code == 0
    assert live.run(oakshire, "epoch", "list").stdout.startswith("2 ")
