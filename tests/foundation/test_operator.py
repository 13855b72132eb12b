"""What a person at the keyboard sees when something is wrong."""

import click
import pytest
from click.testing import CliRunner

from foundation.database import StorageUnavailable
from foundation.operator import OperatorError, cli_guard, counted, one_line
from foundation.problems import Problem


@pytest.mark.parametrize(
    "error",
    [OperatorError("mend\nit"), StorageUnavailable("mend it"), Problem(403, "no", "mend it")],
)
def test_an_error_for_people_is_one_line_on_standard_error_and_exit_code_1(
    error: Exception,
) -> None:
    @click.command()
    @cli_guard
    def command() -> None:
        raise error

    result = CliRunner().invoke(command)
    assert result.exit_code == 1
    assert result.stderr == "error: mend it\n"
    assert result.stdout == ""


def test_an_interrupt_ends_a_command_quietly_with_130() -> None:
    @cli_guard
    def command() -> None:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as ended:
        command()
    assert ended.value.code == 130


def test_a_mistake_of_ours_keeps_its_traceback() -> None:
    @cli_guard
    def command() -> None:
        raise LookupError("ours")

    with pytest.raises(LookupError):
        command()


def test_a_message_cannot_steer_the_terminal() -> None:
    assert one_line("a\x1b[2Jb\r\n c\x07") == "a[2Jb c"


def test_what_is_counted_is_one_or_many() -> None:
    assert [counted(number, "flag") for number in (0, 1, 2)] == ["0 flags", "1 flag", "2 flags"]
    assert counted(2, "entry", "entries") == "2 entries"
