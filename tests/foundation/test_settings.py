"""A settings file is read whole and right, or refused with the place and the mend."""

from pathlib import Path

import msgspec
import pytest

from foundation.operator import OperatorError
from foundation.settings import load


class Server(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    port: int
    host: str = "127.0.0.1"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    server: Server
    peers: tuple[Server, ...] = ()


class Lax(msgspec.Struct, frozen=True):
    port: int


class HoldsLax(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    peers: dict[str, list[Lax]]


def written(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "settings.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_right_file_becomes_the_typed_value(tmp_path: Path) -> None:
    path = written(tmp_path, "[server]\nport = 8000\n[[peers]]\nport = 1\n")
    assert load(path, Settings) == Settings(Server(8000), (Server(1),))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[server]\nprot = 1\nport = 2\n", "server.prot: there is no such key: did you mean port?"),
        ("[server]\nport = 2\nzzz = 1\n", "server.zzz: there is no such key: remove it"),
        ("[server]\n", "server.port: is missing: add it"),
        ("", "server: is missing: add it"),
        ("[server]\nport = '2'\n", "server.port: Expected int, got str: correct the value"),
        ("[server]\nport =\n", "is not TOML"),
        (b"\xff", "is not UTF-8 text: save it as UTF-8"),
    ],
)
def test_a_wrong_file_is_refused_with_file_key_and_mend(
    tmp_path: Path, text: str | bytes, expected: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(OperatorError) as refused:
        load(path, Settings)
    assert str(refused.value).startswith(f"{path}: ")
    assert expected in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"absent\.toml: there is no such file"):
        load(tmp_path / "absent.toml", Settings)


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="cannot be read"):
        load(tmp_path, Settings)


@pytest.mark.parametrize("lax", [Lax, HoldsLax])
def test_a_type_that_would_let_a_misspelt_key_pass_is_a_mistake(
    tmp_path: Path, lax: type[msgspec.Struct]
) -> None:
    with pytest.raises(TypeError, match="Lax must be declared"):
        load(written(tmp_path, "port = 1"), lax)
