"""The image is built from pinned parts and runs as nobody in particular; compose fits it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click import Command, Context, Group

from index_service.cli import main

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "deploy" / "container"
OWN_SERVICES = ("index", "worker", "evaluator")


def instructions() -> list[tuple[str, str]]:
    """The Containerfile's instructions in order, continued lines joined."""
    text = (FOLDER / "Containerfile").read_text()
    joined = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    lines = [line.split(maxsplit=1) for line in joined.splitlines() if line.strip()]
    return [(word.upper(), rest) for word, rest in lines]


def said(word: str) -> Iterator[str]:
    return (rest for instruction, rest in instructions() if instruction == word)


def compose() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())
    return read


def command_of(words: list[str]) -> tuple[Command, list[str]]:
    """The command that `index-service` runs for these words, and the words it leaves."""
    command: Command = main
    while isinstance(command, Group):
        found = command.get_command(Context(command), words[0])
        assert found is not None, f"{words[0]} is no command"
        command, words = found, words[1:]
    return command, words


def test_every_base_image_is_of_a_named_version() -> None:
    for base in said("FROM"):
        image = base.split()[0]
        assert re.fullmatch(r"docker\.io/library/[a-z]+:[\w.-]*\d[\w.-]*", image), image


def test_the_program_runs_as_a_numbered_user_that_is_not_root() -> None:
    """A number, since an orchestrator that refuses root cannot look a name up."""
    last = [word for word, _ in instructions()].index("USER")
    [user] = said("USER")
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    assert not {"RUN", "COPY"} & {word for word, _ in instructions()[last:]}


def test_nothing_is_fetched_or_left_behind_by_the_build() -> None:
    assert list(said("ADD")) == []
    for step in said("RUN"):
        assert "curl" not in step
        assert "wget" not in step
        assert "pip install" not in step or "--no-cache-dir" in step
        assert "apt-get" not in step


def test_what_is_copied_is_there_and_is_let_through_to_the_builder() -> None:
    ignored = (FOLDER / "Containerfile.containerignore").read_text()
    assert ignored == (FOLDER / "Containerfile.dockerignore").read_text()
    let_through = set(re.findall(r"^!(.+)$", ignored, re.MULTILINE))
    for rest in said("COPY"):
        if rest.startswith("--from"):
            continue
        for source in rest.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert any(source == name or source.startswith(f"{name}/") for name in let_through)


def test_no_secret_is_built_in() -> None:
    text = (FOLDER / "Containerfile").read_text() + (FOLDER / "compose.yaml").read_text()
    assert not re.search(r"(?i)(password|passwd|secret)\s*[:=]\s*[^\s{/]", text)


def test_the_program_is_started_without_a_shell_by_words_that_it_knows() -> None:
    [entry] = map(json.loads, said("ENTRYPOINT"))
    [words] = map(json.loads, said("CMD"))
    assert entry == ["index-service"]
    command, options = command_of(words)
    assert {word for word in options if word.startswith("--")} <= {
        name for parameter in command.params for name in parameter.opts
    }


@pytest.mark.parametrize("name", OWN_SERVICES)
def test_each_service_is_a_command_that_there_is(name: str) -> None:
    command, options = command_of(compose()["services"][name]["command"])
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in options if word.startswith("--")} <= known


@pytest.mark.parametrize("name", [*OWN_SERVICES, "database"])
def test_each_service_can_do_no_more_than_it_must(name: str) -> None:
    service = compose()["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    for port in service.get("ports", []):
        assert port.startswith("127.0.0.1:"), port


def test_the_database_is_reached_from_inside_only_and_forgets_nothing() -> None:
    read = compose()
    database = read["services"]["database"]
    assert database["networks"] == ["inside"]
    assert read["networks"]["inside"]["internal"] is True
    assert "ports" not in database
    assert "fsync" not in json.dumps(database)


def test_every_name_in_the_compose_file_is_declared_in_it() -> None:
    read = compose()
    for name, service in read["services"].items():
        for volume in service.get("volumes", []):
            assert volume.partition(":")[0] in read["volumes"], name
        assert set(service.get("secrets", [])) <= set(read["secrets"]), name
        assert set(service.get("networks", [])) <= set(read["networks"]), name
        assert set(service.get("depends_on", {})) <= set(read["services"]), name


def test_a_service_is_given_longer_to_stop_than_its_requests_have_to_finish() -> None:
    from foundation.serving import GRACEFUL_TIMEOUT_S

    for name in OWN_SERVICES:
        grace = compose()["services"][name]["stop_grace_period"]
        assert int(grace.removesuffix("s")) > GRACEFUL_TIMEOUT_S
