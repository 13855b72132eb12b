"""Enrolment: the code goes only to the index that it was made for, and may be given twice."""

from dataclasses import replace

import msgspec
import pytest

from agency_connector.installation import Installation
from agency_connector.transport import NotGenuine, Refused
from agency_connector.trust import storage
from agency_connector.trust.enrolment import enrol
from foundation.operator import OperatorError
from protocol.encoding import b64u_encode
from protocol.enrolment_code import new_code
from protocol.keys import SigningKey
from tests.agency_connector.conftest import Town


def opened(town: Town, agency: str = "oakshire") -> Installation:
    return Installation.open(town.init(agency), clock=town.clock)


def test_enrolling_pins_the_index_key_that_the_code_names(town: Town) -> None:
    installation = opened(town)
    enrol(installation, town.typing(town.codes["oakshire"]))
    with installation.database.read() as connection:
        row = storage.require_enrolment(connection)
    assert (row.index_key, row.partnership) == (town.index.key.public, "northgate")


def test_the_same_code_with_the_same_keys_again_changes_nothing(town: Town) -> None:
    """A crash after the index has answered is mended by typing the code again."""
    installation = opened(town)
    first = enrol(installation, town.typing(town.codes["oakshire"]))
    assert enrol(installation, town.typing(town.codes["oakshire"])) == first


def test_a_used_code_with_other_keys_is_refused_in_the_indexs_words(town: Town) -> None:
    installation = opened(town)
    code = town.codes["oakshire"]
    enrol(installation, town.typing(code))
    others = replace(installation, signing_key=SigningKey.generate())
    with pytest.raises(Refused, match="used with other keys") as refused:
        enrol(others, town.typing(code))
    assert (refused.value.status, refused.value.code) == (409, "code-used")


def test_a_mistyped_code_is_found_before_anything_is_sent(town: Town) -> None:
    installation = opened(town)
    code = town.codes["oakshire"]
    wrong = ("8" if code[0] != "8" else "9") + code[1:]
    with pytest.raises(OperatorError, match="wrong"):
        enrol(installation, town.typing(wrong))
    assert town.index.received == []


def test_the_code_is_not_sent_to_an_index_with_another_key(town: Town) -> None:
    """Whoever stands at the address must hold the key that the code names."""
    installation = opened(town)
    text, _ = new_code(SigningKey.generate().key_id)
    with pytest.raises(NotGenuine, match="code was not sent"):
        enrol(installation, town.typing(text))
    assert "enrol" not in [name for name, _ in town.index.received]


def test_the_code_is_not_sent_to_one_that_only_claims_the_key(town: Town) -> None:
    """An impostor can repeat the index's public key and not sign with it."""
    installation = opened(town)
    code = town.codes["oakshire"]
    true_key = b64u_encode(town.index.key.public)
    town.index.key = SigningKey.generate()
    town.index.lies["index-identity"] = lambda told: msgspec.structs.replace(
        told, index_key=true_key
    )
    with pytest.raises(NotGenuine):
        enrol(installation, town.typing(code))
    assert "enrol" not in [name for name, _ in town.index.received]


def test_another_index_cannot_take_the_place_of_the_first(town: Town) -> None:
    installation = opened(town)
    enrol(installation, town.typing(town.codes["oakshire"]))
    town.index.key = SigningKey.generate()
    with pytest.raises(OperatorError, match="another key"):
        enrol(installation, town.typing(town.index.register("oakshire", "Oakshire")))


def test_an_enrolled_connector_cannot_be_renamed_in_its_settings(town: Town) -> None:
    """Its keys are one agency's; another name would only be refused, or worse, confused."""
    installation = town.founded("oakshire")
    agency = msgspec.structs.replace(installation.settings.agency, id="elmham")
    settings = msgspec.structs.replace(installation.settings, agency=agency)
    renamed = replace(installation, settings=settings)
    for use in (renamed.anchors, renamed.index):
        with pytest.raises(OperatorError, match="enrolled as oakshire"):
            use()
