"""The reckoning: whether what the databases hold is what everybody was told, byte for byte."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, select

from agency_connector.journal.journal import Journal
from agency_connector.journal.records import Prepared
from agency_connector.journal.storage import checks
from agency_connector.lookups import resolving, verifying
from agency_connector.publishing import storage as publishing
from agency_connector.trust.anchors import Anchors
from foundation.database import Database
from index_service.audit.intake import intake
from index_service.evaluation.storage import counts as evaluations
from index_service.flags import storage as flags_of
from index_service.flags.storage import batches, flag_tokens, flags, publishers
from index_service.lookups.limits import lookup_counts
from index_service.lookups.storage import lookups, references, side_records, unpad_withheld
from protocol import canonical, documents
from protocol.commitments import WITHHELD, commit
from protocol.encoding import b64u_decode, b64u_encode
from protocol.entries import read_entry
from protocol.merkle import leaf_hash
from protocol.tokens import EVALUATION_SIZES
from schemas.entries import Alteration, Collection, Consultation, Entry, Erasure, Refusal
from schemas.flags import BatchTaken, PublicationStatement
from schemas.lookups import LookupAnswer, LookupStatement, TokenSet
from tests.faults.callers import Callers
from tests.faults.county import ASKING, PUBLISHING, County
from tests.faults.load import Officers, Publisher


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the index's log holds, by intake number; `records` is as `records_of` has it."""

    entries: dict[int, Entry]
    consultations: dict[tuple[str, str], int]
    publications: dict[tuple[str, str], int]
    refusals: Counter[tuple[str, str]]
    ended: Counter[str]
    records: Mapping[tuple[str, bytes], int]


@dataclass(frozen=True, slots=True)
class Reckoned:
    """How much was looked at, for the record of a run."""

    seen: int
    recorded: int
    unseen: int
    references: int
    batches: int
    flags: int
    ended: int


def reckon(
    county: County,
    officers: Mapping[str, Officers],
    publishers_of: Mapping[str, Publisher],
    callers: Sequence[Callers],
    ended: Mapping[str, int],
) -> Reckoned:
    """Check every promise against the databases; AssertionError tells the first that is broken.

    To be called when no load runs and every agency's last sync was clean. `ended` is by agency how
    many flags have ended in time.
    """
    whole(county)
    evaluator_counted_all(county, officers)
    with county.opened_index() as index, index.database.read() as connection:
        return reckon_index(county, connection, officers, publishers_of, callers, ended)


def reckon_index(
    county: County,
    connection: Connection,
    officers: Mapping[str, Officers],
    publishers_of: Mapping[str, Publisher],
    callers: Sequence[Callers],
    ended: Mapping[str, int],
) -> Reckoned:
    """Check what the index holds, as `connection` sees it, against everybody else."""
    ledger = read_ledger(connection, records_of(county))
    counted_once(connection, ledger)
    tokens_are_those_of_flags(connection)
    assert ledger.ended == Counter(ended)
    seen = quoted = 0
    for agency in ASKING:
        seen += len(officers[agency].seen)
        quoted += answers_are_recorded(county, connection, ledger, officers[agency])
    for one in callers:
        seen += len(one.seen)
        quoted += callers_answers_are_recorded(county, connection, ledger, one)
    for agency in PUBLISHING:
        published_is_what_stands(county, connection, ledger, publishers_of[agency])
    standing = connection.execute(select(func.count()).select_from(flags)).scalar_one()
    return Reckoned(
        seen=seen,
        recorded=len(ledger.consultations),
        unseen=len(ledger.consultations) - seen,
        references=quoted,
        batches=len(ledger.publications),
        flags=standing,
        ended=sum(ledger.ended.values()),
    )


def whole(county: County) -> None:
    """Each SQLite file passes its own check, and no row lacks the row it points to."""

    def check(database: Database) -> None:
        if database.dialect != "sqlite":
            return
        with database.read() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalars().all() == ["ok"]
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []

    with county.opened_index() as index:
        check(index.database)
    with county.evaluators_database() as database:
        check(database)
    for agency in county.sources:
        with county.opened(agency) as connector:
            check(connector.database)


def read_ledger(connection: Connection, records: Mapping[tuple[str, bytes], int]) -> Ledger:
    """Read the log's intake; each entry is canonical, under its own leaf, and there once."""
    ledger = Ledger({}, {}, {}, Counter(), Counter(), records)
    for row in connection.execute(select(intake).order_by(intake.c.id)):
        entry = read_entry(row.entry)
        assert row.leaf == leaf_hash(row.entry)
        assert row.recorded_at == entry.at
        ledger.entries[row.id] = entry
        match entry:
            case Consultation():
                asked = documents.claimed(entry.statement, LookupStatement)
                key = (asked.agency, asked.lookup)
                assert key not in ledger.consultations, "a lookup was recorded twice"
                ledger.consultations[key] = row.id
            case Collection() | Alteration() | Erasure() if entry.statement is not None:
                told = documents.claimed(entry.statement, PublicationStatement)
                key = (told.agency, told.batch)
                assert key not in ledger.publications, "a batch was recorded twice"
                ledger.publications[key] = row.id
            case Erasure():
                ledger.ended[entry.agency] += entry.count
            case Refusal():
                ledger.refusals[entry.operation, entry.code] += 1
    leaves = connection.execute(select(func.count(intake.c.leaf.distinct()))).scalar_one()
    assert leaves == len(ledger.entries)
    return ledger


