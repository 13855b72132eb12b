"""A newcomer, and a founder, to whom the index lies: nothing is handed over, nothing believed."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from agency_connector.installation import Installation
from agency_connector.transport import NotGenuine
from agency_connector.trust import enrolment, epochs, handover
from agency_connector.trust.comparing import DigitsDiffer, fingerprint_of
from foundation.operator import OperatorError
from protocol import documents, voprf
from protocol.encoding import b64u_encode
from protocol.fingerprints import fingerprint40
from protocol.verifier_keys import read_verifier_key, verifier_key
from schemas.handover import HandoverInbox, HandoverPackage
from tests.end_to_end.eastmere import DAY_MS, Town, one_line, services
from tests.end_to_end.lies import FAKE, FAKE_KEYS, lie_in_directory, swapped_keys


@pytest.mark.parametrize("what", ["sealing", "signing", "both"])
def test_nothing_is_handed_to_a_newcomer_whose_keys_were_swapped(town: Town, what: str) -> None:
    """The person at the newcomer reads out the digits of its own keys, not of the liar's."""
    name = f"newcomer-{what}"
    newcomer = town.enrol(name)
    keys = {
        "sealing": replace(newcomer.keys, sealing=FAKE_KEYS.sealing),
        "signing": replace(newcomer.keys, signing=FAKE_KEYS.signing),
        "both": FAKE_KEYS,
    }[what]
    lie_in_directory(town, agencies=swapped_keys(name, keys))
    before = len(town.index.bodies_of("send-handover"))
    with pytest.raises(DigitsDiffer) as told:
        handover.send(town["police"], name, None, lambda _: fingerprint_of(newcomer.keys))
    assert "Nothing was sent or believed" in one_line(told.value)
    assert len(town.index.bodies_of("send-handover")) == before
    assert name not in town["police"].anchors().members


def handed_over(town: Town, name: str, lie: Callable[[HandoverPackage], Any]) -> Installation:
    """A newcomer for whom an honest package waits, which the index swaps for another."""
    newcomer = town.enrol(name)
    handover.send(town["police"], name, None, lambda _: fingerprint_of(newcomer.keys))

    def swapped(inbox: HandoverInbox) -> HandoverInbox:
        honest = documents.claimed(inbox.packages[0], HandoverPackage)
        return HandoverInbox(packages=(lie(honest),))

    town.index.lies["receive-handovers"] = swapped
    return newcomer


def require_nothing_believed(newcomer: Installation) -> None:
    with pytest.raises(OperatorError, match="nobody has handed over"):
        newcomer.anchors()


def test_the_senders_keys_are_not_swapped_at_hand_over(town: Town) -> None:
    newcomer = handed_over(
        town, "parish", lambda honest: documents.sign(replace(honest, sender_keys=FAKE_KEYS), FAKE)
    )
    with pytest.raises(DigitsDiffer):
        handover.receive(newcomer, None, lambda _: fingerprint_of(town["police"].keys))
    require_nothing_believed(newcomer)
    town.index.lies.clear()
    handover.receive(newcomer, None, lambda _: fingerprint_of(town["police"].keys))
    assert newcomer.anchors().members["council"].keys == town["council"].keys


def test_a_package_under_the_senders_true_keys_is_not_forged(town: Town) -> None:
    newcomer = handed_over(
        town,
        "school",
        lambda honest: documents.sign(replace(honest, ciphertext=honest.ciphertext[:-8]), FAKE),
    )
    with pytest.raises(OperatorError, match="the hand-over from police was not taken"):
        handover.receive(newcomer, None, lambda _: fingerprint_of(town["police"].keys))
    require_nothing_believed(newcomer)


def test_the_enrolment_code_is_not_given_to_another_index(town: Town) -> None:
    """The code names the index's key: whoever answers with another never sees it."""
    made = town.make("library")
    code = town.code("library")
    town.index.lies["index-identity"] = lambda told: replace(told, index_key=FAKE_KEYS.signing)
    before = len(town.index.bodies_of("enrol"))
    with pytest.raises(NotGenuine, match="the code was not sent"):
        enrolment.enrol(made, lambda _: code)
    assert len(town.index.bodies_of("enrol")) == before


@pytest.mark.parametrize("lies_about", ["the log", "the evaluator"])
def test_a_partnership_is_not_founded_on_a_swapped_key(
    tmp_path_factory: pytest.TempPathFactory, lies_about: str
) -> None:
    """The founder compares the digits of both operators by phone before it believes anything."""
    with services(tmp_path_factory.mktemp("founding")) as town:
        founder = town.enrol("police")
        log = read_verifier_key(town.index_app.log.verifier_key)[1]
        spoken = iter([fingerprint40(town.index_app.signing_key.public, log), town.digits(1)])
        if lies_about == "the log":
            other = verifier_key(town.index_app.log.name, FAKE.public)
            town.index.lies["index-identity"] = lambda told: replace(told, log_key=other)
        else:
            pair = voprf.derive_key_pair(b"\x03" * 32, b"liar")
            town.evaluator.lies["evaluator-identity"] = lambda told: replace(
                told,
                epochs=tuple(
                    replace(one, public_key=b64u_encode(pair.public_key)) for one in told.epochs
                ),
            )
        with pytest.raises(DigitsDiffer):
            epochs.found(founder, lambda _: next(spoken), town.clock() + DAY_MS)
        require_nothing_believed(founder)
