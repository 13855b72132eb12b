"""What one reading found, in the connector's database: memory does not grow with the source."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, zip_longest
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import (
    Connection,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    tuple_,
    union_all,
    update,
)

from agency_connector.matching.scheme import MOST_IDENTIFIER_KEYS, MOST_NAME_KEYS
from agency_connector.publishing.storage import common_inputs, published, staged_rows
from foundation.database import Database
from protocol.tokens import INPUT_BYTES

MOST_SUBJECTS_PER_INPUT: Final = 10
"""An input that more of the agency's subjects share is not published (DESIGN 3.1)."""
PAGE_ROWS: Final = 1_000
_MOST_ROWS_MERGED: Final = 8
_PARAMETERS: Final = 5_000
_MOST_INPUTS: Final = MOST_NAME_KEYS + MOST_IDENTIFIER_KEYS

Outcome = Literal["publish", "withhold", "keep"]
"""`keep`: the record is there but cannot be used, so what is published of it stays to its end."""


class StagedRow(NamedTuple):
    """One record as it was read, in the order of the table's columns."""

    source: str
    local_id: str
    place: int
    outcome: Outcome
    code: str = ""
    desk: str = ""
    protected: bool = False
    ends_at: int = 0
    names: int = 0
    inputs: bytes = b""


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject that may be flagged: the inputs of its match keys, and what was published of it.

    `names` and `identifiers` are inputs of 32 bytes, most telling first, not cut to the number
    that a flag carries. `stands` says whether a flag of it stands in the epoch, `digest` what that
    flag said (None: not known).
    """

    source: str
    local_id: str
    desk: str
    ends_at: int
    names: tuple[bytes, ...]
    identifiers: tuple[bytes, ...]
    stands: bool
    digest: bytes | None


@dataclass(frozen=True, slots=True)
class Over:
    """A flag to withdraw: its record is gone or may not be flagged any more."""

    handle: bytes
    wrong: bool


_COLUMNS: Final = ", ".join(StagedRow._fields)


def clear(connection: Connection) -> None:
    """Forget the reading before."""
    connection.execute(delete(staged_rows))
    connection.execute(delete(common_inputs))


def forget_source(connection: Connection, source: str) -> None:
    """Forget what was read of a source that failed before it was at its end."""
    connection.execute(delete(staged_rows).where(staged_rows.c.source == source))


def add(connection: Connection, rows: Sequence[StagedRow]) -> None:
    """Keep records of the reading at hand."""
    if not rows:
        return
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    marks = ", ".join([mark] * len(StagedRow._fields))
    # The statement is made of our own column names alone.
    connection.exec_driver_sql(
        f"INSERT INTO staged_rows ({_COLUMNS}) VALUES ({marks})",  # noqa: S608 - no foreign text
        list(map(tuple, rows)),
    )


def find_common_inputs(connection: Connection) -> int:
    """Find the inputs that more than ten subjects share; return how many there are."""
    connection.execute(delete(common_inputs))
    numbers = union_all(*(select(literal(at).label("at")) for at in range(_MOST_INPUTS))).subquery()
    start = numbers.c.at * INPUT_BYTES
    part = func.substr(staged_rows.c.inputs, start + 1, INPUT_BYTES).label("part")
    parts = (
        select(part, staged_rows.c.source, staged_rows.c.local_id)
        .select_from(staged_rows)
        .join(numbers, start < func.length(staged_rows.c.inputs))
        .where(staged_rows.c.outcome == "publish")
        .distinct()
        .subquery()
    )
    shared = (
        select(parts.c.part).group_by(parts.c.part).having(func.count() > MOST_SUBJECTS_PER_INPUT)
    )
    connection.execute(insert(common_inputs).from_select(["input"], shared))
    return int(connection.execute(select(func.count()).select_from(common_inputs)).scalar_one())


def common_of(connection: Connection, inputs: Sequence[bytes]) -> set[bytes]:
    """Return those of `inputs` that too many subjects share."""
    found: set[bytes] = set()
    for start in range(0, len(inputs), _PARAMETERS):
        some = inputs[start : start + _PARAMETERS]
        query = select(common_inputs.c.input).where(common_inputs.c.input.in_(some))
        found.update(connection.execute(query).scalars())
    return found


def subjects(database: Database, epoch: int) -> Iterator[Subject]:
    """Yield the subjects that may be flagged, by source and local id.

    Records of one source with the same local id are one subject. No transaction is open between
    two of them, so that the caller may write.
    """
    rows = _rows(database, epoch)
    for (source, local_id), same in groupby(rows, key=lambda row: (row.source, row.local_id)):
        yield _merged(source, local_id, same)


def withhold(connection: Connection, subject: Subject, code: str) -> None:
    """Note that a subject that might be flagged cannot be, for the reason `code`."""
    connection.execute(
        update(staged_rows)
        .where(
            staged_rows.c.source == subject.source,
            staged_rows.c.local_id == subject.local_id,
            staged_rows.c.outcome == "publish",
        )
        .values(outcome="withhold", code=code)
    )


def count_over(connection: Connection, unread: Collection[str]) -> int:
    """Return how many subjects' flags are over; flags of the sources `unread` never are."""
    subject = select(published.c.source, published.c.local_id).where(_is_over(unread)).distinct()
    return int(
        connection.execute(select(func.count()).select_from(subject.subquery())).scalar_one()
    )


