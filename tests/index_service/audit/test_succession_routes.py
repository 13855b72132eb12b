"""Whoever is enrolled learns how the logs of this index followed each other."""

from dataclasses import replace

import msgspec

from index_service.app import create_app
from index_service.audit import succeeding
from index_service.installation import log_of
from protocol import documents
from protocol.keys import SigningKey
from schemas.operations import LOG_SUCCESSIONS
from schemas.successions import LogSuccession, LogSuccessions
from tests.index_service.audit.logs import Kept
from tests.index_service.partnership import Partnership


def told(kept: Kept) -> LogSuccessions:
    police = Partnership(kept.index, create_app(kept.index).test_client()).member("police")
    return msgspec.convert(police.call(LOG_SUCCESSIONS).content, LogSuccessions)


def ended(kept: Kept) -> Kept:
    """Lose two signed entries, and open a successor."""
    kept.take_in(5)
    kept.sequence()
    backup = kept.back_up()
    kept.take_in(2)
    kept.sequence()
    kept.restore(backup)
    kept.sequence()
    index = kept.index
    successor = log_of(index.settings, SigningKey.generate(), index.log.generation + 1)
    with index.database.write() as connection:
        succeeding.succeed(connection, index, successor, "The disk broke")
    file = kept.file.with_name(f"log.head-{successor.generation}")
    after = Kept(replace(index, log=successor, head_file=file))
    after.sequence()
    return after


def test_a_first_log_follows_none(kept: Kept) -> None:
    assert told(kept).documents == ()


def test_each_document_is_signed_by_the_log_that_it_ends(kept: Kept) -> None:
    second = ended(kept)
    third = ended(second)
    first_document, second_document = told(third).documents
    first = documents.read(first_document, LogSuccession, kept.index.log.key.public)
    then = documents.read(second_document, LogSuccession, second.index.log.key.public)
    assert first.log == kept.index.log.verifier_key
    assert (first.successor, then.log) == (then.log, first.successor)
    assert then.successor == third.index.log.verifier_key
