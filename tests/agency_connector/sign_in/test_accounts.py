"""Local accounts: password and code, what slows guessing, and what the trail holds."""

import time
from collections.abc import Iterator

import pytest
from flask import Flask

from agency_connector.sign_in import accounts, codes, passwords, storage, trail
from agency_connector.sign_in.accounts import Credentials, Profile
from agency_connector.sign_in.roles import Role
from foundation.database import Database, migrate
from foundation.operator import OperatorError
from tests.agency_connector.sign_in.conftest import Connector
from tests.agency_connector.sign_in.people import PASSWORD, REAL_HASHER, hashing, somebody
from tests.conftest import FakeClock

PROFILE = Profile("Jo Archer", "Jo", "Archer", frozenset({Role.OFFICER}), None)
STEP_MS = 30_000


def test_password_and_code_sign_in_and_are_recorded(
    connector: Connector, by_accounts: Flask
) -> None:
    who = somebody(by_accounts, connector.installation, "pc-archer", Role.DESK)
    answer = who.sign_in()
    assert (answer.status_code, answer.location) == (303, "/references")
    page = who.client.get("/session").text
    assert "pc-archer Archer" in page
    told = [(event.kind, event.user, event.by) for event in trail.events(connector.installation)]
    assert told == [("account-added", "pc-archer", "it"), ("signed-in", "pc-archer", "")]
    assert [each.family_name for each in trail.everybody(connector.installation)] == ["Archer"]


def test_what_is_wrong_is_not_told(connector: Connector, by_accounts: Flask) -> None:
    """A wrong password, a wrong code and an unknown name read alike, and are recorded."""
    who = somebody(by_accounts, connector.installation)
    pages = [
        who.sign_in(password="another password"),
        who.sign_in(code="000000"),
        who.sign_in(code="nonsense"),
        who.sign_in(code="\u0661\u0662\u0663\u0664\u0665\u0666"),
        who.sign_in(user_name="pc-nobody"),
        who.sign_in(user_name="x" * 300),
    ]
    texts = {page.text.replace(page.headers["Content-Security-Policy"], "") for page in pages}
    nonce_free = {text.split("<main")[1] for text in texts}
    assert len(nonce_free) == 1
    assert {page.status_code for page in pages} == {403}
    events = [event for event in trail.events(connector.installation) if event.kind == "refused"]
    assert [event.user for event in events] == ["pc-archer"] * 4 + ["", ""]
    assert {event.because for event in events} == {"wrong-credentials"}
    assert "Set-Cookie" not in pages[0].headers


@pytest.fixture
def _as_the_product_hashes() -> Iterator[None]:
    with hashing(REAL_HASHER):
        yield


@pytest.mark.usefixtures("_as_the_product_hashes")
def test_passwords_are_hashed_with_argon2id_as_rfc_9106_recommends() -> None:
    """§4, the second recommended option: 64 MiB, three passes, four lanes."""
    assert passwords.hash_of(PASSWORD).startswith("$argon2id$v=19$m=65536,t=3,p=4$")


@pytest.mark.usefixtures("_as_the_product_hashes")
def test_an_unknown_name_takes_as_long_as_a_wrong_password() -> None:
    """Both hash once; the test allows a busy machine a factor of four."""
    hashed = passwords.hash_of(PASSWORD)
    passwords.fits("warm-up of the hash of nobody", None)

    def seconds(of: str | None) -> float:
        took = []
        for _ in range(3):
            began = time.perf_counter()
            assert not passwords.fits("a wrong password", of)
            took.append(time.perf_counter() - began)
        return min(took)

    assert 0.25 < seconds(hashed) / seconds(None) < 4


def test_a_code_is_good_once(connector: Connector, by_accounts: Flask, clock: FakeClock) -> None:
    who = somebody(by_accounts, connector.installation)
    code = who.code()
    assert who.sign_in(code=code).status_code == 303
    assert who.sign_in(code=code).status_code == 403
    clock.advance(STEP_MS)
    assert who.sign_in(code=code).status_code == 403
    assert who.sign_in().status_code == 303


def test_a_wrong_password_does_not_use_the_code_up(
    connector: Connector, by_accounts: Flask
) -> None:
    who = somebody(by_accounts, connector.installation)
    assert who.sign_in(password="a wrong password").status_code == 403
    assert who.sign_in().status_code == 303