def counted_once(connection: Connection, ledger: Ledger) -> None:
    """Lookup, side record, entry and count: one of each for each lookup, and none beyond."""
    asked = {(r.agency, b64u_encode(r.lookup)) for r in connection.execute(select(lookups))}
    beside = {
        (row.agency, b64u_encode(row.lookup)): row.intake
        for row in connection.execute(select(side_records))
    }
    assert asked == beside.keys()
    assert beside == ledger.consultations
    refused = sum(
        count for (operation, _), count in ledger.refusals.items() if operation == "look-up"
    )
    counted = connection.execute(select(func.sum(lookup_counts.c.count))).scalar_one() or 0
    assert counted == len(asked) + refused


def tokens_are_those_of_flags(connection: Connection) -> None:
    """Every flag has its 16 token rows, and there is no token row beside them."""
    expected = {
        (token, row.id)
        for row in connection.execute(select(flags.c.id, flags.c.tokens))
        for token in flags_of.split(row.tokens)
    }
    found = [(bytes(row.token), row.flag) for row in connection.execute(select(flag_tokens))]
    standing = connection.execute(select(func.count()).select_from(flags)).scalar_one()
    assert len(expected) == standing * 16
    assert sorted(found) == sorted(expected)


def answers_are_recorded(
    county: County, connection: Connection, ledger: Ledger, officers: Officers
) -> int:
    """Each answer that was kept or seen has its entry, statement and side record.

    Returns how many references they gave out.
    """
    quotes = {row.reference: row for row in connection.execute(select(references))}
    quoted = 0
    with county.opened(officers.agency) as connector:
        journal, anchors = Journal.of(connector), connector.anchors()
        with connector.database.read() as own:
            ids = own.execute(select(checks.c.check_id)).scalars().all()
        assert {b64u_encode(one) for one in ids} <= officers.asked.keys()
        found = {b64u_encode(one): journal.find(one) for one in ids}
    for check, in_journal in found.items():
        assert in_journal is not None
        if in_journal.kept is None:
            continue
        assert in_journal.prepared is not None
        answer, sent = in_journal.kept.answer, in_journal.prepared
        this_is_recorded(connection, ledger, (officers.agency, check), sent, answer, anchors)
        for hit in in_journal.kept.answer.shown.hits:
            quoted += 1
            quote = quotes[hit.reference]
            assert (quote.asker, b64u_encode(quote.lookup)) == (officers.agency, check)
            assert (quote.holder, quote.desk) == (hit.agency, hit.desk)
            assert ledger.records[hit.agency, quote.handle] == officers.asked[check]
    for check, told in officers.seen.items():
        in_journal = found[check]
        assert in_journal is not None
        assert in_journal.kept is not None, "an officer saw an answer that was not kept"
        shown = {hit.reference for hit in in_journal.kept.answer.shown.hits}
        assert {one.reference for one in told.involved} == shown
        assert not told.alarms
    return quoted


def callers_answers_are_recorded(
    county: County, connection: Connection, ledger: Ledger, callers: Callers
) -> int:
    """As above for callers, who keep no journal; returns how many references they were given."""
    quotes = {row.reference: row for row in connection.execute(select(references))}
    with county.opened(callers.agency) as connector:
        anchors = connector.anchors()
    quoted = 0
    for lookup, seen in callers.seen.items():
        key = (callers.agency, lookup)
        this_is_recorded(connection, ledger, key, seen.sent, seen.answer, anchors)
        for hit in seen.answer.shown.hits:
            quoted += 1
            quote = quotes[hit.reference]
            assert (quote.asker, b64u_encode(quote.lookup)) == key
            assert quote.holder == hit.agency
            assert (hit.agency, quote.handle) in ledger.records
    return quoted


def this_is_recorded(
    connection: Connection,
    ledger: Ledger,
    lookup: tuple[str, str],
    sent: Prepared,
    answer: LookupAnswer,
    anchors: Anchors,
) -> None:
    """The answer to one lookup stands in the index byte for byte, as do statement and tokens."""
    agency, check = lookup
    request = sent.request
    verifying.check_answer(answer, sent, anchors)
    number = ledger.consultations[lookup]
    stored = connection.execute(select(intake.c.entry).where(intake.c.id == number)).scalar_one()
    assert stored == b64u_decode(answer.entry)
    entry = ledger.entries[number]
    assert isinstance(entry, Consultation)
    assert entry.statement == request.statement
    side = connection.execute(
        select(side_records).where(
            side_records.c.agency == agency, side_records.c.lookup == b64u_decode(check)
        )
    ).one()
    assert side.intake == number
    assert side.answer == canonical.encode(answer)
    assert msgspec.json.decode(side.sets, type=tuple[TokenSet, ...]) == request.sets
    withheld = commit(WITHHELD, side.withheld_salt, unpad_withheld(side.withheld))
    assert b64u_encode(withheld) == entry.withheld


