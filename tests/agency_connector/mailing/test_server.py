"""The mail server is trusted only over TLS, with its certificate; and what a person has to mend."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from agency_connector.cli import main
from agency_connector.mailing import server
from agency_connector.mailing.server import SECRET, CannotMail
from agency_connector.mailing.settings import MailSettings
from foundation.keyring import Keyring, seal_from_setting
from tests.agency_connector.mailing.conftest import (
    PASSWORD,
    USER,
    Certified,
    Post,
    Sorting,
    free_port,
    listening,
)


@pytest.fixture(scope="module")
def port(certified: Certified) -> Iterator[int]:
    """A mail server that wants STARTTLS and a sign-in."""
    with listening(Post(), certified.context) as found:
        yield found


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring.create(tmp_path / "keys.json", seal_from_setting("unsealed"))


@pytest.fixture
def told(port: int, certified: Certified) -> MailSettings:
    """Settings that are right; the password is in the keyring."""
    return MailSettings(
        server="127.0.0.1", port=port, sender="connector@borchester.example",
        ca_file=str(certified.file), user=USER,
    )  # fmt: skip


def reach(told: MailSettings, keyring: Keyring) -> None:
    with server.connected(told, server.password_of(told, keyring)) as reached:
        reached.try_mailbox("front@borchester.example")


def test_a_server_with_its_certificate_takes_user_and_password(
    told: MailSettings, keyring: Keyring
) -> None:
    keyring.put(SECRET, PASSWORD.encode())
    reach(told, keyring)


Changed = Callable[[MailSettings], MailSettings]


@pytest.mark.parametrize(
    ("changed", "failure"),
    [
        (lambda told: msgspec.structs.replace(told, ca_file=None), "not-secure"),
        (lambda told: msgspec.structs.replace(told, ca_file="/nowhere.pem"), "not-secure"),
        (lambda told: msgspec.structs.replace(told, tls="tls"), "not-secure"),
        (lambda told: msgspec.structs.replace(told, tls="none", user=None), "refused"),
        (lambda told: msgspec.structs.replace(told, user="another"), "sign-in"),
        (lambda told: msgspec.structs.replace(told, port=free_port()), "unreachable"),
        (lambda told: msgspec.structs.replace(told, password="file:/nowhere"), "sign-in"),
        (lambda told: msgspec.structs.replace(told, password="credential:mail"), "sign-in"),
    ],
)
def test_each_fault_has_a_name_and_a_mend(
    told: MailSettings, keyring: Keyring, changed: Changed, failure: str
) -> None:
    keyring.put(SECRET, PASSWORD.encode())
    with pytest.raises(CannotMail) as raised:
        reach(changed(told), keyring)
    assert raised.value.failure == failure
    assert PASSWORD not in str(raised.value)


def test_a_server_without_tls_or_sign_in_is_not_given_the_password(
    told: MailSettings, keyring: Keyring
) -> None:
    keyring.put(SECRET, PASSWORD.encode())
    with listening(Post(), None) as plain:
        with pytest.raises(CannotMail, match="TLS as the settings ask for it") as raised:
            reach(msgspec.structs.replace(told, port=plain), keyring)
        assert raised.value.failure == "not-secure"
        with pytest.raises(CannotMail, match="leave user out"):
            reach(msgspec.structs.replace(told, port=plain, tls="none"), keyring)
        reach(msgspec.structs.replace(told, port=plain, tls="none", user=None), keyring)


def test_a_password_comes_from_keyring_credential_or_file(
    told: MailSettings, keyring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mail").touch(0o600)
    (tmp_path / "mail").write_text(f"{PASSWORD}\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(CannotMail, match="agency-connector mail password"):
        reach(told, keyring)
    for place in ("credential:mail", f"file:{tmp_path / 'mail'}"):
        reach(msgspec.structs.replace(told, password=place), keyring)
    (tmp_path / "mail").chmod(0o644)
    with pytest.raises(CannotMail, match="chmod"):
        reach(msgspec.structs.replace(told, password=f"file:{tmp_path / 'mail'}"), keyring)


def test_mail_in_clear_is_for_this_machine_alone() -> None:
    with pytest.raises(ValueError, match="mail server on this machine"):
        MailSettings(server="smtp.example.org", sender="a@b.example", tls="none")


def test_the_password_is_asked_for_and_doctor_tries_every_mailbox(sorting: Sorting) -> None:
    sorting = replace(sorting, post=Post(to_mailbox="550 unknown"))
    sorting.opened().keyring.remove(SECRET)
    run = CliRunner()
    words = ["--home", str(sorting.home)]
    assert "MEND  mail: the keyring has no password for connector" in (
        run.invoke(main, [*words, "doctor"]).output
    )
    kept = run.invoke(main, [*words, "mail", "password"], input=f"{PASSWORD}\n")
    assert kept.exit_code == 0, kept.output
    assert PASSWORD not in kept.output
    assert "does not answer" in run.invoke(main, [*words, "doctor"]).output
    sorting.serve()
    assert "refuses mail from connector@borchester.example to this mailbox (550)" in (
        run.invoke(main, [*words, "doctor"]).output
    )
    sorting.post.to_mailbox = ""
    assert "takes mail for the mailboxes of 2 desks" in run.invoke(main, [*words, "doctor"]).output
    assert sorting.post.mails == []
    toml = sorting.home / "connector.toml"
    toml.write_text(toml.read_text().replace('email = "front@borchester.example"\n', ""))
    lacking = run.invoke(main, [*words, "doctor"])
    assert "MEND  mail: desk front-desk has no mailbox" in lacking.output
    toml.write_text(toml.read_text().partition("[mail]")[0])
    assert "ok    mail: there is no [mail]" in run.invoke(main, [*words, "doctor"]).output