@pytest.mark.parametrize(
    ("steps", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_a_clock_may_be_one_step_off(clock: FakeClock, steps: int, taken: bool) -> None:
    secret = codes.new_secret()
    code = codes.code_at(secret, clock() + steps * STEP_MS)
    assert (codes.step_of(secret, code, clock()) is not None) is taken


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"),
     (2000000000, "279037"), (20000000000, "353130")],
)  # fmt: skip
def test_codes_are_those_of_rfc_6238(seconds: int, code: str) -> None:
    """RFC 6238 appendix B, SHA-1, the last six of its eight digits."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert codes.code_at(secret, seconds * 1000) == code


def test_guessing_is_slowed_for_that_name_at_that_address_alone(
    connector: Connector, by_accounts: Flask, clock: FakeClock
) -> None:
    who = somebody(by_accounts, connector.installation)
    other = somebody(by_accounts, connector.installation, "pc-perks")
    for name in ("pc-archer", "pc-nobody"):
        for _ in range(5):
            assert who.sign_in(user_name=name, code="000000").status_code == 403
        slowed = who.sign_in(user_name=name)
        assert slowed.status_code == 429
        assert slowed.headers["Retry-After"] == "2"
    assert other.sign_in().status_code == 303
    elsewhere = by_accounts.test_client()
    elsewhere.environ_base["REMOTE_ADDR"] = "127.0.0.2"
    typed = {"user_name": "pc-archer", "password": PASSWORD, "code": who.code()}
    assert elsewhere.post("/sign-in", data=typed).status_code == 303
    clock.advance(STEP_MS)
    assert who.sign_in(code="000000").status_code == 403
    assert who.sign_in().status_code == 429
    clock.advance(STEP_MS)
    assert who.sign_in().status_code == 303


def test_a_session_ends_when_its_account_changes(
    connector: Connector, by_accounts: Flask, clock: FakeClock
) -> None:
    installation = connector.installation
    who = somebody(by_accounts, installation)
    changes = (
        lambda: accounts.change(installation, who.user, PROFILE, "it"),
        lambda: accounts.reset(installation, Credentials(who.user, PASSWORD, who.secret), "it"),
        lambda: accounts.remove(installation, who.user, "it"),
    )
    for change in changes:
        clock.advance(STEP_MS)
        assert who.sign_in().status_code == 303
        assert who.client.get("/session").status_code == 200
        change()
        assert (who.client.get("/session").location or "").startswith("/sign-in")
    assert who.sign_in().status_code == 403
    kinds = [event.kind for event in trail.events(installation)]
    assert [kind for kind in kinds if not kind.startswith("signed")] == [
        "account-added", "roles-changed", "account-reset", "account-removed", "refused",
    ]  # fmt: skip


def test_neither_password_nor_secret_stands_anywhere(
    connector: Connector, by_accounts: Flask
) -> None:
    who = somebody(by_accounts, connector.installation)
    code = who.code()
    who.sign_in(password="a wrong password of mine")
    who.sign_in(code=code)
    kept = b"".join(path.read_bytes() for path in (connector.home / "state").iterdir())
    kept += str(trail.events(connector.installation)).encode()
    assert b"pc-archer" in kept
    for secret in (PASSWORD, who.secret, "a wrong password of mine"):
        assert secret.encode() not in kept


@pytest.mark.parametrize(
    ("user", "password", "profile", "words"),
    [
        ("Pc Archer", PASSWORD, PROFILE, "name of an account"),
        ("x" * 65, PASSWORD, PROFILE, "name of an account"),
        ("jo", "short", PROFILE, "12 to 300"),
        ("jo", "x" * 301, PROFILE, "12 to 300"),
        ("jo", PASSWORD, Profile("x" * 201, "J", "A", PROFILE.roles, None), "1 to 200"),
        ("jo", PASSWORD, Profile("", "J", "A", PROFILE.roles, None), "1 to 200"),
        ("jo", PASSWORD, Profile("Jo", "J", "A", frozenset(), None), "without a role"),
        ("pc-archer", PASSWORD, PROFILE, "already"),
    ],
)
def test_an_account_that_does_not_fit_is_refused(
    connector: Connector, by_accounts: Flask, user: str, password: str, profile: Profile, words: str
) -> None:
    somebody(by_accounts, connector.installation)
    with pytest.raises(OperatorError, match=words):
        accounts.add(
            connector.installation, Credentials(user, password, codes.new_secret()), profile, "it"
        )
    assert [each.user for each in accounts.every_account(connector.installation)] == ["pc-archer"]


def test_accounts_and_trail_are_stored_alike_on_both_databases(database: Database) -> None:
    migrate(database, "agency_connector:migrations")
    row = storage.AccountRow(
        user_name="jo", display_name="Jo", given_name="J", family_name="A", roles="officer",
        trained_on="", password_hash="$", code_secret=b"s", code_step=-1, version=b"v" * 16,
        changed_at=1,
    )  # fmt: skip
    with database.write() as connection:
        assert storage.add(connection, row)
        assert not storage.add(connection, row)
        assert storage.use_step(connection, "jo", 7)
        assert not storage.use_step(connection, "jo", 7)
        assert not storage.use_step(connection, "jo", 6)
        assert not storage.use_step(connection, "ed", 9)
        storage.put_person(connection, b"p" * 32, b"one", 1)
        storage.put_person(connection, b"p" * 32, b"two", 2)
        for at in (1, 2, 3):
            storage.put_event(connection, bytes([at]) * 16, at, bytes([at]))
    with database.write() as connection:
        found = storage.find(connection, "jo")
        assert found is not None
        assert found.code_step == 7
        assert storage.version_of(connection, "jo") == b"v" * 16
        assert storage.everybody(connection) == ((b"p" * 32, b"two"),)
        assert [told for _, told in storage.events_since(connection, 2, 10)] == [b"\2", b"\3"]
        assert [told for _, told in storage.events_since(connection, 0, 2)] == [b"\2", b"\3"]
        assert storage.remove(connection, "jo")
        assert not storage.remove(connection, "jo")
        assert storage.every_account(connection) == ()
