"""Limits: how many lookups an agency and an officer may make, counted by the clock's hours."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Executable,
    Integer,
    LargeBinary,
    String,
    Table,
    and_,
    bindparam,
    case,
    cast,
    func,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from foundation.problems import Problem
from foundation.statements import Asked, Statement
from index_service.database import metadata
from index_service.settings import LimitSettings
from index_service.spans import HOUR_MS
from protocol import documents
from protocol.encoding import b64u_decode
from protocol.envelopes import BadEnvelope
from schemas.envelopes import Envelope
from schemas.lookups import LookupStatement
from schemas.operations import LOOK_UP, RESOLVE, SEND_CONTACT, Operation

_HOURS_A_DAY: Final = 24
# Failed references are counted under a pseudonym that no officer can have: it is empty.
_FAILED: Final = b""
# Refused lookups whose statement cannot be read are counted under a pseudonym of zeros.
_NOBODY: Final = bytes(16)
_OVER: Final = frozenset(
    f"{who}-over-{span}" for who in ("officer", "agency") for span in ("hour", "day")
)

lookup_counts = Table(
    "lookup_counts",
    metadata,
    Column("agency", String(32), primary_key=True),
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("officer", LargeBinary(16), primary_key=True),
    Column("count", Integer, nullable=False),
)


def _counted() -> Executable:
    """The statement that adds up an agency's and an officer's counts of the last day and hour."""
    c = lookup_counts.c
    this_hour, mine = c.hour == bindparam("hour"), c.officer == bindparam("officer")
    spans = this_hour, mine, and_(this_hour, mine)
    counts = (c.count, *(case((these, c.count), else_=0) for these in spans))
    return select(*(cast(func.sum(count), BigInteger) for count in counts)).where(
        c.agency == bindparam("agency"), c.hour > bindparam("since"), c.officer != _FAILED
    )


_COUNTED: Final = Statement(_counted())
_KEY: Final = ("agency", "hour", "officer")
_ONE_MORE: Final = {"count": lookup_counts.c.count + 1}
_COUNT_ONE: Final = Statement(
    {
        "sqlite": sqlite.insert(lookup_counts).on_conflict_do_update(
            index_elements=_KEY, set_=_ONE_MORE
        ),
        "postgresql": postgresql.insert(lookup_counts).on_conflict_do_update(
            index_elements=_KEY, set_=_ONE_MORE
        ),
    }
)
_ONE_BACK: Final = Statement(
    update(lookup_counts)
    .values(count=lookup_counts.c.count - 1)
    .where(*(lookup_counts.c[name] == bindparam(name) for name in _KEY))
)


def count_lookup(connection: Connection, agency: str, officer: bytes, now: int) -> Asked:
    """Count one lookup, without waiting for the counts that `require_within` takes.

    An officer's own row is locked until the transaction ends, so the officer's limits are exact;
    an agency's can be passed by as many lookups as are under way at once.
    """
    hour = now // HOUR_MS
    _add(connection, agency, hour, officer)
    return _COUNTED.later(
        connection, agency=agency, hour=hour, officer=officer, since=hour - _HOURS_A_DAY
    )


def take_back(connection: Connection, agency: str, officer: bytes, now: int) -> None:
    """Undo `count_lookup` in its own transaction, of a lookup that turns out to be made already."""
    _ONE_BACK.later(connection, agency=agency, hour=now // HOUR_MS, officer=officer)


def require_within(limits: LimitSettings, counted: Asked, now: int) -> None:
    """Raise Problem 429 if the lookup was one too many; rolled back, it does not count."""
    [(agency_day, agency_hour, officer_day, officer_hour)] = counted.rows()
    for count, allowed, who, span in (
        (officer_hour, limits.officer_per_hour, "officer", "hour"),
        (officer_day, limits.officer_per_day, "officer", "day"),
        (agency_hour, limits.agency_per_hour, "agency", "hour"),
        (agency_day, limits.agency_per_day, "agency", "day"),
    ):
        if count > allowed:
            raise _over(f"{who}-over-{span}", f"This {who} has made {allowed} checks", span, now)


def require_guesses_left(
    connection: Connection, limits: LimitSettings, agency: str, now: int
) -> None:
    """Raise Problem 429 if the agency has quoted too many references that are not its own."""
    c = lookup_counts.c
    failed = select(c.count).where(
        c.agency == agency, c.hour == now // HOUR_MS, c.officer == _FAILED
    )
    if (connection.execute(failed).scalar() or 0) >= limits.failed_references_per_hour:
        raise _over("too-many-guesses", "Too many references were not this agency's", "hour", now)


def note_refusal(
    connection: Connection,
    agency: str,
    operation: Operation,
    code: str,
    statement: Envelope | None,
    now: int,
) -> None:
    """Count what was refused, in the transaction that records the refusal.

    A refused lookup counts like an answered one, or "too wide" could be asked without end; one
    refused for being over a limit does not, or the limit would never let go.
    """
    hour = now // HOUR_MS
    if operation in (RESOLVE, SEND_CONTACT) and code == "no-such-reference":
        _add(connection, agency, hour, _FAILED)
    elif operation is LOOK_UP and code not in _OVER:
        _add(connection, agency, hour, _officer(statement))


def _officer(statement: Envelope | None) -> bytes:
    if statement is None:
        return _NOBODY
    try:
        return b64u_decode(documents.claimed(statement, LookupStatement).officer, 16)
    except BadEnvelope:
        return _NOBODY


def _add(connection: Connection, agency: str, hour: int, officer: bytes) -> None:
    _COUNT_ONE.later(connection, agency=agency, hour=hour, officer=officer, count=1)


def _over(code: str, what: str, span: str, now: int) -> Problem:
    wait = (HOUR_MS - now % HOUR_MS) // 1000 + 1
    problem = Problem(
        429,
        code,
        f"{what} in this {span}, as many as are allowed: try again later, or ask the steward.",
        retry_after=wait,
    )
    problem.headers["Retry-After"] = str(wait)
    return problem
