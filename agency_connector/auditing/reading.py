"""The readings: a person, lookups by filter, everything, one's own, one's subject."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import select

from agency_connector.auditing import people, verifying, witnessed
from agency_connector.auditing.asking import NO_FILTER, Answered, Reader, Terms
from agency_connector.auditing.storage import answered_checks
from agency_connector.auditing.verifying import Row
from agency_connector.installation import Installation
from agency_connector.journal.journal import Journal
from agency_connector.publishing.storage import published
from agency_connector.trust import directory
from foundation.operator import OperatorError
from protocol.commitments import SUBJECT, commit, new_salt
from protocol.encoding import b64u_decode, b64u_encode
from schemas.agencies import Desk
from schemas.audit import (
    EntriesRequest,
    Filter,
    FoundLookup,
    HeldRequest,
    Notice,
    PersonRequest,
)
from schemas.checks import Surety, TypedParticulars
from schemas.operations import AUDIT_ENTRIES, AUDIT_HELD, AUDIT_OWN, AUDIT_PERSON

# A check is asked shortly before it is recorded.
_UNDER_WAY_MS: Final = 600_000


@dataclass(frozen=True, slots=True)
class FoundRow:
    """A lookup that could have found the person: how surely and why, and who was shown."""

    row: Row
    surety: Surety
    because: str
    shown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OwnRow:
    """A lookup of one's own officers; `user` is the officer as the journal has them, if it does."""

    row: Row
    user: str | None


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """Who looked one's subject up; `desk` is None if its agency's signature is not good."""

    notice: Notice
    desk: Desk | None
    alarm: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """What readings brought, all pages together.

    `complete`: every entry in range was asked for, so a missing one is among the alarms. `size`
    entries were covered by the last checkpoint. `next` is where to go on if more was left
    than was asked for. `readings` name what was asked, page by page; `countersigned` says who
    countersigned what it is proved against. `notes` say what the answer does not cover, `alarms`
    what is wrong with it.
    """

    rows: tuple[Row, ...]
    found: tuple[FoundRow, ...]
    own: tuple[OwnRow, ...]
    notices: tuple[NoticeRow, ...]
    size: int
    checkpoint: str
    readings: tuple[str, ...]
    countersigned: str
    erased: int
    waiting: int
    next: int | None
    notes: tuple[str, ...]
    alarms: tuple[str, ...]
    complete: bool

    @property
    def every_row(self) -> tuple[Row, ...]:
        """The entries of all kinds of rows."""
        found = (one.row for one in self.found)
        return (*self.rows, *found, *(one.row for one in self.own))

    @property
    def every_alarm(self) -> tuple[str, ...]:
        """All alarms, those of single entries among them."""
        rows = self.every_row
        return (
            *self.alarms,
            *(f"entry {row.number}: {row.alarm}" for row in rows if row.alarm),
            *(f"entry {one.notice.number}: {one.alarm}" for one in self.notices if one.alarm),
        )


def person(
    installation: Installation,
    user: str,
    particulars: TypedParticulars,
    ground: str,
    *,
    since: int | None = None,
    until: int | None = None,
    first: int = 0,
    most: int = 1_000,
) -> Report:
    """Return every lookup that could have found this person, graded; at most about `most`.

    Those from entry `first` on. `ground` is the reference of the complaint or the case. Raises
    OperatorError, one clear line.
    """
    reader = Reader.at(installation)
    sought = people.seek(installation, reader.anchors, particulars, installation.clock())
    told = replace_filter(NO_FILTER, since=since, until=until)
    terms = Terms(user, ground=ground, filter=told, particulars=particulars)

    def page(at: int) -> Answered:
        return reader.ask(
            AUDIT_PERSON,
            "person",
            replace(terms, first=at),
            lambda sent: PersonRequest(statement=sent, sets=sought.sets),
            tokens=sought.stated,
            rows="lookups",
        )

    pages = list(_pages(page, most, lambda told: len(told.answer.lookups), first))
    found: list[FoundRow] = []
    for answered in pages:
        for one in answered.answer.lookups:
            row = verifying.read_row(one, answered.head, reader.anchors)
            row = verifying.check_filter(verifying.check_lookup(row, one, sought.tokens), told)
            found.append(_graded(row, one, sought))
    held = {anchor.epoch for anchor in reader.anchors.epochs}
    missed = [*sought.missed]
    missed += [
        f"epoch {one.epoch}: it was not handed over to this connector"
        for one in reader.view.epochs
        if one.epoch not in held
    ]
    notes = tuple(f"NOT SEARCHED, {one}." for one in missed)
    return _report(reader, pages, found=tuple(found), notes=notes)


