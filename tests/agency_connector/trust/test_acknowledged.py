"""What an index acknowledges of signed documents: without its log's receipt it is refused."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from agency_connector.installation import Installation
from agency_connector.receipts import acknowledged, own_entries, storage
from agency_connector.receipts.storage import receipts
from agency_connector.transport import NotGenuine
from agency_connector.trust import key_change, own_desks
from protocol import documents
from protocol import receipts as promises
from protocol.encoding import b64u_encode
from protocol.entries import entry_bytes, new_entry_salt, read_entry
from protocol.keys import SigningKey
from schemas.agencies import Acknowledged, KeyChange
from schemas.entries import Administration
from tests.agency_connector.conftest import Town
from tests.agency_connector.fake_services import PARTNERSHIP

DESK = """
[[desks]]
id = "front-desk"
name = "Front desk"
phone = "01632 960100"
"""


def kinds(installation: Any) -> list[str]:
    """The kinds of the documents of this connector that are followed, sorted."""
    with installation.database.read() as connection:
        every = storage.every_document(connection)
        followed = connection.execute(select(receipts.c.kind, receipts.c.reference)).all()
    assert sorted(every) == sorted((row.kind, row.reference) for row in followed)
    return sorted(kind for kind, _ in every)


def test_founding_handing_over_desks_and_keys_are_followed(town: Town) -> None:
    """Whoever founds checks with the log key that a person compared, before it is pinned."""
    police = town.founded("police")
    assert kinds(police) == ["epoch", "introduction"]
    council = town.joined("council", by=police)
    assert kinds(police) == ["epoch", "hand-over", "introduction", "introduction"]
    assert kinds(council) == []
    (council.home / "connector.toml").open("a").write(DESK)
    council.close()
    council = town.opened["council"] = Installation.open(council.home, clock=town.clock)
    own_desks.sign_all(council)
    key_change.change(council)
    assert kinds(council) == ["desk", "key-change"]
    with council.database.read() as connection:
        for kind, name in storage.every_document(connection):
            entry, _ = own_entries.own_entry(council, kind, name)
            told = read_entry(entry)
            assert isinstance(told, Administration)
            assert told.document is not None


def test_an_agency_to_which_nobody_has_handed_over_has_nothing_to_check_with(town: Town) -> None:
    council = town.enrolled("council")
    key_change.change(council)
    assert kinds(council) == []


def other_log(told: Acknowledged, entry: Administration) -> Acknowledged:
    return sealed(entry, SigningKey.generate())


def other_entry(told: Acknowledged, entry: Administration) -> Acknowledged:
    changed = msgspec.structs.replace(entry, salt=new_entry_salt())
    return Acknowledged(entry=b64u_encode(entry_bytes(changed)), receipt=told.receipt)


def sealed(entry: Administration, key: SigningKey) -> Acknowledged:
    content = entry_bytes(entry)
    receipt = promises.issue(content, f"{PARTNERSHIP}.ifi-log", 1, 2, key)
    return Acknowledged(entry=b64u_encode(content), receipt=receipt)


@pytest.mark.parametrize("lie", [other_log, other_entry])
def test_without_a_receipt_of_our_log_for_it_a_document_is_not_taken(
    town: Town, lie: Callable[[Acknowledged, Administration], Acknowledged]
) -> None:
    police = town.founded("police")
    before = kinds(police)
    sent, told, entry = acknowledgement(town)
    with pytest.raises(NotGenuine, match="the index took the desk and gave no receipt"):
        acknowledged.keep(police, "desk", sent, lie(told, entry))
    assert kinds(police) == before


@pytest.mark.parametrize(
    "changed", [{"document": None}, {"act": "desk-withdrawn"}, {"partnership": "elsewhere"}]
)
def test_a_record_of_something_else_is_refused(town: Town, changed: dict[str, Any]) -> None:
    police = town.founded("police")
    sent, _, entry = acknowledgement(town)
    told = sealed(msgspec.structs.replace(entry, **changed), town.index.log)
    with pytest.raises(NotGenuine, match="says something else"):
        acknowledged.keep(police, "key-change", sent, told)


def acknowledgement(town: Town) -> tuple[Any, Acknowledged, Administration]:
    """A document, and how an honest index acknowledges it as a change of keys."""
    key = SigningKey.generate()
    keys = town.opened["police"].keys
    change = KeyChange(
        partnership=PARTNERSHIP, agency="police", old_key=key.key_id, keys=keys, signed_at=1
    )
    sent = documents.sign(change, key)
    entry = Administration(
        v=1, partnership=PARTNERSHIP, at=1, salt=new_entry_salt(), act="agency-key-changed",
        agency="police", document=sent, note=None,
    )  # fmt: skip
    return sent, sealed(entry, town.index.log), entry
