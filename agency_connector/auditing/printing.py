"""A reading as words, as a table that a spreadsheet opens, or as JSON with every proof."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TextIO

import msgspec

from agency_connector.auditing.opening import Comparison
from agency_connector.auditing.reading import FoundRow, NoticeRow, OwnRow, Report
from agency_connector.auditing.verifying import Row
from agency_connector.lookups.answer import SURE
from foundation.operator import counted, one_line

PROVED: Final = "proved"
_COLUMNS: Final = (
    "entry", "kind", "detail", "time", "agency", "officer", "user", "purpose", "breadth", "lookup",
    "grade", "because", "shown", "proof", "alarm",
)  # fmt: skip


def words(report: Report, names: Mapping[str, str], headline: str) -> Iterator[str]:
    """Yield the lines that tell of `report`; `names` are those of agencies by id."""
    for alarm in report.alarms:
        yield f"ALARM: {alarm}"
    yield headline
    yield ""
    for one in report.found:
        yield from _lookup(one.row, names)
        yield f"  {SURE[one.surety]} as was looked up: {one.because}"
        shown = ", ".join(names.get(agency, agency) for agency in one.shown)
        yield f"  Shown to the asker: {shown or 'nobody'}"
        yield from _state(one.row)
    for told in report.own:
        yield from _lookup(told.row, names)
        yield f"  Officer in our journal: {told.user or 'not there'}"
        yield from _state(told.row)
    for row in report.rows:
        if row.statement is None:
            yield f"Entry {row.number}  {_time(row.at)}  {row.kind}  {row.detail}".rstrip()
        else:
            yield from _lookup(row, names)
        yield from _state(row)
    for one_notice in report.notices:
        yield from _notice(one_notice, names)
    yield from closing(report)


def closing(report: Report) -> Iterator[str]:
    """Yield what has to be said of every answer: what it covers, and what it does not."""
    yield f"This covers the first {report.size} entries of the log, which its checkpoint signs."
    yield report.countersigned
    yield from report.notes
    if report.erased:
        yield (
            f"Of {report.erased} lookups in range the tokens and the result have been erased by "
            "retention: they cannot be found by person any more."
        )
    if report.waiting:
        yield f"{report.waiting} newer entries have no number yet: ask again in a moment for them."
    if report.next is not None:
        yield f"There is more: go on with --from {report.next}."
    yield _recorded(report.readings)
    bad = len(report.every_alarm)
    if bad:
        yield f"{bad} {'ALARM' if bad == 1 else 'ALARMS'}: see above."
    elif report.complete:
        yield "Everything shown is proved, and nothing in the range is left out."
    else:
        yield (
            "Everything shown is proved. That the index left nothing out is not: "
            "docs/audit-log.md says how that is found."
        )


def table(report: Report, to: TextIO) -> None:
    """Write a line for each entry, comma-separated, with the names of the columns first."""
    writer = csv.DictWriter(to, _COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for line in _flat(report):
        writer.writerow({name: _cell(line.get(name)) for name in _COLUMNS})


def as_json(report: Report) -> bytes:
    """Return everything as JSON: with entries, proofs and the checkpoint, to be kept."""
    proofs = {row.number: (row.entry, row.proof) for row in report.every_row}
    lines = []
    for line in _flat(report):
        entry, proof = proofs.get(line["entry"], (None, None))
        lines.append({**line, "entry_bytes": entry, "inclusion_proof": proof})
    return msgspec.json.format(
        msgspec.json.encode(
            {
                "checkpoint": report.checkpoint,
                "countersigned": report.countersigned,
                "readings": report.readings,
                "rows": lines,
                "erased": report.erased,
                "waiting": report.waiting,
                "next": report.next,
                "notes": report.notes,
                "alarms": report.every_alarm,
            }
        )
    )


def _recorded(readings: Sequence[str]) -> str:
    count = len(readings) - 1
    more = f", and {counted(count, 'more page')}" if count else ""
    return f"That this was asked is an entry too: reading {readings[0]}{more}."


def comparison(told: Comparison) -> Iterator[str]:
    """Yield whether what was opened is what the entry commits to, part by part."""
    for alarm in told.report.every_alarm:
        yield f"ALARM: {alarm}"
    if told.particulars is None:
        yield (
            f"NOT COMPARED: the log shows no proved lookup {told.opening.lookup} of "
            f"{told.opening.agency}."
        )
        return
    number = told.report.rows[0].number
    yield f"Entry {number}, proved, of {told.opening.agency}"
    yield f"  Particulars and reason: {_equal(told.particulars)}"
    for epoch, equal in told.tokens.items():
        yield f"  Token set of epoch {epoch}, made again: {_equal(equal)}"
    if told.equal:
        yield "EQUAL: this lookup was made for these particulars and this reason, and no others."
    else:
        yield "NOT EQUAL: these are not the particulars with which this lookup was made."


def _equal(equal: bool | None) -> str:
    if equal is None:
        return "cannot be made again here"
    return "equal" if equal else "NOT EQUAL"


def _lookup(row: Row, names: Mapping[str, str]) -> Iterator[str]:
    asked = row.statement
    if asked is None:
        yield f"Entry {row.number}  {_time(row.at)}"
        return
    name = names.get(asked.agency, asked.agency)
    yield f"Entry {row.number}  {_time(row.at)}  {name}"
    yield f"  Officer {asked.officer}, purpose {asked.purpose}, {asked.breadth}"
    yield f"  Lookup {asked.lookup}"


def _state(row: Row) -> Iterator[str]:
    yield f"  ALARM: {row.alarm}" if row.alarm else "  Proved: it stands in the log."
    yield ""


def _notice(told: NoticeRow, names: Mapping[str, str]) -> Iterator[str]:
    notice = told.notice
    yield (
        f"Entry {notice.number}  {_time(notice.at)}  {names.get(notice.asker, notice.asker)} "
        "checked this person and was shown your team"
    )
    if told.desk is not None:
        yield f"  Ring back: {told.desk.name}, {told.desk.phone}"
    if told.alarm:
        yield f"  ALARM: {told.alarm}"
    else:
        yield "  Proved: an entry with this number and hash stands in the log."
    yield ""


def _flat(report: Report) -> Iterator[dict[str, Any]]:
    for row in report.rows:
        yield _line(row)
    for found in report.found:
        yield _line(found.row) | _found(found)
    for own in report.own:
        yield _line(own.row) | _own(own)
    for told in report.notices:
        yield {
            "entry": told.notice.number,
            "kind": "lookup",
            "time": _time(told.notice.at),
            "agency": told.notice.asker,
            "breadth": "narrow",
            "proof": "" if told.alarm else PROVED,
            "alarm": told.alarm or "",
        }


def _found(found: FoundRow) -> dict[str, Any]:
    return {"grade": found.surety, "because": found.because, "shown": " ".join(found.shown)}


def _own(own: OwnRow) -> dict[str, Any]:
    return {"user": own.user or ""}


def _line(row: Row) -> dict[str, Any]:
    line: dict[str, Any] = {
        "entry": row.number,
        "kind": row.kind,
        "detail": row.detail,
        "time": _time(row.at),
        "proof": "" if row.alarm else PROVED,
        "alarm": row.alarm or "",
    }
    if row.statement is not None:
        line |= {
            name: getattr(row.statement, name)
            for name in ("agency", "officer", "purpose", "breadth", "lookup")
        }
    return line


def _time(at: int | None) -> str:
    if at is None:
        return "?"
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _cell(value: Any) -> str:
    text = one_line(str("" if value is None else value))
    # A spreadsheet takes a cell that opens so for a formula.
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
