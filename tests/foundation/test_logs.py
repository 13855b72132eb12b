"""No person's data reaches a log line, wherever somebody puts it."""

import json
import logging
import subprocess
import sys
import textwrap
from collections.abc import Callable
from typing import Any

import pytest

from foundation import logs

NAME = "Aoife O'Brien"
PARTS = ("Aoife", "Brien", "1990")


class Person:
    def __repr__(self) -> str:
        return NAME

    __str__ = __repr__


class OddInteger(int):
    def __repr__(self) -> str:
        return NAME

    __str__ = __repr__


@pytest.fixture(autouse=True)
def _not_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a command of another test has made of this process's log before."""
    monkeypatch.setattr(logs, "_program", "unnamed")
    monkeypatch.setattr(logs, "_fields", logs._FOUNDATION_FIELDS)
    monkeypatch.setattr(logging.root, "handlers", [])


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    def read() -> list[dict[str, Any]]:
        written = capsys.readouterr().err
        for part in PARTS:
            assert part not in written
        return [json.loads(line) for line in written.splitlines()]

    return read


def test_known_fields_with_right_values_are_written(
    lines: Callable[[], list[dict[str, Any]]],
) -> None:
    logs.get_logger().bind(workers=2).info("flags.published", count=3, method="GET")
    [line] = lines()
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "info",
        "program": "unnamed",
        "event": "flags.published",
        "workers": 2,
        "count": 3,
        "method": "GET",
    }


@pytest.mark.parametrize(
    ("fields", "dropped"),
    [
        ({"name": NAME}, ["name"]),
        ({"count": NAME}, ["count"]),
        ({"count": Person()}, ["count"]),
        ({"count": OddInteger(1)}, ["count"]),
        ({"count": [NAME]}, ["count"]),
        ({"count": {NAME: NAME}}, ["count"]),
        ({"count": NAME.encode()}, ["count"]),
        ({"count": 3.5}, ["count"]),
        ({"count": 19900203 * 10**12}, ["count"]),
        ({"method": NAME}, ["method"]),
        ({"route": f"/people/{NAME}"}, ["route"]),
        ({"error_id": NAME}, ["error_id"]),
        ({"where": NAME, "error": NAME}, ["error", "where"]),
        ({"program": NAME, "time": NAME}, ["program", "time"]),
        ({NAME: 1}, ["?"]),
        ({"stack_info": NAME, "_record": Person()}, ["?", "stack_info"]),
    ],
)
def test_a_name_in_a_field_is_dropped_and_the_field_named(
    lines: Callable[[], list[dict[str, Any]]], fields: dict[str, Any], dropped: list[str]
) -> None:
    logs.get_logger().info("flags.published", **fields)
    [line] = lines()
    assert line["dropped"] == dropped
    assert set(line) == {"time", "level", "program", "event", "dropped"}


@pytest.mark.parametrize("event", [NAME, f"checked.{NAME}", "aoife", Person(), None, "a." * 9])
def test_a_name_in_the_event_is_dropped(
    lines: Callable[[], list[dict[str, Any]]], event: Any
) -> None:
    logs.get_logger().info(event)
    [line] = lines()
    assert (line["event"], line["dropped"]) == ("event.unnamed", ["event"])


def test_a_name_formatted_into_the_event_is_dropped(
    lines: Callable[[], list[dict[str, Any]]],
) -> None:
    logs.get_logger().info("checked.%s", NAME)
    assert lines()[0]["dropped"] == ["event"]


def test_an_exception_is_its_types_and_places_without_messages(
    lines: Callable[[], list[dict[str, Any]]],
) -> None:
    def read_row() -> None:
        raise KeyError(NAME)

    try:
        try:
            read_row()
        except KeyError as cause:
            cause.add_note(NAME)
            raise ValueError(NAME) from cause
    except ValueError:
        logs.get_logger().exception("source.failed")
    [line] = lines()
    assert line["error"] == ["builtins.ValueError", "builtins.KeyError"]
    assert line["where"][0].startswith("test_logs.py:")


def test_other_libraries_records_lose_their_words(
    lines: Callable[[], list[dict[str, Any]]],
) -> None:
    library = logging.getLogger("some.library")
    handler = logs.RedactingHandler()
    library.addHandler(handler)
    try:
        library.warning("row of %s", NAME, extra={"person": NAME})
    finally:
        library.removeHandler(handler)
    [line] = lines()
    assert line["event"] == "library.message"
    assert line["source"].startswith("some.library:test_logs.py:")


def test_identifier_and_one_of_take_no_names() -> None:
    assert logs.identifier("north-police") == "north-police"
    assert logs.one_of("strong", "likely")("likely") == "likely"
    assert logs.truth(True) is True
    for rule in (logs.identifier, logs.one_of("strong"), logs.truth, logs.whole):
        assert rule(NAME) is None
    assert logs.whole(True) is None


CONFIGURED = """
    import logging, threading, warnings
    from foundation import logs
    logs.configure("a-program", {{"agency": logs.identifier}})
    NAME = "Aoife O'Brien 1990"
    {action}
"""


@pytest.mark.parametrize(
    ("action", "event"),
    [
        ('logs.get_logger().info("flags.published", agency="north")', "flags.published"),
        ("raise ValueError(NAME)", "program.failed"),
        ("t = threading.Thread(target=lambda: 1 / len(NAME[:0])); t.start()", "program.failed"),
        ('logging.getLogger("x").error("%s", NAME)', "library.message"),
        ('logging.error(f"{NAME}")', "library.message"),
        ("warnings.warn(NAME)", "library.message"),
    ],
)
def test_a_configured_program_says_nothing_else_on_standard_error(action: str, event: str) -> None:
    """The whole program: uncaught exceptions, threads, warnings and libraries included."""
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CONFIGURED).format(action=action)],
        capture_output=True,
        text=True,
        check=False,
    )
    for part in PARTS:
        assert part not in ended.stdout + ended.stderr
    line = json.loads(ended.stderr)
    assert (line["program"], line["event"]) == ("a-program", event)
    assert "dropped" not in line
