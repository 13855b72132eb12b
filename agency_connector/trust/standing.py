"""How the connector stands: what is reachable, held, believed and doubted, and what to do."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from agency_connector.installation import Installation
from agency_connector.mailing import notices as mail
from agency_connector.publishing import storage as publishing
from agency_connector.receipts import standing as receipts
from agency_connector.succession import offered
from agency_connector.trust import directory, own_desks, storage
from agency_connector.trust.anchors import Anchors
from agency_connector.witness import standing as witness
from foundation.operator import PlainError
from protocol.encoding import b64u_encode
from protocol.verifier_keys import verifier_key
from schemas.agencies import IndexIdentity
from schemas.evaluation import EvaluatorIdentity
from schemas.operations import EVALUATOR_IDENTITY, INDEX_IDENTITY

_TOLERATED_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Line:
    """One line of `status`; `good` is False if it asks somebody to do something."""

    about: str
    sentence: str
    good: bool = True


def lines(installation: Installation) -> tuple[Line, ...]:
    """Return how the connector stands, in the order in which to read it; raises nothing."""
    try:
        anchors = installation.anchors()
    except PlainError as error:
        return (*_index(installation, None), Line("anchors", str(error), good=False))
    return (
        *_index(installation, anchors),
        *_evaluator(installation, anchors),
        *_anchors(installation, anchors),
        *_partners(installation),
        *_desks(installation),
        *(Line("witness", said, good) for said, good in witness.told(installation)),
        Line("receipts", *receipts.told(installation)),
        *_last_sync(installation),
        *(Line("mail", said, good) for said, good in mail.lines(installation)),
    )


def _index(installation: Installation, anchors: Anchors | None) -> tuple[Line, ...]:
    try:
        client = installation.index()
        try:
            identity: IndexIdentity = client.call(INDEX_IDENTITY)
        finally:
            client.close()
    except PlainError as error:
        return (Line("index", str(error), good=False),)
    found = [Line("index", f"{client.url} answers with the pinned key"), _clock(
        identity.now - installation.clock()
    )]  # fmt: skip
    if anchors is not None and identity.log_key != verifier_key(anchors.log_name, anchors.log_key):
        found.append(_other_log(installation, anchors))
    return tuple(found)


def _other_log(installation: Installation, anchors: Anchors) -> Line:
    try:
        ended = offered.notice(installation)
    except PlainError as error:
        return Line("log", str(error), good=False)
    said = (
        f"the log {anchors.log_name} has ended, and a successor waits for a person: phone the "
        f"steward, then run {offered.COMMAND}"
        if ended
        else "the index names another log key than the one that was handed over, and no end of "
        "ours: phone the steward"
    )
    return Line("log", f"{said}; we keep to ours, and receipts of another are refused", good=False)


def _clock(ahead_ms: int) -> Line:
    seconds = abs(ahead_ms) / 1000
    way = "behind" if ahead_ms > 0 else "ahead of"
    sentence = f"this machine is {seconds:.1f} s {way} the index"
    if abs(ahead_ms) <= _TOLERATED_MS:
        return Line("clock", sentence)
    return Line(
        "clock", f"{sentence}; beyond 300 s nothing works: check timedatectl on both", good=False
    )


def _evaluator(installation: Installation, anchors: Anchors) -> tuple[Line, ...]:
    try:
        client = installation.evaluator(anchors.epochs[0])
        try:
            identity: EvaluatorIdentity = client.call(EVALUATOR_IDENTITY)
        finally:
            client.close()
    except PlainError as error:
        return (Line("evaluator", str(error), good=False),)
    listed = {told.epoch: told.public_key for told in identity.epochs}
    for anchor in anchors.epochs:
        if listed.get(anchor.epoch) != b64u_encode(anchor.evaluator_public_key):
            return (
                Line(
                    "evaluator",
                    f"its key for epoch {anchor.epoch} is missing or not the one handed over, and "
                    "its answers will be refused: phone its operator",
                    good=False,
                ),
            )
    return (Line("evaluator", f"{client.url} answers with the keys that were handed over"),)


def _anchors(installation: Installation, anchors: Anchors) -> tuple[Line, ...]:
    now = installation.clock()
    with installation.database.read() as connection:
        pinned = storage.pins(connection)
    source = "" if pinned is None else f" by {pinned.handed_over_by}"
    found = [Line("anchors", f"handed over{source}; {len(anchors.members)} agencies are believed")]
    for anchor in anchors.epochs:
        told = anchor.descriptor
        use = "published in" if told.epoch == anchors.publish_epoch else "searched"
        if told.closes_at <= now:
            found.append(
                Line(
                    "epochs",
                    f"epoch {told.epoch} has closed: run `agency-connector epoch forget "
                    f"{told.epoch}` once a newer one is held",
                    good=False,
                )
            )
        else:
            found.append(Line("epochs", f"epoch {told.epoch} is held and {use}"))
    return tuple(found)


def _partners(installation: Installation) -> tuple[Line, ...]:
    try:
        view = directory.refresh(installation)
    except PlainError as error:
        return (Line("partners", str(error), good=False),)
    held = {anchor.epoch for anchor in installation.anchors().epochs}
    found = [Line("partners", f"{len(view.agencies)} are listed, {len(view.desks)} desks verified")]
    found += [
        Line(
            "epochs",
            f"epoch {told.epoch} is open and not held here: ask a member to run `agency-connector "
            f"handover send {installation.agency} --epoch {told.epoch}`",
            good=False,
        )
        for told in view.epochs
        if told.epoch not in held and told.closes_at > installation.clock()
    ]
    found += [Line("doubt", doubt.sentence, good=False) for doubt in view.doubts]
    return tuple(found)


def _desks(installation: Installation) -> tuple[Line, ...]:
    try:
        unsigned = own_desks.unsigned(installation)
    except PlainError as error:
        return (Line("desks", str(error), good=False),)
    with installation.database.read() as connection:
        role = storage.require_enrolment(connection).role
    if not installation.settings.desks and role != "member":
        return ()  # an auditor publishes nothing and is not phoned
    if not installation.settings.desks:
        return (
            Line(
                "desks",
                "there is none: add [[desks]] to connector.toml and run `agency-connector desk "
                "sign`; partners cannot phone you without",
                good=False,
            ),
        )
    if unsigned:
        return (
            Line(
                "desks",
                f"{', '.join(unsigned)} not signed as connector.toml has it: run "
                "`agency-connector desk sign`",
                good=False,
            ),
        )
    return (Line("desks", f"{len(installation.settings.desks)} signed and with the index"),)


def _last_sync(installation: Installation) -> tuple[Line, ...]:
    with installation.database.read() as connection:
        last = publishing.last_scheduled(connection)
    if last is None:
        return ()
    ended_at, troubles = last
    ended = datetime.fromtimestamp(ended_at / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    said = "nothing to do about it" if not troubles else f"{len(troubles)} to do, as follows"
    return (
        Line("sync", f"the last one that `run` did ended {ended}, with {said}", good=not troubles),
        *(Line("sync", trouble, good=False) for trouble in troubles),
    )
