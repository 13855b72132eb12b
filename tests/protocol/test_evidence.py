"""An evidence file proves one entry, or nothing: whatever is changed in it."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import documents
from protocol.encoding import b64u_encode
from protocol.entries import entry_bytes
from protocol.evidence import (
    BadEvidence,
    Evidence,
    check,
    enrolled_key,
    proved_entry,
    proved_key,
    read_evidence,
    write,
)
from protocol.fingerprints import key_id
from protocol.keys import SigningKey
from protocol.log.checkpoints import sign_checkpoint
from protocol.log.notes import cosign, with_signatures
from protocol.log.policies import majority_policy
from protocol.log.proofs import inclusion_proof
from protocol.log.witness import witness_key, witness_name
from protocol.merkle import leaf_hash
from protocol.verifier_keys import KeyType, VerifierKey
from schemas.agencies import AgencyKeys, KeyChange
from schemas.entries import Administration, Disclosure
from schemas.lookups import ResolutionStatement
from tests.protocol.log.trees import GrownLog

PARTNERSHIP = "borsetshire"
ORIGIN = "borsetshire.ifi-log"
LOG_KEY = SigningKey.from_bytes(b"l" * 32)
LOG = VerifierKey(ORIGIN, KeyType.ED25519, LOG_KEY.public)
FIRST, SECOND, STRANGER = (SigningKey.from_bytes(bytes([seed]) * 32) for seed in b"abc")
WITNESSES = {agency: SigningKey.from_bytes(agency.encode().ljust(32)) for agency in ("x", "y", "z")}
SALT = b64u_encode(bytes(16))


def public(key: SigningKey) -> str:
    return b64u_encode(key.public)


def enrolled(agency: str, key: SigningKey) -> Administration:
    return Administration(
        v=1, partnership=PARTNERSHIP, at=1, salt=SALT, act="agency-enrolled", agency=agency,
        document=None, note=f"key {key_id(key.public)} {public(key)}",
    )  # fmt: skip


def key_changed(agency: str, before: SigningKey, after: SigningKey) -> Administration:
    change = KeyChange(
        partnership=PARTNERSHIP, agency=agency, old_key=before.key_id,
        keys=AgencyKeys(signing=public(after), sealing=public(after)), signed_at=2,
    )  # fmt: skip
    return Administration(
        v=1, partnership=PARTNERSHIP, at=2, salt=SALT, act="agency-key-changed", agency=agency,
        document=documents.sign(change, before), note=None,
    )  # fmt: skip


def disclosed(agency: str, key: SigningKey) -> Disclosure:
    statement = ResolutionStatement(
        partnership=PARTNERSHIP, agency=agency, resolution=SALT, reference="7KQ2MXW4RD",
        officer=SALT, signed_at=3,
    )  # fmt: skip
    return Disclosure(
        v=1, partnership=PARTNERSHIP, at=3, salt=SALT, statement=documents.sign(statement, key),
        lookup=SALT,
    )  # fmt: skip


ENTRIES: list[Administration | Disclosure] = [
    enrolled("police", FIRST),
    enrolled("council", STRANGER),
    key_changed("police", FIRST, SECOND),
    disclosed("police", SECOND),
    disclosed("council", STRANGER),
    disclosed("police", STRANGER),
]
PLACE = {"first": 0, "stranger": 1, "change": 2, "ours": 3, "theirs": 4, "forged": 5}
CONTENTS = [entry_bytes(entry) for entry in ENTRIES]
GROWN = GrownLog([leaf_hash(content) for content in CONTENTS])
POLICY = majority_policy(
    LOG, {agency: witness_key(agency, PARTNERSHIP, key.public) for agency, key in WITNESSES.items()}
).decode()


def note(*witnesses: str) -> str:
    made = sign_checkpoint(ORIGIN, GROWN.head, LOG_KEY)
    lines = [
        cosign(made.text, witness_name(agency, PARTNERSHIP), WITNESSES[agency], 9)
        for agency in witnesses
    ]
    return with_signatures(made, lines).to_bytes().decode()


def evidence(entry: str = "ours", keys: tuple[str, ...] = ("first", "change")) -> Evidence:
    """The file about an entry, with these entries about the agency's keys."""
    proofs = [inclusion_proof(GROWN.hashes(), at, GROWN.head.size) for at in range(len(CONTENTS))]
    publics = {"first": FIRST, "stranger": STRANGER, "change": SECOND}
    at = PLACE[entry]
    told = ENTRIES[at]
    assert isinstance(told, Disclosure)
    return Evidence(
        format="ifi/1 evidence",
        log=LOG.text,
        policy=POLICY,
        checkpoint=note("x", "y"),
        agency="police",
        entry=proved_entry(at, CONTENTS[at], proofs[at]),
        statement=told.statement,
        keys=tuple(
            proved_key(PLACE[key], CONTENTS[PLACE[key]], proofs[PLACE[key]], public(publics[key]))
            for key in keys
        ),
    )


