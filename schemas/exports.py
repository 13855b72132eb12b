"""What an export of a log says of itself."""

from typing import Annotated, Literal

from msgspec import Meta

from schemas.fields import Bytes32, Count, Message, PartnershipId, VerifierKey

Hashes = Annotated[tuple[Bytes32, ...], Meta(max_length=64)]


class Manifest(Message, frozen=True):
    """Entries `first` to `end - 1` of `log` are in the export; nothing of it is to be believed.

    `roots` are those of the complete subtrees over the entries before `first`, largest first;
    `proof` is the consistency proof (RFC 9162 §2.1.4) from `end` to the checkpoint's size, both
    empty for a whole log. `registry` are the numbers of entries outside that are there
    because they enrolled, changed or declared keys, or opened epochs, which name the evaluator's.
    """

    format: Literal["ifi-export/1"]
    partnership: PartnershipId
    log: VerifierKey
    first: Count
    end: Count
    roots: Hashes
    proof: Hashes
    registry: tuple[Count, ...]
