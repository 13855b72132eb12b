"""Publication marks: what the index may say of how fresh our flags are, and leaving an epoch."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from agency_connector.publishing import storage
from agency_connector.publishing.lease import Lease
from foundation.operator import counted
from schemas.flags import MarkTaken, PublicationMark
from schemas.operations import MARK, Operation


class Index(Protocol):
    """The index as the transport reaches it."""

    def call(self, operation: Operation, message: PublicationMark) -> Any:
        """Return the answer, a MarkTaken; raise OperatorError if none can be had."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Tells the index the state of our publication, and notes what it has taken."""

    lease: Lease
    index: Index

    def complete(self, epoch: int, read_at: int) -> str:
        """Mark a complete reading that began at `read_at` (ms UTC) and is delivered.

        Returns a line if the index holds another number of our flags than we published, else "".
        """
        taken = self._put(epoch, "complete", read_at)
        with self.lease.write() as connection:
            ours = storage.count_rows(connection, epoch)
        if taken.flags == ours:
            return ""
        return (
            f"the index holds {counted(taken.flags, 'flag')} of ours in epoch {epoch} and this "
            f"connector published {ours}: one of the two has an older backup; run "
            "`agency-connector sync --all`, and tell the steward if this line stays"
        )

    def paused(self, epoch: int) -> bool:
        """Mark that no source can be read any more; False if no reading was ever complete."""
        with self.lease.write() as connection:
            last = storage.marks(connection).get(epoch)
        if last is None or last[0] == "left":
            return False
        self._put(epoch, "paused", last[1])
        return True

    def left(self, epoch: int, now: int) -> None:
        """Mark that we have no flags in `epoch` any more."""
        self._put(epoch, "left", now)

    def _put(
        self, epoch: int, state: Literal["complete", "paused", "left"], read_at: int
    ) -> MarkTaken:
        taken: MarkTaken = self.index.call(
            MARK, PublicationMark(epoch=epoch, state=state, read_at=read_at)
        )
        with self.lease.write() as connection:
            storage.keep_mark(connection, epoch, state, read_at)
        return taken