def test_it_reads_back_and_proves_its_entry() -> None:
    proved = check(read_evidence(write(evidence())))
    assert proved.entry == ENTRIES[PLACE["ours"]]
    assert json.loads(proved.statement)["agency"] == "police"
    assert (proved.size, proved.index, proved.witnesses) == (6, 3, 3)
    assert (proved.cosigned, proved.enough) == ({"x": 9, "y": 9}, True)


def test_it_says_if_too_few_have_countersigned() -> None:
    few = msgspec.structs.replace(evidence(), checkpoint=note("z"))
    assert not check(few).enough
    nobody = msgspec.structs.replace(evidence(), policy="", checkpoint=note("z"))
    assert (check(nobody).witnesses, check(nobody).cosigned) == (0, {})


@pytest.mark.parametrize(
    ("spoilt", "why"),
    [
        (evidence("forged"), "key"),
        (evidence("theirs"), "key"),
        (evidence(keys=("first",)), "key"),
        (evidence(keys=("change",)), "does not enrol"),
        (evidence(keys=("stranger",)), "does not enrol"),
        (evidence(keys=("first", "first")), "changes none"),
        (evidence("theirs", keys=("stranger",)), "does not enrol"),
    ],
    ids=["forged", "theirs", "old", "no-start", "strangers", "twice", "anothers"],
)
def test_a_statement_that_the_agencys_key_did_not_sign_proves_nothing(
    spoilt: Evidence, why: str
) -> None:
    with pytest.raises(BadEvidence, match=why):
        check(spoilt)


@pytest.mark.parametrize(
    "changed",
    [
        {"agency": "council"},
        {"log": VerifierKey(ORIGIN, KeyType.ED25519, STRANGER.public).text},
        {"log": VerifierKey("other.ifi-log", KeyType.ED25519, LOG_KEY.public).text},
        {"log": "no key"},
        {"policy": "log"},
        {"checkpoint": ""},
        {"statement": documents.sign(
            KeyChange(partnership=PARTNERSHIP, agency="police", old_key=FIRST.key_id,
                      keys=AgencyKeys(signing=public(FIRST), sealing=public(FIRST)), signed_at=1),
            SECOND)},
    ],
    ids=lambda changed: next(iter(changed)),
)  # fmt: skip
def test_another_agency_log_or_statement_proves_nothing(changed: dict[str, Any]) -> None:
    with pytest.raises(BadEvidence):
        check(msgspec.structs.replace(evidence(), **changed))


@pytest.mark.parametrize("note", [None, "key", "key A A", "A" * 43, f"key x {public(FIRST)}"])
def test_only_an_enrolment_with_its_key_enrols_one(note: str | None) -> None:
    assert enrolled_key(enrolled("police", FIRST)) == public(FIRST)
    assert enrolled_key(msgspec.structs.replace(enrolled("police", FIRST), note=note)) is None


GOOD = write(evidence())


@given(data=st.data())
def test_a_changed_file_proves_nothing_or_the_same(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(GOOD)))
    end = data.draw(st.integers(start, min(start + 40, len(GOOD))))
    content = GOOD[:start] + data.draw(st.binary(max_size=40)) + GOOD[end:]
    try:
        proved = check(read_evidence(content))
    except BadEvidence:
        return
    assert proved.entry == ENTRIES[PLACE["ours"]]
    assert (proved.agency, proved.index, proved.log) == ("police", PLACE["ours"], LOG.text)


@given(content=st.binary(max_size=300))
def test_any_other_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(BadEvidence):
        read_evidence(content)
