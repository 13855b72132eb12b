"""What the evaluator's operator types, and reads."""

import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from foundation.keyring import Keyring, seal_from_setting
from index_service.cli import main
from index_service.evaluation import storage
from index_service.evaluation.installation import (
    Evaluator,
    load_settings,
    open_database,
)
from protocol import documents, voprf
from protocol.encoding import b64u_decode, b64u_encode
from protocol.fingerprints import fingerprint40
from protocol.keys import SealingKey, SigningKey
from schemas.envelopes import Envelope
from schemas.evaluation import EvaluatorCounts

MINUTE_MS = 60_000


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An evaluator, just made."""
    folder = tmp_path / "evaluator"
    assert typed(folder, "init", "--partnership", "northgate", "--seal", "unsealed").exit_code == 0
    return folder


def typed(home: Path, *words: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(main, ["evaluator", *words, "--home", str(home)], input=answer)


def add(home: Path, agency: str = "north-police", key: SigningKey | None = None) -> Result:
    public = (key or SigningKey.generate()).public
    return typed(
        home,
        "agency",
        "add",
        agency,
        "--name",
        "North Police",
        "--signing-key",
        b64u_encode(public),
    )


def test_init_asks_for_what_it_was_not_given(tmp_path: Path) -> None:
    made = typed(tmp_path / "new", "init", answer="northgate\nunsealed\n")
    assert made.exit_code == 0, made.output
    assert load_settings(tmp_path / "new").partnership == "northgate"


def test_init_says_what_a_shared_host_weakens_and_what_comes_next(tmp_path: Path) -> None:
    made = typed(tmp_path / "new", "init", "--partnership", "northgate", "--seal", "unsealed")
    assert "whoever holds both can" in made.output
    assert "epoch open 1" in made.output
    assert "unsealed: whoever copies keys.json has them" in made.output


def test_init_makes_everything_private(home: Path) -> None:
    assert home.stat().st_mode & 0o777 == 0o700
    for name in ("keys.json", "evaluator.toml", "evaluator.db"):
        assert (home / name).stat().st_mode & 0o077 == 0, name


def test_init_never_replaces_an_evaluator(home: Path) -> None:
    before = (home / "keys.json").read_bytes()
    again = typed(home, "init", "--partnership", "northgate", "--seal", "unsealed")
    assert again.exit_code == 1
    assert "choose another --home" in again.output
    assert (home / "keys.json").read_bytes() == before


def test_init_seals_the_keys_if_told_how(tmp_path: Path) -> None:
    material = tmp_path / "sealing-key"
    material.write_bytes(b"k" * 32)
    material.chmod(0o600)
    new = tmp_path / "new"
    seal = f"file:{material}"
    assert typed(new, "init", "--partnership", "northgate", "--seal", seal).exit_code == 0
    assert typed(new, "epoch", "open", "1").exit_code == 0
    pair = Evaluator.open(new).keys.epochs[1]
    stored = (new / "keys.json").read_text()
    assert "evaluation-1" in stored
    assert b64u_encode(pair.private_key)[:20] not in stored.replace("+", "-").replace("/", "_")


@pytest.mark.parametrize("answer", [("Northgate!", "unsealed"), ("northgate", "locked")])
def test_init_refuses_what_cannot_be_and_leaves_nothing(
    tmp_path: Path, answer: tuple[str, str]
) -> None:
    new = tmp_path / "new"
    made = typed(new, "init", "--partnership", answer[0], "--seal", answer[1])
    assert made.exit_code == 1
    assert made.output.startswith("error: ")
    assert list(new.iterdir()) == []


def test_an_epoch_prints_the_keys_and_the_digits_to_read_out(home: Path) -> None:
    opened = typed(home, "epoch", "open", "1")
    assert opened.exit_code == 0
    keys = Evaluator.open(home).keys
    public = keys.epochs[1].public_key
    assert voprf.public_key(keys.epochs[1].private_key) == public
    assert b64u_encode(public) in opened.output
    assert b64u_encode(keys.signing.public) in opened.output
    assert fingerprint40(keys.signing.public, public) in opened.output
    assert fingerprint40(keys.signing.public, public) in typed(home, "identity").output


def test_each_epoch_has_a_key_of_its_own(home: Path) -> None:
    for number in ("1", "2"):
        assert typed(home, "epoch", "open", number).exit_code == 0
    pairs = Evaluator.open(home).keys.epochs
    assert list(pairs) == [1, 2]
    assert pairs[1].private_key != pairs[2].private_key


def test_an_epochs_key_is_never_replaced(home: Path) -> None:
    typed(home, "epoch", "open", "1")
    before = Evaluator.open(home).keys.epochs[1].private_key
    assert typed(home, "epoch", "open", "1").exit_code == 1
    assert Evaluator.open(home).keys.epochs[1].private_key == before


def test_no_more_than_two_epochs_are_live(home: Path) -> None:
    typed(home, "epoch", "open", "1")
    typed(home, "epoch", "open", "2")
    third = typed(home, "epoch", "open", "3")
    assert third.exit_code == 1
    assert "close one" in third.output
    assert typed(home, "epoch", "close", "1", "--yes").exit_code == 0
    assert typed(home, "epoch", "open", "3").exit_code == 0


def test_closing_an_epoch_destroys_its_key_and_asks_first(home: Path) -> None:
    typed(home, "epoch", "open", "1")
    kept = typed(home, "epoch", "close", "1", answer="n\n")
    assert kept.exit_code == 1
    assert "nothing was changed" in kept.output
    assert list(Evaluator.open(home).keys.epochs) == [1]
    assert typed(home, "epoch", "close", "1", answer="y\n").exit_code == 0
    keyring = Keyring.open(home / "keys.json", seal_from_setting("unsealed"))
    assert keyring.names() == ("signing",)


def test_an_epoch_that_was_used_is_not_opened_again(home: Path) -> None:
    """A second key under the same number would make tokens that match nothing."""
    add(home)
    with open_database(home, load_settings(home)).write() as connection:
        storage.count(connection, "north-police", 0, 1, "lookup", 64, 4096)
    again = typed(home, "epoch", "open", "1")
    assert again.exit_code == 1
    assert "take the next one" in again.output


def test_an_agency_is_added_with_what_there_is_to_compare(home: Path) -> None:
    """With both public keys the same 40 digits that the agency's connector shows."""
    signing, sealing = SigningKey.generate(), SealingKey.generate()
    assert b64u_encode(signing.public) in add(home, key=signing).output
    assert b64u_encode(signing.public) in typed(home, "agency", "list").output
    new = SigningKey.generate()
    words = ("--signing-key", b64u_encode(new.public), "--sealing-key", b64u_encode(sealing.public))
    replaced = typed(home, "agency", "replace-key", "north-police", *words)
    assert fingerprint40(new.public, sealing.public) in replaced.output


