"""Evidence: one entry with everything that a third party needs to check it, in one JSON file.

docs/protocol.md has the format, docs/audit-log.md how it is checked without this software. What
the file itself cannot prove is that its log key and trust file are the partnership's: those a
third party gets elsewhere, and compares.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from protocol import documents
from protocol.canonical import NotCanonical
from protocol.encoding import EncodingError, b64u_decode
from protocol.entries import MAX_ENTRY_BYTES, read_entry
from protocol.envelopes import BadEnvelope
from protocol.fingerprints import key_id
from protocol.log.checkpoints import SignedCheckpoint, open_checkpoint
from protocol.log.errors import LogError
from protocol.log.lines import read_base64, read_hash, write_base64
from protocol.log.log_proofs import MAX_HASHES
from protocol.log.policies import read_policy
from protocol.log.proofs import Head, check_inclusion
from protocol.merkle import leaf_hash
from protocol.verifier_keys import BadVerifierKey, KeyType, read
from schemas.agencies import KeyChange
from schemas.entries import Administration, Entry
from schemas.envelopes import Envelope
from schemas.fields import AgencyId, Bytes32, Count

FORMAT: Final = "ifi/1 evidence"
MAX_FILE_BYTES: Final = 4 * 1024 * 1024
MAX_KEYS: Final = 32


class BadEvidence(ValueError):
    """The file does not prove what it is said to prove; the message says where it fails."""


class _Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the file; standard base64 throughout, so that other tools read it as it is."""


class ProvedEntry(_Part, frozen=True, kw_only=True):
    """An entry by its number, its bytes in base64, its inclusion proof from the leaf upwards."""

    index: Count
    entry: Annotated[str, Meta(max_length=2 * MAX_ENTRY_BYTES)]
    proof: Annotated[tuple[str, ...], Meta(max_length=MAX_HASHES)]


class ProvedKey(ProvedEntry, frozen=True, kw_only=True):
    """An entry that put a signing key of the agency, base64url, into the record."""

    public: Bytes32


class Evidence(_Part, frozen=True, kw_only=True):
    """The file.

    `log` is the log's verifier key, `policy` the trust file (C2SP tlog-policy; empty if no witness
    is agreed), `checkpoint` the signed note to whose root every proof leads. `keys` are the
    entries that enrolled the agency's key and changed it since, the last being the one that signed
    `statement`, which the entry holds.
    """

    format: Literal["ifi/1 evidence"]
    log: Annotated[str, Meta(max_length=400)]
    policy: Annotated[str, Meta(max_length=256 * 1024)]
    checkpoint: Annotated[str, Meta(max_length=512 * 1024)]
    agency: AgencyId
    entry: ProvedEntry
    statement: Envelope
    keys: Annotated[tuple[ProvedKey, ...], Meta(min_length=1, max_length=MAX_KEYS)]


@dataclass(frozen=True, slots=True)
class Proved:
    """What a file proves: this entry, with this statement by `agency`, stands in a log of `size`.

    `cosigned` maps witnesses to times (s UTC); `enough` tells whether they are as many as the
    trust file wants, or there is none.
    """

    agency: str
    entry: Entry
    statement: bytes
    index: int
    size: int
    log: str
    cosigned: dict[str, int]
    witnesses: int
    enough: bool


def proved_entry(index: int, entry: bytes, proof: Sequence[bytes]) -> ProvedEntry:
    """Return an entry and its proof as they stand in the file."""
    return ProvedEntry(
        index=index, entry=write_base64(entry), proof=tuple(write_base64(part) for part in proof)
    )


def proved_key(index: int, entry: bytes, proof: Sequence[bytes], public: str) -> ProvedKey:
    """Return an entry that put the key `public` into the record as it stands in the file."""
    told = proved_entry(index, entry, proof)
    return ProvedKey(index=index, entry=told.entry, proof=told.proof, public=public)


def enrolled_key(entry: Administration) -> str | None:
    """Return the public key, base64url, that an entry enrols; None if it enrols none."""
    if entry.act != "agency-enrolled" or entry.note is None:
        return None
    _, _, public = entry.note.rpartition(" ")
    try:
        named = key_id(b64u_decode(public, 32))
    except EncodingError:
        return None
    return public if entry.note == f"key {named} {public}" else None


