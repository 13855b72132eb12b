"""The pinned policy grows by what believed agencies declare, and shrinks by persons alone."""

import msgspec
import pytest
from sqlalchemy import text

from agency_connector.installation import Installation
from agency_connector.trust import directory, handover
from agency_connector.witness import policy, witnessing
from agency_connector.witness.key import WITNESS, witness_signing_key
from foundation.operator import OperatorError
from protocol import documents
from protocol.keys import SigningKey
from protocol.log.policies import majority_policy
from protocol.log.witness import witness_key
from protocol.verifier_keys import VerifierKey, read
from schemas.witnesses import WitnessDeclaration
from tests.agency_connector.conftest import Town
from tests.agency_connector.fake_services import PARTNERSHIP
from tests.agency_connector.witness.conftest import Three


def names(agency: Installation) -> set[str]:
    with agency.database.read() as connection:
        found = policy.pinned(connection)
    return set() if found is None else set(found.policy.witnesses)


def own_key(agency: Installation) -> VerifierKey:
    public = witness_signing_key(agency.keyring).public
    return witness_key(agency.agency, PARTNERSHIP, public)


def declaration(agency: Installation, key: VerifierKey, signer: SigningKey) -> object:
    told = WitnessDeclaration(
        partnership=PARTNERSHIP,
        agency=agency.agency,
        witness_key=key.text,
        signed_at=agency.clock(),
    )
    return documents.sign(told, signer)


def test_believed_agencies_that_declare_a_key_are_added_and_the_change_is_kept(
    three: Three,
) -> None:
    for agency in (three.police, three.council, three.health):
        assert names(agency) == {"police", "council", "health"}
    listed = three.command(three.police, "witness", "policy").output
    assert "quorum MAJORITY" in listed
    assert "group MAJORITY 2 council health police" in listed
    assert "health: added, as declared and signed by it" in listed


def test_an_index_that_keeps_declarations_back_shrinks_nothing(three: Three) -> None:
    three.town.index.witnesses.clear()
    directory.refresh(three.police)
    assert names(three.police) == {"police", "council", "health"}


def test_a_key_that_the_agency_did_not_declare_is_a_doubt(town: Town) -> None:
    """Signed by the index, by another member, for another partnership, or of an unknown agency."""
    police = town.founded("police")
    council = town.joined("council", police)
    forged = SigningKey.generate()
    key = witness_key("council", PARTNERSHIP, forged.public)
    log_like = VerifierKey(key.name, read(town.index.log_vkey).type, forged.public)
    other_name = witness_key("health", PARTNERSHIP, forged.public)
    honest = declaration(council, key, council.signing_key)
    for bad in (
        declaration(council, key, town.index.key),
        declaration(council, key, police.signing_key),
        declaration(council, log_like, council.signing_key),
        declaration(council, other_name, council.signing_key),
        msgspec.structs.replace(honest, payload_type="application/x"),  # type: ignore[type-var]  # an envelope
    ):
        town.index.witnesses["council"] = bad  # type: ignore[assignment]  # an envelope
        view = directory.refresh(police)
        assert "council" not in view.witnesses
        assert any("countersign" in doubt.sentence for doubt in view.doubts)
        assert names(police) == {"police"}
    town.index.witnesses["council"] = honest  # type: ignore[assignment]  # an envelope
    directory.refresh(police)
    assert names(police) == {"police", "council"}


def test_another_key_of_a_pinned_witness_is_a_doubt_until_a_person_takes_it(three: Three) -> None:
    new = witness_key("council", PARTNERSHIP, SigningKey.generate().public)
    envelope = declaration(three.council, new, three.council.signing_key)
    three.town.index.witnesses["council"] = envelope  # type: ignore[assignment]  # an envelope
    view = directory.refresh(three.police)
    assert any("--accept council" in doubt.sentence for doubt in view.doubts)
    with three.police.database.read() as connection:
        before = policy.pinned(connection)
    assert before is not None
    assert before.policy.witnesses["council"] == own_key(three.council)
    refused = three.command(three.police, "witness", "policy", "--accept", "council", typed="n\n")
    assert (refused.exit_code, new.text in refused.output) == (1, True)
    done = three.command(three.police, "witness", "policy", "--accept", "council", "--yes")
    assert done.exit_code == 0
    assert f"witness council {new.text}" in done.output
    assert directory.refresh(three.police).doubts == ()