@pytest.mark.parametrize(
    ("agency", "name", "key"),
    [
        ("North Police", "North Police", "A" * 43),
        ("north-police", "", "A" * 43),
        ("north-police", "North\nPolice", "A" * 43),
        ("north-police", "North Police", "A" * 42),
        ("north-police", "North Police", "A" * 42 + "B"),
    ],
)
def test_what_cannot_be_an_agency_is_refused_in_one_line(
    home: Path, agency: str, name: str, key: str
) -> None:
    refused = typed(home, "agency", "add", agency, "--name", name, "--signing-key", key)
    assert refused.exit_code == 1
    assert re.fullmatch(r"error: .+\n", refused.output)
    assert "No agency" in typed(home, "agency", "list").output


def test_an_agency_is_not_added_twice_nor_a_key_given_twice(home: Path) -> None:
    key = SigningKey.generate()
    assert add(home, key=key).exit_code == 0
    assert "replace-key" in add(home).output
    assert "is or was in use" in add(home, "south-police", key).output
    listed = typed(home, "agency", "list").output
    assert "south-police" not in listed


def test_a_key_is_replaced_and_the_old_one_never_taken_again(home: Path) -> None:
    old, new = SigningKey.generate(), SigningKey.generate()
    add(home, key=old)
    for key, code in ((new, 0), (old, 1)):
        replaced = typed(
            home, "agency", "replace-key", "north-police", "--signing-key", b64u_encode(key.public)
        )
        assert replaced.exit_code == code
    with Evaluator.open(home).database.read() as connection:
        assert storage.find_holder(connection, old.key_id) is None
        assert storage.find_holder(connection, new.key_id) is not None


