"""The commands: lookup, resolve, token, run."""

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agency_connector.cli import main
from agency_connector.commands.run import require_loopback
from agency_connector.justifying.justifications import Justifications
from agency_connector.pages.local_users import current_user
from foundation.operator import OperatorError
from tests.agency_connector.lookups.county import County, new_id
from tests.conftest import FakeClock


@pytest.fixture(autouse=True)
def _commands_use_the_tests_clock(monkeypatch: pytest.MonkeyPatch, clock: FakeClock) -> None:
    from agency_connector.installation import Installation

    real = Installation.open.__func__  # type: ignore[attr-defined]  # the function of a classmethod
    monkeypatch.setattr(
        Installation, "open", classmethod(lambda cls, home, **_: real(cls, home, clock=clock))
    )


def run(town: County, agency: str, *words: str, typed: str = "") -> Result:
    home = str(town.folder / agency)
    return CliRunner().invoke(main, ["--home", home, *words], input=typed)


CHECK = {
    "particulars": {"full_name": "Shula Hebden", "born": "8 8 1958"},
    "purpose": "safeguarding",
    "reason": "Welfare visit",
}


def test_particulars_are_asked_for_and_the_answer_is_plain_text_in_a_pipe(town: County) -> None:
    typed = "Shula Hebden\n8 8 1958\n\n1\nWelfare visit\n"
    told = run(town, "police", "lookup", typed=typed)
    assert told.exit_code == 0, told.output
    assert told.stdout.startswith("1 partner is involved\n")
    for line in (
        "Involved: Borchester Council",
        "  Front desk: 01632 960200",
        "  There is no out-of-hours number",
        "  Almost certainly the same person",
        "  Felpersham Health (read today at 12:00)",
    ):
        assert line in told.stdout.splitlines()
    assert "It is not evidence of wrongdoing. Do not decide on it alone: phone." in told.stdout
    assert "\x1b" not in told.stdout
    assert "Hebden" not in told.output


def test_json_is_read_from_standard_input_and_a_check_can_be_widened(town: County) -> None:
    told = run(town, "police", "lookup", "--json", "-", "--output", "json", typed=json.dumps(CHECK))
    assert told.exit_code == 0, told.output
    answer = json.loads(told.stdout)
    assert answer["involved"][0]["partner"] == "Borchester Council"
    wide = run(town, "police", "lookup", "--wider", answer["check"])
    assert wide.exit_code == 0, wide.output
    assert "Your first check found Borchester Council: phone them." in wide.stdout
    again = run(
        town, "police", "lookup", "--json", "-", "--output", "json",
        typed=json.dumps({**CHECK, "check": answer["check"]}),
    )  # fmt: skip
    assert json.loads(again.stdout) == answer


WORDS = "Her neighbour rang about shouting tonight and we go there now"


def drawing(town: County, one_in: int) -> None:
    path = town.folder / "police" / "connector.toml"
    before = "justify_one_in = 0" if one_in else "justify_one_in = 1"
    path.write_text(path.read_text().replace(before, f"justify_one_in = {one_in}"))


def test_a_drawn_check_is_asked_for_more_words_at_the_terminal(town: County) -> None:
    drawing(town, 1)
    typed = f"Shula Hebden\n8 8 1958\n\n1\nWelfare visit\n{WORDS}\n"
    told = run(town, "police", "lookup", typed=typed)
    assert told.exit_code == 0, told.output
    assert "Some checks are drawn by chance" in told.stderr
    assert told.stdout.startswith("1 partner is involved\n")
    assert len(town.consultations()) == 1


def test_from_standard_input_a_drawn_check_is_refused_and_stays_until_it_is_justified(
    town: County,
) -> None:
    drawing(town, 1)
    for _ in range(2):
        told = run(town, "police", "lookup", "--json", "-", typed=json.dumps(CHECK))
        assert told.exit_code == 1
        assert "`agency-connector lookup --justify`" in told.stderr
    assert town.lookups_sent() == []
    short = run(town, "police", "lookup", "--justify", typed="too short\n")
    assert (short.exit_code, short.stdout) == (1, "")
    assert "20 characters or more" in short.stderr
    told = run(town, "police", "lookup", "--justify", typed=f"{WORDS}\n")
    assert told.exit_code == 0, told.output
    assert told.stdout.startswith("1 partner is involved\n")
    assert "  Name: Shula Hebden" in told.stderr
    nothing = run(town, "police", "lookup", "--justify")
    assert nothing.stderr == "There is nothing that you are asked to justify.\n"


