"""The head file: the largest head that may have been signed, kept outside the database.

A database can be restored to what it was; this file then still tells what was signed since. It
is written and synced before a head is signed, and never goes back.
"""

from pathlib import Path

from foundation.files import locked_folder, write_atomically
from foundation.operator import OperatorError
from protocol.log.checkpoints import Checkpoint, read_checkpoint
from protocol.log.errors import BadCheckpoint
from protocol.log.proofs import Head


def read(path: Path, origin: str) -> Head | None:
    """Return the head in the file, or None if there is no file; OperatorError if it is no head."""
    try:
        text = path.read_bytes().decode()
        checkpoint = read_checkpoint(text)
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, BadCheckpoint) as error:
        raise OperatorError(
            f"{path}: this is not the log's head file: put back the one the index last wrote; "
            "nothing is signed without it"
        ) from error
    if checkpoint.origin != origin:
        raise OperatorError(f"{path}: is the head of the log {checkpoint.origin}, not of {origin}")
    return checkpoint.head


def raise_to(path: Path, origin: str, head: Head) -> None:
    """Write `head` unless the file has a larger one; return when it is on the disk.

    Raises OperatorError if the file has another root of the same size.
    """
    with locked_folder(path.parent):
        held = read(path, origin)
        if held is not None and held.size == head.size and held.root != head.root:
            raise OperatorError(
                f"{path}: says another root for {head.size} entries: two histories of one log"
            )
        if held is None or held.size < head.size:
            write_atomically(path, Checkpoint(origin, head).text.encode())
