"""Opened particulars: written out by who asked, compared with the entry by an auditor."""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from agency_connector.auditing import people, reading
from agency_connector.auditing.asking import NO_FILTER, READING_BYTES
from agency_connector.auditing.reading import Report
from agency_connector.auditing.records import Handed
from agency_connector.auditing.storage import ReadingJournal
from agency_connector.installation import Installation
from agency_connector.journal.journal import Journal
from agency_connector.journal.records import Typed
from agency_connector.lookups.token_sets import expansion_of, keys_of, padded_set
from agency_connector.matching.scheme import SCHEMES, MatchKey
from foundation.files import write_atomically
from foundation.operator import OperatorError
from protocol import canonical
from protocol.commitments import PARTICULARS, commit_to, commit_to_tokens
from protocol.encoding import EncodingError, b64u_decode, b64u_encode
from schemas.audit import OpenedSet, Opening
from schemas.lookups import LookupStatement

LONGEST: Final = 64 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of comparing an opening with its entry; a part is None if it cannot be compared.

    `report` is the reading that brought the entry, with its alarms.
    """

    opening: Opening
    report: Report
    particulars: bool | None
    tokens: dict[int, bool | None]

    @property
    def equal(self) -> bool:
        """Whether everything that the statement commits to is what was opened."""
        return bool(self.particulars) and bool(self.tokens) and all(self.tokens.values())


def write(installation: Installation, user: str, check: str, path: Path) -> Opening:
    """Write the opening of one of our checks to a new file that only its owner can read.

    It is in the journal before the file is there. Raises OperatorError if there is no such check.
    """
    try:
        found = Journal.of(installation).find(b64u_decode(check, 16))
    except EncodingError:
        found = None
    if found is None or found.prepared is None:
        raise OperatorError(
            "the journal has no check of this id that was sent: copy the id from the auditor's "
            "list, or from `agency-connector audit own`"
        )
    if path.exists():
        raise OperatorError(f"{path} is there already: name a new file")
    asked = found.asked
    opening = Opening(
        partnership=installation.anchors().partnership,
        agency=installation.agency,
        lookup=check,
        particulars=asked.typed.particulars,
        reason=asked.typed.reason,
        particulars_salt=asked.particulars_salt,
        sets=tuple(
            OpenedSet(
                epoch=told.epoch, scheme=told.scheme, salt=told.salt, dummy_salt=told.dummy_salt
            )
            for told in asked.sets
        ),
    )
    _keep(installation, user, opening, None)
    write_atomically(path, canonical.encode(opening) + b"\n", new=True)
    return opening


def read(content: bytes) -> Opening:
    """Return the opening in a file; OperatorError if it is none."""
    if len(content) <= LONGEST:
        try:
            return msgspec.json.decode(content, type=Opening)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
    raise OperatorError(
        "this is no opening: it is the file that `agency-connector audit give` writes at the "
        "asking agency"
    )


def compare(installation: Installation, user: str, opening: Opening) -> Comparison:
    """Make the token set again and compare it, and the particulars, with the lookup's entry.

    The tokens count against the evaluator's quota for audits. Raises OperatorError.
    """
    told = msgspec.structs.replace(NO_FILTER, agency=opening.agency, lookup=opening.lookup)
    report = reading.lookups(installation, user, told)
    stated = [row.statement for row in report.rows if row.statement is not None and not row.alarm]
    if len(stated) != 1:
        return Comparison(opening, report, None, {})
    particulars, tokens = _compared(installation, opening, stated[0])
    made = Comparison(opening, report, particulars, tokens)
    _keep(installation, user, opening, made.equal)
    return made


def _compared(
    installation: Installation, opening: Opening, stated: LookupStatement
) -> tuple[bool, dict[int, bool | None]]:
    typed = Typed(particulars=opening.particulars, reason=opening.reason)
    salt = b64u_decode(opening.particulars_salt, 32)
    particulars = b64u_encode(commit_to(PARTICULARS, salt, typed)) == stated.particulars
    keys = keys_of(expansion_of(typed, stated.asked_at), stated.breadth)
    opened = {told.epoch: told for told in opening.sets}
    anchors = installation.anchors()
    tokens: dict[int, bool | None] = {}
    for committed in stated.tokens:
        given = opened.get(committed.epoch)
        if given is None or committed.scheme not in SCHEMES:
            tokens[committed.epoch] = None
            continue
        made = people.tokens_in(
            installation,
            anchors.epoch(committed.epoch),
            [MatchKey(key.kind, key.value) for key in keys],
        )
        padded = padded_set(made, b64u_decode(given.dummy_salt, 16))
        again = commit_to_tokens(b64u_decode(given.salt, 32), committed.epoch, padded)
        tokens[committed.epoch] = b64u_encode(again) == committed.commitment
    return particulars, tokens


def _keep(installation: Installation, user: str, opening: Opening, equal: bool | None) -> None:
    now = installation.clock()
    handed = Handed(user=user, opening=opening, equal=equal, at=now)
    ReadingJournal(installation).begin(secrets.token_bytes(READING_BYTES), handed, now)
