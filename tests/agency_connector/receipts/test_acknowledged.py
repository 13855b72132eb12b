"""Receipts of signed documents are followed to their proof in a real log."""

from agency_connector.installation import Installation
from agency_connector.receipts import following, storage
from agency_connector.trust import key_change, own_desks
from protocol.encoding import b64u_decode
from tests.agency_connector.receipts.conftest import Log
from tests.agency_connector.trust.test_acknowledged import DESK, kinds


def test_a_hidden_desk_is_followed_though_the_record_does_not_hold_it(log: Log) -> None:
    council = log.town.connectors["council"]
    text = (council.home / "connector.toml").read_text()
    hidden = DESK.replace("front-desk", "quiet").replace("Front desk", "Quiet team")
    (council.home / "connector.toml").write_text(text + hidden + 'visibility = "hidden"\n')
    council = Installation.open(council.home, clock=log.town.clock)
    before = kinds(council)
    own_desks.sign_all(council)
    assert kinds(council) == sorted([*before, "desk"])
    council.close()


def test_they_are_verified_in_the_log_like_any_other(log: Log) -> None:
    """A real index: of the founder's documents each proof is kept, and of a desk it signs later."""
    police = log.police
    with police.database.read() as connection:
        counts = storage.counts(connection, police.anchors().log_name)
        assert {kind for kind, _ in storage.every_document(connection)} == {
            "introduction", "epoch", "desk", "hand-over",
        }  # fmt: skip
    assert (counts.verified, counts.found, counts.waiting) == (7, 0, 0)
    assert len(list(police.home.glob("proofs/*/*.tlog-proof"))) == 7
    key_change.change(police)
    log.grow()
    assert following.follow(police).verified == 1
    (proof,) = police.home.glob("proofs/*/key-change-*.tlog-proof")
    assert b64u_decode(proof.name.removeprefix("key-change-").partition(".")[0], 16)
