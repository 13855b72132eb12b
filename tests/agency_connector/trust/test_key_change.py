"""Keys are changed by the old key's word, and a change cut off anywhere can be repeated."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from agency_connector.installation import SIGNING, Installation
from agency_connector.transport import Refused, SignedClient
from agency_connector.trust import key_change
from foundation.keyring import Keyring
from protocol import documents
from protocol.encoding import b64u_decode
from schemas.agencies import KeyChange
from schemas.operations import DIRECTORY
from tests.agency_connector.publishing.borsetshire import borsetshire
from tests.conftest import FakeClock


@pytest.fixture
def connector(
    tmp_path: Path, migrated_url: Callable[[str], str], clock: FakeClock
) -> Iterator[Installation]:
    """The connector of the council, which has founded a partnership at a real index."""
    with borsetshire(tmp_path, migrated_url, clock) as town:
        yield town.connector


@pytest.fixture
def reopened(connector: Installation) -> Iterator[Callable[[], Installation]]:
    """Opens the connector as its next start finds it."""
    with ExitStack() as stack:

        def reopen() -> Installation:
            opened = Installation.open(connector.home, clock=connector.clock)
            stack.callback(opened.close)
            return opened

        yield reopen


def test_the_new_key_is_in_force_and_the_old_one_vouches_for_it(
    connector: Installation, reopened: Callable[[], Installation]
) -> None:
    old = connector.signing_key
    keys = key_change.change(connector)
    after = reopened()
    assert after.keys == keys
    assert b64u_decode(keys.signing, 32) != old.public
    directory = after.index().call(DIRECTORY)
    (change,) = directory.key_changes
    assert documents.read(change, KeyChange, old.public).keys == keys
    with pytest.raises(Refused, match="No agency here has the key"):
        connector.index().call(DIRECTORY)


@pytest.mark.parametrize("at", range(6))
def test_a_change_cut_off_at_any_write_of_the_keyring_is_finished_by_the_next(
    connector: Installation,
    reopened: Callable[[], Installation],
    monkeypatch: pytest.MonkeyPatch,
    at: int,
) -> None:
    count = 0

    def cut(real: object) -> object:
        def step(*arguments: object) -> None:
            nonlocal count
            count += 1
            if count == at + 1:
                raise KeyboardInterrupt
            real(*arguments)  # type: ignore[operator]  # a method of Keyring

        return step

    with monkeypatch.context() as patched:
        patched.setattr(Keyring, "put", cut(Keyring.put))
        patched.setattr(Keyring, "remove", cut(Keyring.remove))
        with pytest.raises(KeyboardInterrupt):
            key_change.change(connector)
    key_change.change(reopened())
    after = reopened()
    assert after.index().call(DIRECTORY).partnership
    assert not [name for name in after.keyring.names() if name.endswith("-next")]


def test_a_change_whose_answer_was_lost_is_finished_by_the_next(
    connector: Installation, reopened: Callable[[], Installation], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = SignedClient.call

    def lost(self: SignedClient, *arguments: object) -> object:
        real(self, *arguments)  # type: ignore[arg-type]  # passed on as they came
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(SignedClient, "call", lost)
        with pytest.raises(ConnectionError):
            key_change.change(connector)
    keys = key_change.change(reopened())
    assert reopened().keys == keys
    assert reopened().index().call(DIRECTORY).partnership


def test_without_an_index_the_old_keys_stay(
    connector: Installation, reopened: Callable[[], Installation]
) -> None:
    def refuse(*_: object) -> None:
        raise Refused("index", 503, "storage-unavailable", "later", None)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(SignedClient, "call", refuse)
        with pytest.raises(Refused):
            key_change.change(connector)
    assert reopened().keyring.get(SIGNING) == connector.signing_key.to_bytes()
