"""A gunicorn configuration file may set timeouts and sizes, and nothing that would open a log."""

from pathlib import Path

import pytest

from foundation.operator import OperatorError
from foundation.serving import _tuned


def told(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "gunicorn.conf.py"
    path.write_text(text)
    return path


def test_timeouts_are_taken(tmp_path: Path) -> None:
    assert _tuned(told(tmp_path, "timeout = 2 * 60\n")) == {"timeout": 120}


@pytest.mark.parametrize("line", ['accesslog = "-"', 'bind = "0.0.0.0:80"', "def on_exit(s): pass"])
def test_nothing_else_is(tmp_path: Path, line: str) -> None:
    with pytest.raises(OperatorError, match="is not to be set here"):
        _tuned(told(tmp_path, line + "\n"))


@pytest.mark.parametrize("line", ["timeout = 'soon'", "timeout = -1", "keepalive = []"])
def test_a_value_that_gunicorn_would_stumble_over_is_refused_with_its_name(
    tmp_path: Path, line: str
) -> None:
    with pytest.raises(OperatorError, match=line.split(maxsplit=1)[0]):
        _tuned(told(tmp_path, line + "\n"))


@pytest.mark.parametrize("text", ["timeout = ", "raise ValueError('Aoife')"])
def test_what_is_no_configuration_is_refused_without_what_it_says(
    tmp_path: Path, text: str
) -> None:
    with pytest.raises(OperatorError, match="is no gunicorn configuration") as refused:
        _tuned(told(tmp_path, text))
    assert "Aoife" not in str(refused.value)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="cannot be read"):
        _tuned(tmp_path / "none.py")