def over(
    connection: Connection, epoch: int, unread: Collection[str], wrong: Collection[str], most: int
) -> tuple[Over, ...]:
    """Return up to `most` flags of `epoch` that are over; `wrong` are the codes that say so."""
    same = _same_subject()
    is_wrong = exists().where(same, staged_rows.c.code.in_(sorted(wrong)))
    rows = connection.execute(
        select(published.c.handle, case((is_wrong, 1), else_=0).label("wrong"))
        .where(published.c.epoch == epoch, _is_over(unread))
        .order_by(published.c.source, published.c.local_id)
        .limit(most)
    )
    return tuple(Over(row.handle, bool(row.wrong)) for row in rows)


def _is_over(unread: Collection[str]) -> Any:
    seen = exists().where(_same_subject(), staged_rows.c.outcome.in_(("publish", "keep")))
    return and_(published.c.withdrawn.is_(False), published.c.source.not_in(sorted(unread)), ~seen)


def _same_subject() -> Any:
    return and_(
        staged_rows.c.source == published.c.source, staged_rows.c.local_id == published.c.local_id
    )


def _rows(database: Database, epoch: int) -> Iterator[Any]:
    """Yield the rows to publish in order, each with what stands of its subject, page by page."""
    key = (staged_rows.c.source, staged_rows.c.local_id, staged_rows.c.place)
    stands = and_(_same_subject(), published.c.epoch == epoch, published.c.withdrawn.is_(False))
    after = tuple_(*key) > tuple_(bindparam("s"), bindparam("l"), bindparam("p"))
    query = (
        select(staged_rows, published.c.handle, published.c.digest)
        .select_from(staged_rows.outerjoin(published, stands))
        .where(staged_rows.c.outcome == "publish", after)
        .order_by(*key)
        .limit(PAGE_ROWS)
    )
    last: dict[str, Any] = {"s": "", "l": "", "p": 0}
    while True:
        with database.read() as connection:
            page = connection.execute(query, last).all()
        yield from page
        if len(page) < PAGE_ROWS:
            return
        last = {"s": page[-1].source, "l": page[-1].local_id, "p": page[-1].place}


def _merged(source: str, local_id: str, same: Iterator[Any]) -> Subject:
    """Return the one subject of several records: aliases, or one person's several cases.

    A protected record decides the desk, because its hidden desk may not give way to a visible one;
    otherwise the record that ends last does, and the flag ends with it.
    """
    best: Any = None
    names: list[tuple[bytes, ...]] = []
    identifiers: list[tuple[bytes, ...]] = []
    for row in same:
        if best is None or (row.protected, row.ends_at) > (best.protected, best.ends_at):
            best = row
        if len(names) < _MOST_ROWS_MERGED:
            parts = _split(row.inputs)
            names.append(parts[: row.names])
            identifiers.append(parts[row.names :])
    return Subject(
        source=source,
        local_id=local_id,
        desk=best.desk,
        ends_at=best.ends_at,
        names=_in_turn(names),
        identifiers=_in_turn(identifiers),
        stands=best.handle is not None,
        digest=best.digest,
    )


def _in_turn(lists: list[tuple[bytes, ...]]) -> tuple[bytes, ...]:
    """Return the first of each list, then the second of each, and so on, each value once."""
    turns = (value for turn in zip_longest(*lists) for value in turn if value is not None)
    return tuple(dict.fromkeys(turns))


def _split(inputs: bytes) -> tuple[bytes, ...]:
    return tuple(
        inputs[start : start + INPUT_BYTES] for start in range(0, len(inputs), INPUT_BYTES)
    )
