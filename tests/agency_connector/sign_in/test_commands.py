"""The commands `account` and `sign-in`: secrets are asked for or printed once, and nowhere else."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agency_connector.cli import main
from agency_connector.installation import Installation
from agency_connector.sign_in import accounts, codes, trail
from agency_connector.sign_in.routes import CLIENT_SECRET
from tests.agency_connector.bare import TOML
from tests.agency_connector.sign_in.conftest import Connector
from tests.agency_connector.sign_in.identity_provider import CALLBACK, IdentityProvider

ADD = ("account", "add", "jo", "--given", "Jo", "--family", "Archer", "--role", "officer")
PROVIDER = """[sign_in]
address = "http://127.0.0.1:8300"
[sign_in.provider]
issuer = "{issuer}"
client_id = "ifi"
amr = ["mfa"]
[sign_in.provider.roles]
officer = ["IFI"]
"""


def run(home: Path, *words: str, typed: str = "\n") -> Result:
    return CliRunner().invoke(main, ["--home", str(home), *words], input=typed)


def test_an_account_is_made_with_what_the_person_needs_printed_once(connector: Connector) -> None:
    told = run(connector.home, *ADD, "--role", "desk", "--trained", "2025-11-01")
    assert told.exit_code == 0, told.output
    password = re.search(r"^password  (\S+)$", told.stdout, re.MULTILINE)
    address = re.search(r"^codes     (otpauth://totp/\S+)$", told.stdout, re.MULTILINE)
    assert password
    assert address
    secret = re.search(r"secret=([A-Z2-7]+)", address[1])
    assert secret
    code = codes.code_at(secret[1], connector.clock())
    assert accounts.authenticate(connector.installation, "jo", password[1], code)
    listed = run(connector.home, "account", "list").output
    assert listed == "jo  Jo Archer  officer, desk  trained 2025-11-01\n"
    assert run(connector.home, *ADD).exit_code == 1


def test_a_password_that_was_typed_is_not_printed(connector: Connector) -> None:
    told = run(connector.home, *ADD, typed="three words do well\n")
    assert told.exit_code == 0, told.output
    assert "three words" not in told.output
    short = run(connector.home, "account", "reset", "jo", typed="short\n")
    assert short.exit_code == 1
    assert "12 to 300" in short.stderr


def test_an_account_is_renewed_changed_and_removed(connector: Connector) -> None:
    first = run(connector.home, *ADD).stdout
    assert run(connector.home, "account", "reset", "jo").stdout != first
    changed = run(connector.home, "account", "change", "jo", "--role", "supervisor")
    assert changed.output == "jo  Jo Archer  supervisor  trained never\n"
    assert run(connector.home, "account", "change", "jo").exit_code == 1
    assert run(connector.home, "account", "remove", "jo").exit_code == 0
    assert "There is no account" in run(connector.home, "account", "list").output
    for words in (("reset", "jo"), ("remove", "jo"), ("change", "jo", "--role", "desk")):
        gone = run(connector.home, "account", *words)
        assert gone.exit_code == 1
        assert "no account of this name" in gone.stderr
    listed = run(connector.home, "sign-in", "events").stdout
    for words in ("account-added | jo", "account-reset", "before: officer", "account-removed"):
        assert words in listed


def test_codes_are_printed_in_a_demo_alone(connector: Connector) -> None:
    run(connector.home, *ADD)
    refused = run(connector.home, "account", "code", "jo")
    assert refused.exit_code == 1
    assert "own phone" in refused.stderr
    demo = TOML.replace("[index]", "demo = true\n[index]", 1)
    (connector.home / "connector.toml").write_text(demo)
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    reset = run(connector.home, "account", "reset", "jo", typed=f"three words do well\n{secret}\n")
    assert reset.exit_code == 0, reset.output
    assert secret in reset.stdout
    assert re.fullmatch(r"[0-9]{6}\n", run(connector.home, "account", "code", "jo").stdout)
    for wrong in ("GEZDGNBV", "not base32!"):
        told = run(
            connector.home, "account", "reset", "jo", typed=f"three words do well\n{wrong}\n"
        )
        assert told.exit_code == 1
        assert wrong not in told.output


def test_the_clients_secret_goes_into_the_keyring(
    connector: Connector, provider: IdentityProvider
) -> None:
    connector.set_up(PROVIDER.format(issuer=provider.address))
    missing = run(connector.home, "sign-in", "check")
    assert missing.exit_code == 1
    assert "sign-in secret" in missing.stderr
    assert run(connector.home, "sign-in", "secret", typed="\n").exit_code == 1
    kept = run(connector.home, "sign-in", "secret", typed="s3cret-of-ours\n")
    assert kept.exit_code == 0, kept.output
    assert "s3cret" not in kept.output
    opened = Installation.open(connector.home)
    assert opened.keyring.get(CLIENT_SECRET) == b"s3cret-of-ours"
    opened.close()
    told = run(connector.home, "sign-in", "check")
    assert told.exit_code == 0, told.output
    assert f"comes back to   {CALLBACK}" in told.stdout
    assert provider.address in told.stdout


@pytest.mark.parametrize("word", ["secret", "check"])
def test_without_a_provider_the_commands_say_so(connector: Connector, word: str) -> None:
    told = run(connector.home, "sign-in", word)
    assert told.exit_code == 1
    assert "[sign_in.provider]" in told.stderr


def test_what_a_command_did_is_recorded_under_its_user(connector: Connector) -> None:
    run(connector.home, *ADD)
    [event] = trail.events(connector.installation)
    assert (event.kind, event.user) == ("account-added", "jo")
    assert event.by