def test_an_agency_is_suspended_and_resumed(home: Path) -> None:
    add(home)
    for word, status in (("suspend", "suspended"), ("resume", "active")):
        assert typed(home, "agency", word, "north-police").exit_code == 0
        assert f"north-police  {status}" in typed(home, "agency", "list").output
    assert typed(home, "agency", "suspend", "south-police").exit_code == 1


def test_counts_are_shown_by_day_agency_use_and_epoch(home: Path) -> None:
    add(home)
    assert "Nothing was evaluated" in typed(home, "counts").output
    evaluator = Evaluator.open(home)
    today = evaluator.clock() // 86_400_000 * 86_400_000
    with evaluator.database.write() as connection:
        storage.count(connection, "north-police", today, 1, "lookup", 128, 4096)
        storage.count(connection, "north-police", today - 9 * 86_400_000, 1, "audit", 64, 4096)
    shown = typed(home, "counts").output
    assert re.search(r"north-police +lookup +1 +128\n", shown)
    assert "audit" not in shown
    assert "audit" in typed(home, "counts", "--days", "10").output


def test_the_counts_of_a_day_that_is_over_are_printed_signed(home: Path) -> None:
    add(home)
    evaluator = Evaluator.open(home)
    today = evaluator.clock() // 86_400_000 * 86_400_000
    with evaluator.database.write() as connection:
        for day, elements in ((today, 1), (today - 86_400_000, 128)):
            storage.count(connection, "north-police", day, 1, "lookup", elements, 4096)
    names = [f"{datetime.fromtimestamp(day / 1000, UTC):%Y-%m-%d}" for day in (today, today - 1)]
    printed = typed(home, "counts", "--sign", names[1])
    envelope = msgspec.json.decode(printed.output, type=Envelope)
    told = documents.read(envelope, EvaluatorCounts, evaluator.keys.signing.public)
    assert told.day == today - 86_400_000
    assert [(one.agency, one.use, one.elements) for one in told.counts] == [
        ("north-police", "lookup", 128)
    ]
    early = typed(home, "counts", "--sign", names[0])
    assert early.exit_code == 1
    assert "is not over" in early.output


@pytest.mark.parametrize("command", [("run",), ("epoch", "open", "1"), ("identity",)])
def test_a_keyring_that_others_can_read_stops_every_command(
    home: Path, command: tuple[str, ...]
) -> None:
    (home / "keys.json").chmod(0o640)
    stopped = typed(home, *command)
    assert stopped.exit_code == 1
    assert f"chmod 600 {home / 'keys.json'}" in stopped.output


def test_a_setting_that_is_wrong_is_named(home: Path) -> None:
    path = home / "evaluator.toml"
    path.write_text(path.read_text().replace("lookup = 5000000", "lookup = 5"))
    stopped = typed(home, "run")
    assert stopped.exit_code == 1
    assert "quotas.lookup" in stopped.output


def test_a_folder_that_holds_no_evaluator_is_named(tmp_path: Path) -> None:
    stopped = typed(tmp_path, "run")
    assert stopped.exit_code == 1
    assert "evaluator.toml" in stopped.output


def test_the_public_key_of_an_identity_is_an_element(home: Path) -> None:
    typed(home, "epoch", "open", "1")
    shown = typed(home, "identity").output
    found = re.search(r"public key +(\S{43})", shown)
    assert found is not None
    voprf.evaluate((1).to_bytes(32, "little"), b64u_decode(found[1], 32))