def test_at_the_terminal_too_one_can_do_without_or_be_answered_at_once(town: County) -> None:
    drawing(town, 1)
    run(town, "police", "lookup", "--json", "-", typed=json.dumps(CHECK))
    told = run(town, "police", "lookup", "--justify", typed="\n")
    assert "You did without this check, which is recorded." in told.stderr
    assert town.consultations() == []
    urgent = run(town, "police", "lookup", "--at-once", "--json", "-", typed=json.dumps(CHECK))
    assert urgent.exit_code == 0, urgent.output
    assert len(town.consultations()) == 1
    [owed] = Justifications(town.police).pending(current_user())
    assert (owed.kind, owed.about.beside.at_once) == ("at-once", True)
    later = run(town, "police", "lookup", "--justify", typed="\n")
    assert "It stays to be justified." in later.stderr
    assert run(town, "police", "lookup", "--justify", typed=f"{WORDS}\n").exit_code == 0
    assert Justifications(town.police).pending(current_user()) == ()


def test_particulars_are_never_taken_from_a_command_line_outside_the_demo(town: County) -> None:
    words = ("lookup", "--name", "Shula Hebden", "--born", "8 8 1958",
             "--purpose", "safeguarding", "--reason", "Welfare visit")  # fmt: skip
    told = run(town, "police", *words)
    assert told.exit_code == 1
    assert "others on this machine can see it" in told.stderr
    assert town.lookups_sent() == []
    town.configure("police", demo=True)
    told = run(town, "police", *words)
    assert told.exit_code == 0, told.output
    assert "Involved: Borchester Council" in told.stdout
    assert "--name" not in run(town, "police", "lookup", "--help").output


@pytest.mark.parametrize(
    "words",
    [
        ("lookup", "--json", "people.json"),
        ("lookup", "--json", "-"),
        ("lookup", "--wider", "nonsense"),
        ("lookup", "--wider", new_id()),
        ("lookup",),
        ("resolve", "ABC"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_code_1(
    town: County, words: tuple[str, ...]
) -> None:
    told = run(town, "police", *words, typed="not json")
    assert told.exit_code == 1
    assert told.stderr.rstrip().splitlines()[-1].startswith("error: ")
    assert told.stdout == ""
    assert "Traceback" not in told.output


def test_a_reference_is_resolved(town: County) -> None:
    reference = town.check().involved[0].reference
    told = run(town, "council", "resolve", reference[:5], reference[5:])
    assert told.exit_code == 0, told.output
    assert "Your record: C-17 (source cases)" in told.stdout
    assert "Asked by: Borsetshire Police" in told.stdout
    assert "  Front desk: 01632 960100" in told.stdout
    assert run(town, "health", "resolve", reference).exit_code == 1


def test_of_a_person_found_by_looking_wider_the_record_is_kept_back_until_it_is_confirmed(
    town: County,
) -> None:
    wide = town.wider(town.check(born="1958").check)
    reference = wide.involved[0].reference
    told = run(town, "council", "resolve", reference)
    assert told.exit_code == 0, told.output
    assert "C-17" not in told.output
    assert "How sure: Found by looking wider: it may be another person" in told.stdout
    assert "resolve --confirmed" in told.stdout
    assert "C-17" not in run(town, "council", "resolve", reference, "--output", "json").output
    confirmed = run(town, "council", "resolve", reference, "--confirmed")
    assert "Your record: C-17 (source cases)" in confirmed.stdout
    assert "not shown yet" not in confirmed.stdout


def test_a_token_is_kept_in_a_file_of_the_users_alone(town: County, tmp_path: Path) -> None:
    path = tmp_path / "home" / "police.token"
    first = run(town, "police", "token", "--file", str(path))
    assert first.exit_code == 0, first.output
    assert first.stdout == path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert run(town, "police", "token", "--file", str(path)).stdout == first.stdout
    renewed = run(town, "police", "token", "--file", str(path), "--new")
    assert renewed.stdout != first.stdout
    assert renewed.stdout == path.read_text()
    path.chmod(0o644)
    told = run(town, "police", "token", "--file", str(path))
    assert told.exit_code == 1
    assert "chmod 600" in told.stderr
    other = run(town, "police", "token", "--user", "pc-perks")
    assert other.stdout.startswith("ifi-local-")


@pytest.mark.parametrize("bind", ["0.0.0.0:8300", "[::]:8300", "10.1.2.3:8300", "example.org:80"])
def test_what_others_could_reach_is_not_listened_on(town: County, bind: str) -> None:
    told = run(town, "police", "run", "--bind", bind)
    assert told.exit_code == 1
    assert "this machine only" in told.stderr


@pytest.mark.parametrize("bind", ["127.0.0.1:8300", "127.5.0.1:0", "[::1]:8300", "localhost:8300"])
def test_loopback_is_listened_on(bind: str) -> None:
    require_loopback(bind)


def test_nothing_is_no_address() -> None:
    with pytest.raises(OperatorError):
        require_loopback("8300")