def write(evidence: Evidence) -> bytes:
    """Return the file's content: JSON for people too, indented."""
    return msgspec.json.format(msgspec.json.encode(evidence), indent=2) + b"\n"


def read_evidence(content: bytes) -> Evidence:
    """Return the evidence in a file; BadEvidence if it is malformed. Checks nothing."""
    if len(content) > MAX_FILE_BYTES:
        raise BadEvidence(f"An evidence file has at most {MAX_FILE_BYTES >> 20} MiB.")
    try:
        return msgspec.json.decode(content, type=Evidence)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadEvidence(f"This is not an evidence file. {error}") from error


def check(evidence: Evidence) -> Proved:
    """Check everything in `evidence`; BadEvidence says where it fails.

    The log signed the checkpoint; the proofs lead from each entry to its root; the chain of keys
    begins with an enrolment and each change is signed with the key before; the entry holds the
    statement, signed with the last key. That `log` and `policy` are the partnership's is not
    checked: compare them with what the partnership told you.
    """
    try:
        signed, cosigned, witnesses, enough = _checkpoint(evidence)
        head = signed.checkpoint.head
        entry = _included(evidence.entry, head)
        public = _last_key(evidence, head)
        payload = _statement(evidence, entry, public)
    except (LogError, BadVerifierKey, BadEnvelope, NotCanonical) as error:
        raise BadEvidence(str(error)) from error
    return Proved(
        agency=evidence.agency,
        entry=entry,
        statement=payload,
        index=evidence.entry.index,
        size=head.size,
        log=evidence.log,
        cosigned=cosigned,
        witnesses=witnesses,
        enough=enough,
    )


def _checkpoint(evidence: Evidence) -> tuple[SignedCheckpoint, dict[str, int], int, bool]:
    log = read(evidence.log)
    if log.type is not KeyType.ED25519:
        raise BadEvidence("The log's key is not one that signs a log.")
    note = evidence.checkpoint.encode()
    if not evidence.policy.strip():
        return open_checkpoint(note, [log]), {}, 0, True
    policy = read_policy(evidence.policy.encode("utf-8", "surrogateescape"))
    if log not in policy.logs:
        raise BadEvidence("The trust file in it is of another log than its log key.")
    standing = policy.assess(note)
    return standing.signed, dict(standing.cosigned), len(policy.witnesses), standing.verified


def _included(told: ProvedEntry, head: Head) -> Entry:
    content = read_base64(told.entry, LogError, "An entry")
    proof = [read_hash(part, LogError, "A line of a proof") for part in told.proof]
    check_inclusion(leaf_hash(content), told.index, head, proof)
    return read_entry(content)


def _last_key(evidence: Evidence, head: Head) -> bytes:
    public = b""
    for number, told in enumerate(evidence.keys):
        entry = _included(told, head)
        if not isinstance(entry, Administration):
            raise BadEvidence("An entry about keys is of another kind.")
        mine = b64u_decode(told.public, 32)
        if number == 0:
            _require_enrolled(entry, evidence.agency, told.public)
        else:
            _require_changed(entry, evidence.agency, public, told.public)
        public = mine
    return public


def _require_enrolled(entry: Administration, agency: str, public: str) -> None:
    if entry.agency != agency or enrolled_key(entry) != public:
        raise BadEvidence("The first entry about keys does not enrol this key of the agency.")


def _require_changed(entry: Administration, agency: str, before: bytes, public: str) -> None:
    if entry.act != "agency-key-changed" or entry.document is None:
        raise BadEvidence("An entry about keys changes none.")
    change = documents.read(entry.document, KeyChange, before)
    if (change.agency, change.keys.signing) != (agency, public):
        raise BadEvidence("An entry about keys changes those of another agency, or to another key.")


def _statement(evidence: Evidence, entry: Entry, public: bytes) -> bytes:
    held = getattr(entry, "statement", None)
    if held != evidence.statement:
        raise BadEvidence("The entry does not hold the statement that stands beside it.")
    kind = next(
        (
            kind
            for kind, name in documents.PAYLOAD_TYPES.items()
            if name == evidence.statement.payload_type
        ),
        None,
    )
    if kind is None:
        raise BadEvidence("The statement is of an unknown type.")
    told = documents.read(evidence.statement, kind, public)
    if getattr(told, "agency", None) != evidence.agency:
        raise BadEvidence("The statement is another agency's.")
    return base64.b64decode(evidence.statement.payload)
