"""Publication marks: how fresh each agency's flags of an epoch are."""

from collections.abc import Mapping

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Integer,
    String,
    Table,
    insert,
    select,
)
from sqlalchemy import delete as delete_from

from index_service.database import metadata
from index_service.revision import move_on
from schemas.agencies import Publication

publication_marks = Table(
    "publication_marks",
    metadata,
    Column("agency", String(32), ForeignKey("agencies.agency"), primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("state", String(8), nullable=False),
    Column("read_at", BigInteger, nullable=False),
)


def put(connection: Connection, agency: str, publication: Publication) -> None:
    """Set the mark of `agency` in the publication's epoch."""
    remove(connection, agency, publication.epoch)
    connection.execute(
        insert(publication_marks).values(
            agency=agency,
            epoch=publication.epoch,
            state=publication.state,
            read_at=publication.read_at,
        )
    )


def remove(connection: Connection, agency: str, epoch: int) -> None:
    """Take the mark away: the agency has left the epoch."""
    mark = publication_marks.c
    move_on(connection)
    connection.execute(
        delete_from(publication_marks).where(mark.agency == agency, mark.epoch == epoch)
    )


def by_agency(connection: Connection) -> Mapping[str, tuple[Publication, ...]]:
    """Return each agency's marks, by epoch."""
    found: dict[str, tuple[Publication, ...]] = {}
    order = (publication_marks.c.agency, publication_marks.c.epoch)
    for row in connection.execute(select(publication_marks).order_by(*order)):
        mark = Publication(epoch=row.epoch, state=row.state, read_at=row.read_at)
        found[row.agency] = (*found.get(row.agency, ()), mark)
    return found