def test_a_person_removes_a_witness_and_its_declaration_does_not_bring_it_back(
    three: Three,
) -> None:
    refused = three.command(three.police, "witness", "policy", "--remove", "health", typed="n\n")
    assert (refused.exit_code, names(three.police)) == (1, {"police", "council", "health"})
    done = three.command(three.police, "witness", "policy", "--remove", "health", typed="y\n")
    assert "health: removed by a person" in done.output
    directory.refresh(three.police)
    assert names(three.police) == {"police", "council"}
    assert (
        three.command(three.police, "witness", "policy", "--remove", "nobody", "--yes").exit_code
        == 1
    )
    three.command(three.police, "witness", "policy", "--accept", "health", "--yes")
    assert names(three.police) == {"police", "council", "health"}


def test_the_only_witness_cannot_be_removed(town: Town) -> None:
    police = town.founded("police")
    directory.refresh(police)
    refused = town.run(police.home, "witness", "policy", "--remove", "police", "--yes")
    assert (refused.exit_code, names(police)) == (1, {"police"})


def test_the_senders_policy_is_handed_over(three: Three) -> None:
    """A newcomer starts with the quorum that the sender has, whatever the index lists."""
    three.town.index.witnesses.clear()
    housing = three.town.joined("housing", three.police)
    assert names(housing) == {"police", "council", "health"}


@pytest.mark.parametrize(
    "change",
    [
        lambda text, key: text.replace("MAJORITY 2", "MAJORITY 1"),
        lambda text, key: text.replace("quorum MAJORITY", "quorum none"),
        lambda text, key: text.replace("quorum MAJORITY", "quorum police"),
        lambda text, key: text + "nonsense\n",
        lambda text, key: majority_policy(
            VerifierKey("felpersham.ifi-log", key.type, SigningKey.generate().public),
            {"police": witness_key("police", PARTNERSHIP, SigningKey.generate().public)},
        ).decode(),
    ],
)  # fmt: skip
def test_a_policy_without_a_majority_or_for_another_log_is_refused(
    three: Three, change: object
) -> None:
    """At a hand-over, and whenever it is loaded."""
    with three.police.database.write() as connection:
        found = policy.pinned(connection)
        assert found is not None
        changed = change(found.text, read(three.town.index.log_vkey))  # type: ignore[operator]  # a function
        connection.execute(text("UPDATE pins SET witness_policy = :text"), {"text": changed})
    with three.police.database.read() as connection, pytest.raises(OperatorError, match="policy"):
        policy.pinned(connection)
    with pytest.raises(OperatorError, match="policy"):
        witnessing.witness(three.police)


def test_a_hand_over_with_a_policy_without_a_majority_is_not_taken(
    three: Three, monkeypatch: pytest.MonkeyPatch
) -> None:
    housing = three.town.enrolled("housing")
    digits = three.town.digits
    real = three.police.anchors()
    lax = real.witness_policy.replace("MAJORITY 2", "MAJORITY 1")
    real_contents = handover.HandoverContents

    def contents(**told: object) -> object:
        return real_contents(**{**told, "witness_policy": lax})  # type: ignore[arg-type]  # as above

    monkeypatch.setattr(handover, "HandoverContents", contents)
    handover.send(three.police, "housing", None, three.town.typing(digits(housing)))
    with pytest.raises(OperatorError, match="witness policy cannot be used"):
        handover.receive(housing, None, three.town.typing(digits(three.police)))
    with pytest.raises(OperatorError):
        housing.anchors()


def test_a_connector_from_before_there_were_witnesses_gets_its_key(town: Town) -> None:
    """And of two processes that start at once both have the same."""
    police = town.founded("police")
    police.keyring.remove(WITNESS)
    other = Installation.open(police.home, clock=town.clock)
    assert WITNESS not in other.keyring.names()
    assert witness_signing_key(police.keyring).public == witness_signing_key(other.keyring).public
    directory.refresh(police)
    assert names(police) == {"police"}
    other.close()


def test_our_own_new_key_takes_the_place_of_our_old_one(three: Three) -> None:
    """After a keyring without it was restored: others ask a person, we know that it is ours."""
    three.police.keyring.remove(WITNESS)
    witnessing.witness(three.police)
    with three.police.database.read() as connection:
        found = policy.pinned(connection)
    assert found is not None
    assert found.policy.witnesses["police"] == own_key(three.police)
    declared = documents.claimed(three.town.index.witnesses["police"], WitnessDeclaration)
    assert declared.witness_key == own_key(three.police).text
