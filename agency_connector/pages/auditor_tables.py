"""A reading as the auditor's pages show it: its table, and one entry with what was compared."""

from dataclasses import dataclass
from typing import Final

import msgspec
from flask import url_for

from agency_connector.auditing.reading import FoundRow, Report
from agency_connector.auditing.verifying import Row
from agency_connector.lookups.answer import SURE
from agency_connector.pages import cells
from agency_connector.pages.auditor_form import AuditForm
from agency_connector.pages.cells import Cell
from agency_connector.pages.forms import IDENTIFIER_KINDS
from agency_connector.pages.kept_readings import KeptReading
from protocol.encoding import EncodingError, b64u_decode
from protocol.merkle import HASH_BYTES, leaf_hash

_SHORT: Final = {"strong": "Almost certainly", "likely": "Probably", "possible": "Possibly"}
_BREADTH: Final = {"narrow": "", "wide": "looked wider"}


@dataclass(frozen=True, slots=True)
class Table:
    """A table for govukTable."""

    head: list[Cell]
    rows: list[list[Cell]]


@dataclass(frozen=True, slots=True)
class EntryPage:
    """One entry: what it says, what was compared, and the bytes that show it.

    `compared` are the sentences; if there is an alarm they are what is compared, one of which
    failed. `content` and `statement` are indented JSON, `proof` hashes in hexadecimal.
    """

    number: int
    alarm: str | None
    facts: list[dict[str, Cell]]
    compared: tuple[str, ...]
    content: str
    statement: str
    leaf: str
    proof: tuple[str, ...]


def asked_of(
    form: AuditForm, names: dict[str, str], last: int | None
) -> tuple[tuple[str, str], ...]:
    """Return what was asked for, as names and values; the ground is among them."""
    told = form.values
    born = "/".join(filter(None, (told.get(part, "") for part in ("day", "month", "year"))))
    first = told.get("first", "")
    return (
        ("Name", told.get("full_name", "")),
        ("Date of birth", born),
        ("Postcode", told.get("postcode", "")),
        (IDENTIFIER_KINDS.get(told.get("identifier_kind", ""), ""), told.get("identifier", "")),
        ("Complaint or case", told.get("ground", "")),
        ("Agency", names.get(told.get("agency", ""), told.get("agency", ""))),
        ("Purpose", told.get("purpose", "")),
        ("Pseudonym", told.get("pseudonym", "")),
        ("From", told.get("since", "")),
        ("To the end of", told.get("until", "")),
        ("Entries", f"{first or 0} to {last - 1}" if last is not None else ""),
        ("From entry", first if last is None else ""),
        ("Confirmed by", told.get("user_name", "")),
    )


def table_of(told: KeptReading, kept: str) -> Table:
    """Return the table of a reading; each row leads to the page of its entry."""
    report, lead = told.report, _Lead(told.names, kept)
    if report.complete:
        whole = cells.head("Entry", "Proof", "When", "What", "By whom, or of what")
        return Table(whole, [lead.of_any(row) for row in report.rows])
    by_person = [lead.of_found(one) for one in report.found]
    listed = [lead.of_lookup(row) for row in report.rows]
    head = ("Entry", "Proof", "When", "Agency", "Officer's pseudonym", "Purpose")
    more = ("Same person?", "Shown to the asker") if report.found else ()
    return Table(cells.head(*head, *more), [*by_person, *listed])


def entry_of(told: KeptReading, number: str) -> EntryPage | None:
    """Return the page of the entry with this number, or None if the reading has none."""
    report = told.report
    row = next((row for row in report.every_row if str(row.number) == number), None)
    if row is None:
        return None
    found = next((one for one in report.found if one.row.number == row.number), None)
    content, statement = _json_of(row)
    return EntryPage(
        number=row.number,
        alarm=row.alarm,
        facts=cells.summary(_facts(row, found, told.names)),
        compared=_compared(row, found, report, told.names),
        content=content,
        statement=statement,
        leaf=_leaf(row),
        proof=_hashes(row),
    )