def lookups(
    installation: Installation,
    user: str,
    told: Filter,
    *,
    ground: str | None = None,
    first: int = 0,
    most: int = 200,
) -> Report:
    """Return the lookups that the filter lets through; at most about `most`."""
    reader = Reader.at(installation)
    terms = Terms(user, ground=ground, filter=told)

    def page(at: int) -> Answered:
        return reader.ask(
            AUDIT_ENTRIES, "lookups", replace(terms, first=at), _entries, rows="entries"
        )

    pages = list(_pages(page, most, lambda told: len(told.answer.entries), first))
    rows = tuple(verifying.check_filter(row, told) for row in _rows(pages, reader))
    return _report(reader, pages, rows=rows)


def everything(
    installation: Installation,
    user: str,
    second: str,
    ground: str,
    *,
    first: int = 0,
    end: int | None = None,
) -> Report:
    """Return every entry from `first` to just before `end`; `second` is who confirmed it too.

    Since all are asked for, an entry that the index leaves out is noticed.
    """
    if second == user:
        raise OperatorError("a complete scan takes two people: the second must be somebody else")
    reader = Reader.at(installation)
    terms = Terms(user, ground=ground, second=second, end=end)

    def page(at: int) -> Answered:
        return reader.ask(
            AUDIT_ENTRIES, "everything", replace(terms, first=at), _entries, rows="entries"
        )

    pages = list(_pages(page, None, lambda told: len(told.answer.entries), first))
    rows = _rows(pages, reader)
    # Each page adds an entry of its own, so what the first checkpoint covers is what was asked.
    size = pages[0].head.size
    whole = size if end is None else min(end, size)
    missing = verifying.gaps([row.number for row in rows], first, whole)
    return _report(reader, pages, rows=rows, alarms=tuple(missing), complete=True)


def own(
    installation: Installation,
    user: str,
    *,
    since: int | None = None,
    until: int | None = None,
) -> Report:
    """Return the lookups of our own officers as the log has them, compared with our journal."""
    reader = Reader.at(installation)
    told = replace_filter(NO_FILTER, agency=installation.agency, since=since, until=until)
    terms = Terms(user, filter=told)

    def page(at: int) -> Answered:
        return reader.ask(AUDIT_OWN, "own", replace(terms, first=at), _entries, rows="entries")

    pages = list(_pages(page, None, lambda told: len(told.answer.entries)))
    rows = [verifying.check_filter(row, told) for row in _rows(pages, reader)]
    compared = tuple(_compared(installation, row) for row in rows)
    missing = _not_in_the_log(installation, rows, pages[-1], since, until)
    return _report(reader, pages, own=compared, alarms=missing)


def held(installation: Installation, user: str, source: str | None, local_id: str) -> Report:
    """Return who looked up the subject of our own record in the last 90 days."""
    query = select(published.c.handle, published.c.source).where(published.c.local_id == local_id)
    if source is not None:
        query = query.where(published.c.source == source)
    with installation.database.read() as connection:
        found = {bytes(row.handle): row.source for row in connection.execute(query)}
    if not found:
        raise OperatorError(
            "this connector has published no record of this number: give it as the source has it"
        )
    if len(set(found.values())) > 1:
        raise OperatorError("two sources have a record of this number: name one with --source")
    reader = Reader.at(installation)
    notices: list[NoticeRow] = []
    every: list[Answered] = []
    for handle in found:
        salt = new_salt()
        opened = b64u_encode(commit(SUBJECT, salt, handle))

        def page(
            at: int, handle: bytes = handle, salt: bytes = salt, opened: str = opened
        ) -> Answered:
            return reader.ask(
                AUDIT_HELD,
                "held",
                Terms(user, first=at),
                lambda sent: HeldRequest(
                    statement=sent, handle=b64u_encode(handle), salt=b64u_encode(salt)
                ),
                subject=opened,
                rows="notices",
            )

        pages = list(_pages(page, None, lambda told: len(told.answer.notices)))
        every += pages
        for answered in pages:
            notices += [_noticed(one, answered, reader) for one in answered.answer.notices]
    return _report(reader, every, notices=tuple(notices))


def replace_filter(
    told: Filter,
    *,
    agency: str | None = None,
    since: int | None = None,
    until: int | None = None,
) -> Filter:
    """Return a filter with these parts set."""
    return Filter(
        agency=agency,
        purpose=told.purpose,
        officer=told.officer,
        lookup=told.lookup,
        since=since,
        until=until,
    )


