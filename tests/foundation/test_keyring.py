"""Secrets rest sealed in a file of the program's own, and survive every change."""

import base64
import json
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from foundation.keyring import Keyring, Seal, seal_from_setting
from foundation.operator import OperatorError
from foundation.sealing import SealKind, ask_on_terminal

SECRET = b"a secret of thirty-two bytes ..."
PASSPHRASE = "correct horse battery staple"


def key_file(tmp_path: Path, name: str = "key", content: bytes = b"k" * 32) -> Seal:
    path = tmp_path / name
    path.touch(mode=0o600)
    path.write_bytes(content)
    return seal_from_setting(f"file:{path}")


def asked(*answers: str) -> Seal:
    given = iter(answers)
    return Seal(SealKind.PASSPHRASE, ask=lambda _: next(given))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keyring.json"


def credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seal:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "kek").write_bytes(b"c" * 32)
    return seal_from_setting("credential:kek")


@pytest.mark.parametrize("kind", ["unsealed", "file", "credential", "passphrase"])
def test_what_is_put_comes_back_after_reopening(
    path: Path, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seals: dict[str, Callable[[], Seal]] = {
        "unsealed": lambda: seal_from_setting("unsealed"),
        "file": lambda: key_file(tmp_path),
        "credential": lambda: credential(tmp_path, monkeypatch),
        "passphrase": lambda: asked(PASSPHRASE, PASSPHRASE, PASSPHRASE),
    }
    seal = seals[kind]()
    made = Keyring.create(path, seal)
    made.put("signing", SECRET)
    made.put("partnership/south", b"")
    opened = Keyring.open(path, seal)
    assert opened.names() == ("partnership/south", "signing")
    assert opened.get("signing") == SECRET
    assert opened.get("partnership/south") == b""
    assert opened.is_sealed is (kind != "unsealed")
    in_clear = base64.b64encode(SECRET) in path.read_bytes()
    assert in_clear is (kind == "unsealed")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_removed_secret_is_gone_from_the_file(path: Path, tmp_path: Path) -> None:
    seal = key_file(tmp_path)
    keyring = Keyring.create(path, seal)
    keyring.put("old", SECRET)
    keyring.remove("old")
    assert Keyring.open(path, seal).names() == ()
    with pytest.raises(OperatorError, match="no secret named old"):
        keyring.remove("old")


def test_a_wrong_key_opens_nothing(path: Path, tmp_path: Path) -> None:
    Keyring.create(path, key_file(tmp_path))
    with pytest.raises(OperatorError, match="does not open with this key"):
        Keyring.open(path, key_file(tmp_path, "other", b"o" * 32))


def test_a_wrong_passphrase_opens_nothing(path: Path) -> None:
    Keyring.create(path, asked(PASSPHRASE, PASSPHRASE))
    with pytest.raises(OperatorError, match="give the passphrase it was made with"):
        Keyring.open(path, asked("another passphrase"))


def test_a_passphrase_is_the_same_however_it_is_typed(path: Path) -> None:
    """An e with an acute accent is one character on one keyboard and two on another."""
    Keyring.create(path, asked("caf\u00e9 at the corner", "caf\u00e9 at the corner"))
    Keyring.open(path, asked("cafe\u0301 at the corner"))


def test_a_new_passphrase_is_long_and_typed_twice_alike(path: Path) -> None:
    with pytest.raises(OperatorError, match="shorter than 12"):
        Keyring.create(path, asked("too short", "too short"))
    with pytest.raises(OperatorError, match="differ"):
        Keyring.create(path, asked(PASSPHRASE, PASSPHRASE + "r"))
    assert not path.exists()


def test_a_passphrase_without_a_terminal_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    with pytest.raises(OperatorError, match="no terminal"):
        ask_on_terminal("Passphrase: ")


def test_another_seal_than_the_files_is_refused(path: Path, tmp_path: Path) -> None:
    """A keyring cannot be swapped for an unsealed one unnoticed."""
    Keyring.create(path, seal_from_setting("unsealed"))
    with pytest.raises(OperatorError, match="its seal is unsealed and the settings say file"):
        Keyring.open(path, key_file(tmp_path))


def test_secrets_cannot_be_swapped_or_changed(path: Path, tmp_path: Path) -> None:
    seal = key_file(tmp_path)
    keyring = Keyring.create(path, seal)
    keyring.put("one", b"1")
    keyring.put("two", b"2")
    document = json.loads(path.read_bytes())
    document["secrets"]["two"] = document["secrets"]["one"]
    path.write_text(json.dumps(document))
    with pytest.raises(OperatorError, match="the secret two has been changed"):
        Keyring.open(path, seal).get("two")
    document["secrets"]["two"] = "AAAA"
    path.write_text(json.dumps(document))
    with pytest.raises(OperatorError, match="the secret two has been changed"):
        Keyring.open(path, seal).get("two")


def test_a_secret_cannot_move_to_another_keyring_of_the_same_key(tmp_path: Path) -> None:
    seal = key_file(tmp_path)
    documents = []
    for name in ("a", "b"):
        Keyring.create(tmp_path / name, seal).put("one", name.encode())
        documents.append(json.loads((tmp_path / name).read_bytes()))
    documents[1]["secrets"] = documents[0]["secrets"]
    (tmp_path / "b").write_text(json.dumps(documents[1]))
    with pytest.raises(OperatorError, match="has been changed"):
        Keyring.open(tmp_path / "b", seal).get("one")


def test_an_existing_keyring_is_never_replaced(path: Path, tmp_path: Path) -> None:
    seal = key_file(tmp_path)
    Keyring.create(path, seal).put("one", SECRET)
    with pytest.raises(OperatorError, match="there is a keyring already"):
        Keyring.create(path, seal)
    assert Keyring.open(path, seal).get("one") == SECRET


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_keyring_others_can_read_is_refused(path: Path, mode: int) -> None:
    Keyring.create(path, seal_from_setting("unsealed"))
    path.chmod(mode)
    with pytest.raises(OperatorError, match=f"chmod 600 {path}"):
        Keyring.open(path, seal_from_setting("unsealed"))


def test_a_key_file_others_can_read_is_refused(path: Path, tmp_path: Path) -> None:
    seal = key_file(tmp_path)
    (tmp_path / "key").chmod(0o644)
    with pytest.raises(OperatorError, match=r"chmod 600 .*/key"):
        Keyring.create(path, seal)


def test_a_short_key_is_refused_with_the_mend(path: Path, tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"holds 31 bytes .*openssl rand"):
        Keyring.create(path, key_file(tmp_path, content=b"k" * 31))


def test_a_credential_outside_a_service_is_refused_with_the_mend(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(OperatorError, match="LoadCredentialEncrypted=kek"):
        Keyring.create(path, seal_from_setting("credential:kek"))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(OperatorError, match="LoadCredentialEncrypted=kek"):
        Keyring.create(path, seal_from_setting("credential:kek"))


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"format":"other"}'])
def test_a_damaged_keyring_is_told(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
    with pytest.raises(OperatorError, match="damaged: restore it from its backup"):
        Keyring.open(path, seal_from_setting("unsealed"))


def test_two_programs_that_put_at_once_lose_nothing(path: Path) -> None:
    seal = seal_from_setting("unsealed")
    Keyring.create(path, seal)
    rings = [Keyring.open(path, seal) for _ in range(4)]

    def put(number: int) -> None:
        for turn in range(5):
            rings[number].put(f"{number}.{turn}", b"")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(put, range(4)))
    assert len(Keyring.open(path, seal).names()) == 20


def test_a_secret_that_is_kept_stays_the_first_one(path: Path) -> None:
    """Two programs make a key at the same time, and both go on with the same one."""
    Keyring.create(path, seal_from_setting("unsealed"))
    both = [Keyring.open(path, seal_from_setting("unsealed")) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        kept = list(pool.map(lambda ring, own: ring.keep("key", own), both, (b"one", b"other")))
    assert kept[0] == kept[1]
    assert Keyring.open(path, seal_from_setting("unsealed")).get("key") == kept[0]
    with pytest.raises(ValueError, match="not a name"):
        both[0].keep("No name", b"")


def test_refresh_takes_up_what_another_program_put(path: Path) -> None:
    seal = seal_from_setting("unsealed")
    ours = Keyring.create(path, seal)
    Keyring.open(path, seal).put("new", SECRET)
    assert ours.names() == ()
    ours.refresh()
    assert ours.get("new") == SECRET


def test_a_keyring_replaced_by_another_is_not_written_into(path: Path, tmp_path: Path) -> None:
    old = Keyring.create(path, key_file(tmp_path))
    path.unlink()
    Keyring.create(path, key_file(tmp_path, "other", b"o" * 32))
    with pytest.raises(OperatorError, match="was replaced"):
        old.put("one", SECRET)


@pytest.mark.parametrize("name", ["", "Capital", "a b", "-a", "a" * 129, "a\n"])
def test_a_name_outside_the_rule_is_a_mistake(path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        Keyring.create(path, seal_from_setting("unsealed")).put(name, SECRET)


@pytest.mark.parametrize(
    "setting", ["", "sealed", "file:", "file:relative", "credential:", "credential:../a", "a:b"]
)
def test_an_unknown_seal_is_refused_with_those_there_are(setting: str) -> None:
    with pytest.raises(OperatorError, match=r"write unsealed, credential:<name>"):
        seal_from_setting(setting)
