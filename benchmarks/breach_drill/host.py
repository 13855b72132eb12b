"""Round 5: the index's host is also a partner, and the evaluator is run by somebody else."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import func, select

from agency_connector.evaluation.tokeniser import Tokeniser
from agency_connector.installation import Installation
from agency_connector.publishing.storage import published
from benchmarks.breach_drill.dictionary import Dictionary, keys_of
from benchmarks.breach_drill.equality import patterns
from benchmarks.breach_drill.people import Case, Sample
from benchmarks.breach_drill.theft import Loot
from foundation.database import Database
from index_service.audit.intake import intake
from index_service.evaluation import storage as evaluator
from protocol.tokens import EVALUATION_SIZES, padded_size
from schemas.evaluation import EvaluationUse

HOST: Final = "housing"


@dataclass(frozen=True, slots=True)
class FlaggedElsewhere:
    """One of the host's own people whom another partner flags too."""

    local_id: str
    agency: str
    desk: str
    shared: int


@dataclass(frozen=True, slots=True)
class LookedUp:
    """One of the host's own people whom somebody has checked."""

    local_id: str
    agency: str
    shared: int


@dataclass(frozen=True, slots=True)
class Learned:
    """What the host reads out of its own database, without asking anybody."""

    elsewhere: tuple[FlaggedElsewhere, ...]
    looked_up: tuple[LookedUp, ...]
    strangers_sharing: int
    lookups_of_strangers: int
    lookups_sharing: int


def owners(connector: Installation, sample: Sample) -> dict[bytes, Case]:
    """Return whose flags the agency has, by handle, as its connector remembers."""
    cases = {case.local_id: case for case in sample.cases if case.agency == connector.agency}
    with connector.database.read() as connection:
        rows = connection.execute(
            select(published.c.handle, published.c.local_id).where(published.c.withdrawn.is_(False))
        ).all()
    return {bytes(row.handle): cases[row.local_id] for row in rows}


def learns(loot: Loot, own: Mapping[bytes, Case]) -> Learned:
    """Return what the host learns from its database and from whose its own flags are.

    Its own lookups are left out: of those it knows anyway.
    """
    flags = {row.id: row for row in loot.tables["flags"]}
    mine = {one: own[bytes(row.handle)] for one, row in flags.items() if bytes(row.handle) in own}
    lookups = {bytes(row.lookup): row.agency for row in loot.tables["side_records"]}
    found = patterns(loot.tables)
    elsewhere, strangers = [], 0
    for pair, shared in found.flags.items():
        for own_flag, other in (pair, pair[::-1]):
            if own_flag in mine and other not in mine:
                told = flags[other]
                elsewhere.append(
                    FlaggedElsewhere(mine[own_flag].local_id, told.agency, told.desk, shared)
                )
        strangers += not (set(pair) & mine.keys())
    return Learned(
        elsewhere=tuple(sorted(elsewhere, key=lambda one: (one.local_id, one.agency))),
        looked_up=tuple(
            LookedUp(mine[flag].local_id, lookups[lookup], shared)
            for (lookup, flag), shared in sorted(found.lookups.items())
            if flag in mine and lookups[lookup] != HOST
        ),
        strangers_sharing=strangers,
        lookups_of_strangers=len({lookup for lookup, flag in found.lookups if flag not in mine}),
        lookups_sharing=len(found.lookup_pairs),
    )


def expected(
    own: Mapping[bytes, Case], others: Mapping[bytes, Case], today: date
) -> frozenset[tuple[str, str]]:
    """Return which of the host's cases share a match key with which partner's, by the cases."""
    keys = {handle: keys_of(case.particulars, today) for handle, case in others.items()}
    return frozenset(
        (case.local_id, others[handle].agency)
        for case in own.values()
        for handle, held in keys.items()
        if held & keys_of(case.particulars, today)
    )


@dataclass(frozen=True, slots=True)
class Bought:
    """What guessing new people through the evaluator brought, and what it cost."""

    guesses: int
    sent: int
    flags: Mapping[int, frozenset[int]]
    """By flag, the people it may be of."""


def buys(connector: Installation, loot: Loot, guesses: Dictionary) -> Bought:
    """Have the evaluator make tokens of the dictionary, as for lookups, and compare them."""
    anchor = connector.anchors().epochs[0]
    client = connector.evaluator(anchor)
    keys = list(guesses.literal)
    try:
        tokens = Tokeniser(anchor, client, "lookup").tokens(keys)
    finally:
        client.close()
    holders: defaultdict[bytes, set[int]] = defaultdict(set)
    for row in loot.tables["flag_tokens"]:
        holders[bytes(row.token)].add(row.flag)
    flags: defaultdict[int, set[int]] = defaultdict(set)
    for key, token in zip(keys, tokens, strict=True):
        for flag in holders.get(token, ()):
            flags[flag] |= guesses.literal[key]
    largest = EVALUATION_SIZES[-1]
    sent = sum(
        padded_size(min(largest, len(keys) - start), EVALUATION_SIZES)
        for start in range(0, len(keys), largest)
    )
    return Bought(len(keys), sent, {flag: frozenset(who) for flag, who in flags.items()})


def counted(url: str, agency: str, use: EvaluationUse) -> int:
    """Return what the evaluator has counted for an agency and a use, on all days."""
    database = Database(url)
    try:
        with database.read() as connection:
            rows = evaluator.counts_since(connection, 0)
    finally:
        database.close()
    return sum(row.elements for row in rows if (row.agency, row.use) == (agency, use))


def entries(url: str) -> int:
    """Return how many entries the index's log has."""
    database = Database(url)
    try:
        with database.read() as connection:
            number = connection.execute(select(func.count()).select_from(intake)).scalar_one()
    finally:
        database.close()
    return int(number)
