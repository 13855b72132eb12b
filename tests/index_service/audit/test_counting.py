"""What the evaluator signs for enters the record, and nothing else under its name."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from foundation.operator import OperatorError
from index_service.app import create_app
from index_service.audit import counting
from index_service.audit.administration import administer
from index_service.audit.verifying import verify_log
from protocol import documents
from protocol.encoding import b64u_encode
from protocol.keys import SigningKey
from protocol.verification import Fault
from protocol.verifier_keys import read
from schemas.envelopes import Envelope
from schemas.epochs import EpochDescriptor
from schemas.evaluation import DailyCount, EvaluatorCounts
from schemas.operations import OPEN_EPOCH
from tests.index_service.audit.logs import Kept
from tests.index_service.audit.originals import Copier
from tests.index_service.partnership import DAY_MS, PARTNERSHIP, Partnership


@dataclass
class Counted:
    """An index that knows the evaluator's key from an epoch that a member opened."""

    kept: Kept
    evaluator: SigningKey

    @property
    def yesterday(self) -> EvaluatorCounts:
        """What was evaluated yesterday."""
        now = self.kept.index.clock()
        return EvaluatorCounts(
            partnership=PARTNERSHIP,
            day=now // DAY_MS * DAY_MS - DAY_MS,
            counts=(DailyCount(agency="police", epoch=1, use="lookup", elements=4096),),
            signed_at=now,
        )

    def add(self, envelope: Envelope) -> EvaluatorCounts:
        """Add signed counts, as the steward's person does."""
        with self.kept.index.database.write() as connection:
            return counting.add(connection, self.kept.index, envelope)

    def verify(self) -> int:
        """Number what waits, verify the whole log, and return how many entries it has."""
        self.kept.sequence()
        log = read(self.kept.index.log.verifier_key)
        with self.kept.index.database.read() as connection:
            return verify_log(connection, log, PARTNERSHIP).entries


def open_epoch(kept: Kept) -> SigningKey:
    """Let a member open an epoch, which names the evaluator's key; return that key."""
    evaluator = SigningKey.generate()
    police = Partnership(kept.index, create_app(kept.index).test_client()).member("police")
    now = kept.index.clock()
    descriptor = EpochDescriptor(
        partnership=PARTNERSHIP, epoch=1, scheme="1", evaluator_public_key="A" * 43,
        evaluator_signing_key=b64u_encode(evaluator.public), partnership_key_fingerprint="A" * 43,
        opens_at=now, closes_at=now + 10**9,
    )  # fmt: skip
    assert police.lay(OPEN_EPOCH, descriptor).status == 200
    return evaluator


@pytest.fixture
def counted(copier: Copier) -> Iterator[Counted]:
    """An index that knows the evaluator's key."""
    with copier.copied(open_epoch) as (kept, evaluator):
        yield Counted(kept, evaluator)


def test_counts_that_the_evaluator_signed_are_an_entry_that_verifies(counted: Counted) -> None:
    before = counted.verify()
    told = counted.add(documents.sign(counted.yesterday, counted.evaluator))
    assert told == counted.yesterday
    assert counted.verify() == before + 1


def test_the_same_document_is_recorded_once(counted: Counted) -> None:
    signed = documents.sign(counted.yesterday, counted.evaluator)
    counted.add(signed)
    with pytest.raises(OperatorError, match="in the record already"):
        counted.add(signed)


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"partnership": "ambridge"}, "the counts of ambridge"),
        ({"day": 1}, "not the counts of a whole day"),
        ({"signed_at": 0}, "not the counts of a whole day"),
        ({"signed_at": 10**15}, "not the counts of a whole day"),
    ],
)
def test_what_is_not_a_finished_day_of_ours_is_refused(
    counted: Counted, changed: dict[str, Any], match: str
) -> None:
    told = msgspec.structs.replace(counted.yesterday, **changed)
    with pytest.raises(OperatorError, match=match):
        counted.add(documents.sign(told, counted.evaluator))


@pytest.mark.parametrize(
    "forged",
    [
        lambda one: documents.sign(one.yesterday, SigningKey.generate()),
        lambda one: documents.sign(one.yesterday, one.kept.index.log.key),
    ],
    ids=["anybody", "the log"],
)
def test_nobody_else_signs_for_the_evaluator(
    counted: Counted, forged: Callable[[Counted], Envelope]
) -> None:
    with pytest.raises(OperatorError, match="not signed by an evaluator"):
        counted.add(forged(counted))


@pytest.mark.parametrize("is_signed", [True, False])
def test_counts_that_another_key_signed_are_found_in_the_record(
    counted: Counted, is_signed: bool
) -> None:
    """An index that writes its own counts is found out by whoever verifies."""
    forged = documents.sign(counted.yesterday, SigningKey.generate())
    envelope = forged if is_signed else None
    index = counted.kept.index
    with index.database.write() as connection:
        administer(connection, index, "evaluations-counted", None, document=envelope)
    with pytest.raises(Fault, match="no epoch names as the evaluator's"):
        counted.verify()