def _entries(sent: object) -> EntriesRequest:
    return EntriesRequest(statement=sent)  # type: ignore[arg-type]  # the reader's signed envelope


def _pages(
    page: Callable[[int], Answered],
    most: int | None,
    count: Callable[[Answered], int],
    first: int = 0,
) -> Iterator[Answered]:
    """Yield page after page until there is no more, or as many rows as were wanted."""
    read = 0
    at: int | None = first
    while at is not None:
        answered = page(at)
        yield answered
        read += count(answered)
        following = answered.answer.next
        # A page that leads back would be asked for without end.
        at = following if following is not None and following > at else None
        if most is not None and read >= most:
            return


def _rows(pages: Sequence[Answered], reader: Reader) -> tuple[Row, ...]:
    return tuple(
        verifying.read_row(one, answered.head, reader.anchors)
        for answered in pages
        for one in answered.answer.entries
    )


def _graded(row: Row, one: FoundLookup, sought: people.Sought) -> FoundRow:
    tokens = [token for told in one.sets for token in verifying.split(told)]
    surety, because = sought.grade(tokens)
    shown = tuple(sorted({hit.agency for hit in one.shown.hits}))
    return FoundRow(row, surety, because, shown)


def _compared(installation: Installation, row: Row) -> OwnRow:
    if row.statement is None:
        return OwnRow(row, None)
    found = Journal.of(installation).find(b64u_decode(row.statement.lookup, 16))
    if found is None:
        return OwnRow(
            row.but(
                "our journal has no such check: our key was used elsewhere, or the journal was "
                "restored from an older backup"
            ),
            None,
        )
    if found.kept is not None and found.kept.answer.entry != row.entry:
        row = row.but("our journal has another entry for this check")
    return OwnRow(row, found.asked.user)


def _not_in_the_log(
    installation: Installation,
    rows: Sequence[Row],
    last: Answered,
    since: int | None,
    until: int | None,
) -> tuple[str, ...]:
    """Return alarms for checks that our journal has an answer to and the log does not have."""
    settled = (last.answer.waiting_since or installation.clock()) - _UNDER_WAY_MS
    # An answer is recorded after it was asked for: a check at the edge may be outside the range.
    begin = 0 if since is None else since
    end = settled if until is None else min(until - _UNDER_WAY_MS, settled)
    with installation.database.read() as connection:
        ours = answered_checks(connection, begin, end)
    logged = {row.statement.lookup for row in rows if row.statement is not None}
    missing = [b64u_encode(one) for one in ours if b64u_encode(one) not in logged]
    return tuple(
        f"the log does not show check {one}, which our journal has an answer and a receipt for"
        for one in missing
    )


def _noticed(notice: Notice, answered: Answered, reader: Reader) -> NoticeRow:
    leaf = b64u_decode(notice.leaf, 32)
    alarm = verifying.proof_fault(leaf, notice.number, notice.proof, answered.head)
    desk = None
    if notice.call_back is not None:
        desk = directory.verified_desk(notice.call_back, reader.anchors, reader.view)
    if desk is not None and desk.agency != notice.asker:
        desk = None
    if desk is None and alarm is None:
        alarm = f"the number to ring back is not signed by {notice.asker}, so it is not shown"
    return NoticeRow(notice, desk, alarm)


def _report(
    reader: Reader,
    pages: Sequence[Answered],
    *,
    rows: tuple[Row, ...] = (),
    found: tuple[FoundRow, ...] = (),
    own: tuple[OwnRow, ...] = (),
    notices: tuple[NoticeRow, ...] = (),
    notes: tuple[str, ...] = (),
    alarms: tuple[str, ...] = (),
    complete: bool = False,
) -> Report:
    last = pages[-1]
    numbers = [
        *(row.number for row in rows),
        *(one.row.number for one in found),
        *(one.row.number for one in own),
    ]
    order = verifying.order_faults(numbers, 0, last.head.size)
    measured = witnessed.measure(reader, pages)
    whole = (*(a for page in pages for a in page.alarms), *measured.alarms, *order, *alarms)
    report = Report(
        rows=rows,
        found=found,
        own=own,
        notices=notices,
        size=last.head.size,
        checkpoint=last.answer.checkpoint,
        readings=tuple(page.reading for page in pages),
        countersigned=measured.said,
        # Each page counts from itself on, so the first counts all of the range.
        erased=pages[0].answer.erased,
        waiting=last.answer.waiting,
        next=last.answer.next,
        notes=notes,
        alarms=tuple(dict.fromkeys(whole)),
        complete=complete,
    )
    reader.alarm(report.every_alarm)
    return report
