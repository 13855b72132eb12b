"""An agency gets the entries about its own keys, and nobody else's: what evidence is made of."""

import msgspec

from protocol.encoding import b64u_decode
from protocol.entries import read_entry
from protocol.evidence import enrolled_key
from protocol.keys import SealingKey, SigningKey
from schemas import operations
from schemas.agencies import AgencyKeys, KeyChange, KeyEntries
from schemas.entries import Administration
from tests.index_service.partnership import PARTNERSHIP, Agency, Partnership


def told(agency: Agency) -> list[Administration]:
    """The entries that the index gives the agency."""
    answer = msgspec.convert(agency.call(operations.KEY_ENTRIES).content, KeyEntries)
    assert all(one.number is None for one in answer.entries)  # nothing is sequenced here
    read = [read_entry(b64u_decode(one.entry)) for one in answer.entries]
    assert all(isinstance(entry, Administration) for entry in read)
    return read  # type: ignore[return-value]  # just checked


def test_the_entry_that_enrolled_its_key_holds_the_key(partnership: Partnership) -> None:
    police = partnership.member("police")
    partnership.member("council", introducer=police)
    (entry,) = told(police)
    assert entry.agency == "police"
    assert enrolled_key(entry) == police.keys.signing


def test_changes_of_its_keys_come_after_in_order(partnership: Partnership) -> None:
    police = partnership.member("police")
    first, signing, sealing = police.key, SigningKey.generate(), SealingKey.generate()
    fresh = Agency("police", police.index, police.client, key=signing, sealing=sealing)
    change = KeyChange(
        partnership=PARTNERSHIP, agency="police", old_key=first.key_id,
        keys=AgencyKeys(signing=fresh.keys.signing, sealing=fresh.keys.sealing),
        signed_at=police.index.clock(),
    )  # fmt: skip
    assert police.lay(operations.CHANGE_KEYS, change).status == 200
    assert [entry.act for entry in told(fresh)] == ["agency-enrolled", "agency-key-changed"]
