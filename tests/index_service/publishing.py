"""Flags and lookups as a connector sends them, with random tokens for evaluated ones."""

import secrets
from typing import Any

from protocol import commitments, documents
from protocol.commitments import commit_to_tokens, new_salt
from protocol.encoding import b64u_encode
from protocol.publications import items_root
from schemas import operations
from schemas.flags import Flag, FlagBatch, PublicationMark, PublicationStatement, Withdrawal
from schemas.lookups import LookupRequest, LookupStatement, StatedTokens, TokenSet
from tests.index_service.partnership import DAY_MS, PARTNERSHIP, SAFEGUARDING, Agency
from tests.protocol.signed_calls import Reply

OFFICER = b64u_encode(b"officer-number-1")


def random_tokens(count: int, *included: bytes) -> list[bytes]:
    """Return `count` ascending tokens, among them `included`."""
    made = set(included)
    while len(made) < count:
        made.add(secrets.token_bytes(16))
    return sorted(made)


def flag(agency: Agency, *tokens: bytes, handle: bytes | None = None, **changed: Any) -> Flag:
    """Return a flag that holds `tokens` and random padding."""
    told: dict[str, Any] = {
        "handle": b64u_encode(handle or secrets.token_bytes(16)),
        "tokens": b64u_encode(b"".join(random_tokens(16, *tokens))),
        "desk": "front",
        "ends_at": agency.index.clock() + 30 * DAY_MS,
    }
    return Flag(**{**told, **changed})


def batch(
    publisher: Agency,
    /,
    *items: Flag | Withdrawal,
    sequence: int = 1,
    epoch: int = 1,
    kind: str | None = None,
    **changed: Any,
) -> FlagBatch:
    """Return a signed batch of flags or withdrawals; `changed` alters its statement."""
    flags = tuple(item for item in items if isinstance(item, Flag))
    withdrawals = tuple(item for item in items if isinstance(item, Withdrawal))
    told: dict[str, Any] = {
        "partnership": PARTNERSHIP,
        "agency": publisher.name,
        "epoch": epoch,
        "batch": b64u_encode(secrets.token_bytes(16)),
        "sequence": sequence,
        "kind": kind or ("collection" if flags else "erasure"),
        "count": len(items),
        "root": b64u_encode(items_root(flags or withdrawals)),
        "signed_at": publisher.index.clock(),
    }
    statement = PublicationStatement(**{**told, **changed})
    return FlagBatch(
        statement=documents.sign(statement, publisher.key), flags=flags, withdrawals=withdrawals
    )


def publish(agency: Agency, *flags: Flag, sequence: int = 1, epoch: int = 1) -> None:
    """Publish flags and say that the reading is complete."""
    sent = agency.call(operations.PUBLISH, batch(agency, *flags, sequence=sequence, epoch=epoch))
    assert sent.status == 200, sent.content
    assert mark(agency, epoch=epoch).status == 200


def mark(agency: Agency, state: str = "complete", epoch: int = 1, age: int = 0) -> Reply:
    """Send a publication mark of a reading `age` milliseconds ago."""
    read_at = agency.index.clock() - age
    told = PublicationMark(epoch=epoch, state=state, read_at=read_at)  # type: ignore[arg-type]  # a test's word
    return agency.call(operations.MARK, told)


def lookup(
    asker: Agency,
    /,
    *tokens: bytes,
    size: int = 32,
    epochs: tuple[int, ...] = (1,),
    other_tokens: bool = False,
    **changed: Any,
) -> LookupRequest:
    """Return a signed lookup for `tokens`; `other_tokens` breaks the commitment."""
    sets, stated = [], []
    for epoch in epochs:
        padded = random_tokens(size, *tokens)
        salt = new_salt()
        committed = random_tokens(size) if other_tokens else padded
        sets.append(
            TokenSet(epoch=epoch, salt=b64u_encode(salt), tokens=b64u_encode(b"".join(padded)))
        )
        commitment = b64u_encode(commit_to_tokens(salt, epoch, committed))
        stated.append(StatedTokens(epoch=epoch, scheme="1", commitment=commitment))
    told: dict[str, Any] = {
        "partnership": PARTNERSHIP,
        "agency": asker.name,
        "lookup": b64u_encode(secrets.token_bytes(16)),
        "purpose": SAFEGUARDING,
        "officer": OFFICER,
        "breadth": "narrow",
        "follows": None,
        "agreements": ("all",),
        "call_back": "front",
        "particulars": b64u_encode(
            commitments.commit(commitments.PARTICULARS, new_salt(), b"what was typed")
        ),
        "tokens": tuple(stated),
        "asked_at": asker.index.clock(),
        "signed_at": asker.index.clock(),
    }
    statement = LookupStatement(**{**told, **changed})
    return LookupRequest(statement=documents.sign(statement, asker.key), sets=tuple(sets))


def look_up(asker: Agency, /, *tokens: bytes, **changed: Any) -> Reply:
    """Send a lookup."""
    return asker.call(operations.LOOK_UP, lookup(asker, *tokens, **changed))