def records_of(county: County) -> dict[tuple[str, bytes], int]:
    """Return the number of the person whose flag it is, by agency and handle, as connectors know.

    Those whose flags were withdrawn too, as long as a reference to one may be quoted.
    """
    found = {}
    for agency in PUBLISHING:
        with county.opened(agency) as connector, connector.database.read() as connection:
            for row in connection.execute(select(publishing.published)):
                found[agency, row.handle] = int(row.local_id.removeprefix(f"{agency}-"))
    return found


def published_is_what_stands(
    county: County, connection: Connection, ledger: Ledger, publisher: Publisher
) -> None:
    """The index holds what the connector published, and that is what its source holds."""
    agency = publisher.agency
    with county.opened(agency) as connector, connector.database.read() as own:
        assert publishing.waiting(own) == 0
        stands = {
            bytes(row.handle): row.local_id
            for row in own.execute(
                select(publishing.published).where(
                    publishing.published.c.gone_at.is_(None),
                    publishing.published.c.withdrawn.is_(False),
                )
            )
        }
        sent = own.execute(select(publishing.outbox).order_by(publishing.outbox.c.sequence)).all()
        last = publishing.last_sequence(own)
    theirs = flags.c.agency == agency
    held = connection.execute(select(flags.c.handle).where(theirs)).scalars().all()
    assert sorted(held) == sorted(stands)
    assert sorted(stands.values()) == sorted(f"{agency}-{n}" for n in county.sources[agency])
    taken = {
        row.batch: msgspec.json.decode(row.answer, type=BatchTaken)
        for row in connection.execute(select(batches).where(batches.c.agency == agency))
    }
    assert sorted(taken) == sorted(row.batch for row in sent)
    assert {batch for of, batch in ledger.publications if of == agency} == set(
        map(b64u_encode, taken)
    )
    assert [row.sequence for row in sent] == list(range(1, len(sent) + 1))
    stood_at = select(publishers.c.sequence).where(publishers.c.agency == agency)
    assert last == len(sent) == connection.execute(stood_at).scalar_one()
    for row in sent:
        took_effect_once(connection, ledger, agency, row, taken[row.batch])
    all_added = sum(one.added for one in taken.values())
    assert all_added - sum(one.withdrawn for one in taken.values()) == len(held)


def took_effect_once(
    connection: Connection, ledger: Ledger, agency: str, row: Row[Any], taken: BatchTaken
) -> None:
    """A batch did to the index exactly what its connector put into it, and has its entry."""
    did = {"collection": taken.added, "alteration": taken.changed, "erasure": taken.withdrawn}
    assert did[row.kind] == row.size
    assert taken.added + taken.changed + taken.unchanged + taken.withdrawn == row.size
    assert (taken.unknown, taken.capped) == (0, 0)
    assert row.entry == b64u_decode(taken.entry)
    assert row.receipt == canonical.encode(taken.receipt)
    number = ledger.publications[agency, b64u_encode(row.batch)]
    stored = connection.execute(select(intake.c.entry).where(intake.c.id == number)).scalar_one()
    assert stored == row.entry


def evaluator_counted_all(county: County, officers: Mapping[str, Officers]) -> None:
    """The evaluator counted at least the smallest batch for each check that was answered."""
    with county.evaluators_database() as database, database.read() as connection:
        for agency, one in officers.items():
            counted = connection.execute(
                select(func.sum(evaluations.c.elements)).where(
                    evaluations.c.agency == agency, evaluations.c.use == "lookup"
                )
            ).scalar_one()
            assert (counted or 0) >= len(one.seen) * EVALUATION_SIZES[0]


def says_the_same(county: County, publisher: Publisher) -> int:
    """Publish everything anew: to the index every flag is unchanged. Returns how many there are."""
    assert publisher.sync_here(everything=True).troubles == []
    agency = publisher.agency
    held = len(county.sources[agency])
    with county.opened_index() as index, index.database.read() as connection:
        latest = connection.execute(
            select(batches.c.answer)
            .where(batches.c.agency == agency)
            .order_by(batches.c.taken_at.desc())
            .limit(1)
        ).scalar_one()
    taken = msgspec.json.decode(latest, type=BatchTaken)
    assert (taken.added, taken.changed, taken.unchanged) == (0, 0, held)
    return held


def references_resolve(county: County, officers: Officers, most: int) -> int:
    """Quote references that officers were shown to their holders; return how many."""
    quoted = [
        (check, one.partner.lower(), one.reference)
        for check, answer in officers.seen.items()
        for one in answer.involved
    ][-most:]
    for check, holder, reference in quoted:
        if holder == officers.agency:
            continue
        with county.opened(holder) as connector:
            told = resolving.resolve(connector, "duty.desk", reference)
        assert told.local_id == f"{holder}-{officers.asked[check]}"
        assert told.asked_by == officers.agency.title()
    return len(quoted)