@dataclass(frozen=True, slots=True)
class _Lead:
    """Makes rows, with agencies by name and a link to each entry of the reading `kept`."""

    names: dict[str, str]
    kept: str

    def of_found(self, one: FoundRow) -> list[Cell]:
        shown = ", ".join(self.names.get(agency, agency) for agency in one.shown)
        grade = cells.text(_SHORT[one.surety])
        return [*self.of_lookup(one.row), grade, cells.text(shown or "nobody")]

    def of_lookup(self, row: Row) -> list[Cell]:
        asked = row.statement
        if asked is None:
            return [*self.of_entry(row), *cells.head("?", "?", "?")]
        wider = _BREADTH[asked.breadth]
        return [
            *self.of_entry(row),
            cells.text(self.names.get(asked.agency, asked.agency)),
            cells.code(asked.officer),
            cells.text(f"{asked.purpose}, {wider}" if wider else asked.purpose),
        ]

    def of_any(self, row: Row) -> list[Cell]:
        asked = row.statement
        who = row.detail
        if asked is not None:
            who = f"{self.names.get(asked.agency, asked.agency)}: {asked.officer}"
        return [*self.of_entry(row), cells.text(row.kind), cells.text(who)]

    def of_entry(self, row: Row) -> list[Cell]:
        return [self.link(row), self.proof(row), cells.text(cells.moment(row.at))]

    def link(self, row: Row) -> Cell:
        address = url_for("audit_entry", kept=self.kept, number=str(row.number))
        return cells.link(address, f"{row.number:,}")

    def proof(self, row: Row) -> Cell:
        return cells.tag("Alarm", "red") if row.alarm else cells.tag("Proved", "green")


def _facts(row: Row, found: FoundRow | None, names: dict[str, str]) -> list[tuple[str, str]]:
    asked = row.statement
    facts = [("When", cells.moment(row.at)), ("What", row.kind), ("Of what", row.detail)]
    if asked is not None:
        facts += [
            ("Agency", names.get(asked.agency, asked.agency)),
            ("Officer's pseudonym", asked.officer),
            ("Purpose", asked.purpose),
            ("Agreements", ", ".join(asked.agreements)),
            ("Breadth", asked.breadth),
            ("Lookup", asked.lookup),
        ]
    if found is not None:
        shown = ", ".join(names.get(agency, agency) for agency in found.shown)
        facts += [
            ("Same person?", f"{SURE[found.surety]} as was looked up: {found.because}"),
            ("Shown to the asker", shown or "nobody"),
        ]
    return facts


def _compared(
    row: Row, found: FoundRow | None, report: Report, names: dict[str, str]
) -> tuple[str, ...]:
    """Return what auditing.verifying has held against what, for an entry of this kind."""
    told = [
        (
            f"The entry's bytes make the leaf hash below, and the proof leads from it, as number "
            f"{row.number:,}, to the root of the checkpoint of {report.size:,} entries."
        ),
        "The checkpoint is signed with the log key that was handed over to this connector.",
    ]
    if row.statement is not None:
        agency = names.get(row.statement.agency, row.statement.agency)
        told += [
            (
                f"The statement in the entry is signed with a key of {agency} that this connector "
                "believes, and is of this partnership."
            ),
            "The lookup is one of those that were asked for.",
        ]
    if found is not None:
        told += [
            "The tokens, as the index tells them, are those that the statement commits to.",
            "At least one of them is this person's.",
            "The answer, as the index tells it, is what the entry commits to.",
        ]
    return tuple(told)


def _json_of(row: Row) -> tuple[str, str]:
    """Return entry and statement as indented JSON; "" for what cannot be read."""
    try:
        shown = msgspec.json.format(b64u_decode(row.entry)).decode()
    except (EncodingError, msgspec.DecodeError, UnicodeDecodeError):
        return "", ""
    if row.statement is None:
        return shown, ""
    return shown, msgspec.json.format(msgspec.json.encode(row.statement)).decode()


def _leaf(row: Row) -> str:
    try:
        return leaf_hash(b64u_decode(row.entry)).hex()
    except EncodingError:
        return ""


def _hashes(row: Row) -> tuple[str, ...]:
    try:
        joined = b64u_decode(row.proof)
    except EncodingError:
        return ()
    return tuple(joined[at : at + HASH_BYTES].hex() for at in range(0, len(joined), HASH_BYTES))
