"""Golden vectors of the protocol: everything that a second implementation must compute alike.

    python -m tests.protocol.make_vectors

writes `vectors/protocol.json` from fixed keys, salts and times. Everything but the hand-over
package and the contact request is the same each time. These hold a random ephemeral key (RFC 9180
§4), so those that stand in the file are kept; without a file new ones are made.
"""

import json
import sys
from pathlib import Path
from typing import Any, Final

from protocol import (
    canonical,
    commitments,
    contacts,
    documents,
    enrolment_code,
    envelopes,
    handover,
    merkle,
    receipts,
    references,
    tokens,
    voprf,
)
from protocol.content_digest import content_digest
from protocol.encoding import b64u_decode, b64u_encode, lp
from protocol.entries import entry_bytes
from protocol.epochs import partnership_key_fingerprint
from protocol.fingerprints import fingerprint40, key_id
from protocol.http_signatures import sign_request, sign_response
from protocol.keys import SealingKey, SigningKey
from protocol.publications import items_root
from protocol.signature_base import Request, Response
from protocol.verifier_keys import verifier_key
from schemas.agencies import AgencyKeys
from schemas.contacts import ContactRequest, ContactSend
from schemas.entries import Consultation
from schemas.envelopes import Envelope
from schemas.epochs import EpochDescriptor
from schemas.flags import Flag, Withdrawal
from schemas.handover import HandoverContents, KnownMember
from schemas.lookups import LookupStatement, StatedTokens

FILE: Final = Path(__file__).parent / "vectors" / "protocol.json"

PARTNERSHIP: Final = "northgate"
EPOCH: Final = 1
AT: Final = 1_768_478_400_000  # 15 January 2026, 12:00:00 UTC
SENDER: Final = SigningKey.from_bytes(bytes(range(32)))
SENDER_SEALING: Final = SealingKey.from_bytes(bytes(range(32, 64)))
NEWCOMER: Final = SigningKey.from_bytes(bytes(range(64, 96)))
NEWCOMER_SEALING: Final = SealingKey.from_bytes(bytes(range(96, 128)))
SERVER: Final = SigningKey.from_bytes(bytes(range(128, 160)))
LOG: Final = SigningKey.from_bytes(bytes(range(160, 192)))
PARTNERSHIP_KEY: Final = bytes(range(192, 224))
EVALUATOR_SEED: Final = bytes(range(224, 256))
EVALUATOR_INFO: Final = lp("ifi/1 evaluation key", PARTNERSHIP, EPOCH)
SALT_32: Final = bytes(range(1, 33))
SALT_16: Final = bytes(range(1, 17))
HANDLE: Final = bytes(range(100, 116))
LOG_NAME: Final = f"{PARTNERSHIP}.ifi-log"


def vectors(package: Envelope | None = None, contact: ContactSend | None = None) -> dict[str, Any]:
    """Return every vector by name; hand-over package and contact request are those to keep."""
    epoch = descriptor()
    asked = statement()
    return {
        "about": "Made by `python -m tests.protocol.make_vectors`; docs/protocol.md explains.",
        "encoding": _encoding(),
        "keys": _keys(),
        "envelope": _envelope(epoch),
        "http": _http(),
        "tokens": _tokens(),
        "publication": _publication(),
        "commitments": _commitments(),
        "record": _record(asked),
        "references": _references(),
        "enrolment_code": _enrolment_code(),
        "handover": _handover(epoch, package),
        "contacts": _contacts(contact),
    }


def keys_of(signing: SigningKey, sealing: SealingKey) -> AgencyKeys:
    """Return the public keys as documents hold them."""
    return AgencyKeys(signing=b64u_encode(signing.public), sealing=b64u_encode(sealing.public))


def descriptor() -> Envelope:
    """Return the signed descriptor of the epoch."""
    pair = voprf.derive_key_pair(EVALUATOR_SEED, EVALUATOR_INFO)
    return documents.sign(
        EpochDescriptor(
            partnership=PARTNERSHIP,
            epoch=EPOCH,
            scheme="1",
            evaluator_public_key=b64u_encode(pair.public_key),
            evaluator_signing_key=b64u_encode(SERVER.public),
            partnership_key_fingerprint=partnership_key_fingerprint(PARTNERSHIP_KEY),
            opens_at=AT,
            closes_at=AT + 365 * 86_400_000,
        ),
        SENDER,
    )


def statement() -> Envelope:
    """Return a signed lookup statement."""
    return documents.sign(
        LookupStatement(
            partnership=PARTNERSHIP,
            agency="harbour-police",
            lookup=b64u_encode(SALT_16),
            purpose="safeguarding",
            officer=b64u_encode(HANDLE),
            breadth="narrow",
            follows=None,
            agreements=("main",),
            call_back="front-desk",
            particulars=b64u_encode(commitments.commit("particulars", SALT_32, b'{"born":""}')),
            tokens=(
                StatedTokens(
                    epoch=EPOCH,
                    scheme="1",
                    commitment=b64u_encode(
                        commitments.commit_to_tokens(SALT_32, EPOCH, _lookup_set())
                    ),
                ),
            ),
            asked_at=AT,
            signed_at=AT,
        ),
        SENDER,
    )


def contents(epoch: Envelope) -> HandoverContents:
    """Return what is sealed inside the hand-over package."""
    return HandoverContents(
        partnership_key=b64u_encode(PARTNERSHIP_KEY),
        epoch_descriptor=epoch,
        index_key=b64u_encode(SERVER.public),
        log_key=verifier_key(LOG_NAME, LOG.public),
        witness_policy="",
        members=(
            KnownMember(
                agency="harbour-police",
                name="Harbour Police",
                role="member",
                keys=keys_of(SENDER, SENDER_SEALING),
            ),
        ),
    )


def plain(value: Any) -> Any:
    """Return a message as JSON's own values."""
    return json.loads(canonical.encode(value))


def _lookup_set() -> tuple[bytes, ...]:
    return tokens.pad_lookup([bytes([n]) * 16 for n in range(200, 205)], SALT_16)


def _encoding() -> dict[str, Any]:
    parts: list[list[str | int]] = [[], [""], ["a", "bc"], ["ab", "c"], ["é", 12]]
    return {
        "lp": [{"parts": each, "hex": lp(*each).hex()} for each in parts],
        "base64url": [
            {"hex": octets.hex(), "text": b64u_encode(octets)}
            for octets in (b"", b"\x00", b"\xff\xfe", SALT_16)
        ],
        "base64url_refused": ["A", "AB", "AA==", "A+", "A A", "AA\n"],
        "canonical_json": [
            {"text": text, "canonical_hex": canonical.encode(json.loads(text)).hex()}
            for text in (
                '{"b": [1, true, null], "a": "é\\u000a\\"/"}',
                '{"\\ud83d\\ude00":1,"ﬀ":2}',
            )
        ],
        "canonical_json_refused": ['{"a": 1}', '{"b":1,"a":2}', '{"a":"\\u0041"}', '{"a":1,"a":1}'],
    }


def _keys() -> dict[str, Any]:
    public = (SENDER.public, SENDER_SEALING.public)
    return {
        "signing_seed_hex": SENDER.to_bytes().hex(),
        "signing_public_hex": public[0].hex(),
        "sealing_secret_hex": SENDER_SEALING.to_bytes().hex(),
        "sealing_public_hex": public[1].hex(),
        "signing_key_id": key_id(public[0]),
        "sealing_key_id": key_id(public[1]),
        "agency_fingerprint": fingerprint40(*public),
        "fingerprint_of_the_same_in_the_other_order": fingerprint40(*reversed(public)),
        "log_name": LOG_NAME,
        "log_public_hex": LOG.public.hex(),
        "log_verifier_key": verifier_key(LOG_NAME, LOG.public),
        "partnership_key_hex": PARTNERSHIP_KEY.hex(),
        "partnership_key_fingerprint": partnership_key_fingerprint(PARTNERSHIP_KEY),
    }


def _envelope(epoch: Envelope) -> dict[str, Any]:
    payload = documents.claimed(epoch, EpochDescriptor)
    return {
        "signing_seed_hex": SENDER.to_bytes().hex(),
        "payload": plain(payload),
        "signed_bytes_hex": envelopes.pae(epoch.payload_type, canonical.encode(payload)).hex(),
        "envelope": plain(epoch),
    }


def _http() -> dict[str, Any]:
    request = Request("POST", "/v1/lookups", "", (), b'{"a":1}')
    signed = sign_request(
        request, SENDER, audience=f"index/{PARTNERSHIP}", created_s=AT // 1000, nonce=SALT_16
    )
    response = Response(200, (), b'{"b":2}')
    return {
        "request": {
            "signing_seed_hex": SENDER.to_bytes().hex(),
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "body": request.body.decode(),
            "audience": f"index/{PARTNERSHIP}",
            "created": AT // 1000,
            "nonce_hex": SALT_16.hex(),
            "fields": signed,
        },
        "response": {
            "signing_seed_hex": SERVER.to_bytes().hex(),
            "status": response.status,
            "body": response.body.decode(),
            "created": AT // 1000 + 1,
            "fields": sign_response(
                response, request.with_headers(signed), SERVER, created_s=AT // 1000 + 1
            ),
        },
        "content_digest_of_an_empty_body": content_digest(b""),
    }


def _tokens() -> dict[str, Any]:
    pair = voprf.derive_key_pair(EVALUATOR_SEED, EVALUATOR_INFO)
    x = tokens.match_input(
        PARTNERSHIP_KEY, PARTNERSHIP, EPOCH, "names-date", "jones|sam|1980-02-03"
    )
    scalar = (12345).to_bytes(32, "little")
    blinded = voprf.blind([x], blinds=scalar)
    evaluated = voprf.evaluate(pair.private_key, blinded.elements)
    (output,) = voprf.finalize([x], blinded.blinds, evaluated)
    own = tokens.token(output)
    proof = voprf.prove(pair.private_key, blinded.elements, evaluated, r=scalar)
    return {
        "partnership_key_hex": PARTNERSHIP_KEY.hex(),
        "partnership": PARTNERSHIP,
        "epoch": EPOCH,
        "kind": "names-date",
        "match_key": "jones|sam|1980-02-03",
        "x_hex": x.hex(),
        "evaluation_seed_hex": EVALUATOR_SEED.hex(),
        "evaluation_info_hex": EVALUATOR_INFO.hex(),
        "evaluation_key_hex": pair.private_key.hex(),
        "evaluation_public_hex": pair.public_key.hex(),
        "blind_hex": scalar.hex(),
        "blinded_hex": blinded.elements.hex(),
        "evaluated_hex": evaluated.hex(),
        "proof_r_hex": scalar.hex(),
        "proof_hex": proof.hex(),
        "y_hex": output.hex(),
        "token_hex": own.hex(),
        "padding_key_hex": SALT_32.hex(),
        "handle_hex": HANDLE.hex(),
        "record_hex": tokens.pad_record([own], SALT_32, HANDLE, EPOCH).hex(),
        "dummy_salt_hex": SALT_16.hex(),
        "lookup_hex": [each.hex() for each in tokens.pad_lookup([own], SALT_16)],
        "dummy_inputs_hex": [each.hex() for each in tokens.dummy_inputs(SALT_16, 3)],
    }


def _publication() -> dict[str, Any]:
    flag = Flag(
        handle=b64u_encode(HANDLE),
        tokens=b64u_encode(b"".join(bytes([n]) * 16 for n in range(16))),
        desk="front-desk",
        ends_at=AT,
    )
    over = tuple(Withdrawal(handle=b64u_encode(bytes([n]) * 16), cause="ended") for n in range(3))
    return {
        "items": [plain(flag)],
        "root_hex": items_root((flag,)).hex(),
        "withdrawals": [plain(each) for each in over],
        "withdrawals_root_hex": items_root(over).hex(),
        "root_of_nothing_hex": merkle.tree_root([]).hex(),
    }


def _commitments() -> dict[str, Any]:
    content = b'{"born":""}'
    token_set = _lookup_set()
    return {
        "salt_hex": SALT_32.hex(),
        "content": content.decode(),
        **{
            f"{what}_hex": commitments.commit(what, SALT_32, content).hex()
            for what in ("particulars", "shown", "withheld")
        },
        "epoch": EPOCH,
        "tokens_hex": [each.hex() for each in token_set],
        "token_set_hex": commitments.commit_to_tokens(SALT_32, EPOCH, token_set).hex(),
    }


def _record(asked: Envelope) -> dict[str, Any]:
    entry = entry_bytes(
        Consultation(
            v=1,
            partnership=PARTNERSHIP,
            at=AT,
            salt=b64u_encode(SALT_16),
            statement=asked,
            shown=b64u_encode(commitments.commit("shown", SALT_32, b"{}")),
            withheld=b64u_encode(commitments.commit("withheld", SALT_32, b"{}")),
        )
    )
    receipt = receipts.issue(entry, LOG_NAME, AT, AT + 3_600_000, LOG)
    return {
        "statement": plain(asked),
        "entry": entry.decode(),
        "leaf_hash_hex": merkle.leaf_hash(entry).hex(),
        "log_seed_hex": LOG.to_bytes().hex(),
        "receipt": plain(receipt),
    }


def _references() -> dict[str, Any]:
    bodies = ("222222222", "ZZZZZZZZZ", "7KQ4M9TXA", "H3WJ8PD2R")
    return {
        "alphabet": references.ALPHABET,
        "valid": [_checked(body) for body in bodies],
        "refused": ["2222222223", "7KQ4M9TXAO", "7KQ4M9TX"],
    }


def _checked(body: str) -> str:
    """Return the one reference that begins with these nine characters."""
    for character in references.ALPHABET:
        try:
            return references.read_reference(body + character)
        except references.BadReference:
            continue
    raise ValueError("no check character fits")


def _enrolment_code() -> dict[str, Any]:
    return {
        "secret_hex": SALT_16.hex(),
        "index_key_id": SERVER.key_id,
        "text": enrolment_code.write_code(SALT_16, SERVER.key_id),
        "refused": [enrolment_code.write_code(SALT_16, SERVER.key_id)[:-1] + "U", "0000-0000"],
    }


def _handover(epoch: Envelope, package: Envelope | None) -> dict[str, Any]:
    inside = contents(epoch)
    if package is None:
        package = handover.pack(
            inside,
            partnership=PARTNERSHIP,
            epoch=EPOCH,
            sender="harbour-police",
            sender_keys=keys_of(SENDER, SENDER_SEALING),
            recipient="marsh-council",
            recipient_keys=keys_of(NEWCOMER, NEWCOMER_SEALING),
            signed_at=AT,
            key=SENDER,
        )
    return {
        "info_hex": handover.info(PARTNERSHIP, EPOCH, "harbour-police", "marsh-council").hex(),
        "recipient_sealing_secret_hex": NEWCOMER_SEALING.to_bytes().hex(),
        "contents": plain(inside),
        "package": plain(package),
    }


def _contacts(kept: ContactSend | None) -> dict[str, Any]:
    asked = ContactRequest(
        notice="This is not a crime report.",
        desk="front-desk",
        text="Please phone me today.\nIt is about a visit.",
        name="Officer Dibble",
        phone="01632 960100",
    )
    told: dict[str, Any] = {
        "partnership": PARTNERSHIP,
        "agency": "harbour-police",
        "request": b64u_encode(SALT_16),
        "number": 0,
        "previous": None,
        "step": "asked",
        "reference": _checked("ABCDEFGH2"),
        "recipient": "marsh-council",
    }
    message = kept or contacts.signed_step(
        asked,
        **told,
        recipient_sealing=b64u_encode(NEWCOMER_SEALING.public),
        officer=b64u_encode(HANDLE),
        signed_at=AT,
        key=SENDER,
    )
    bound = ("partnership", "request", "number", "step", "reference", "agency", "recipient")
    return {
        "info_hex": contacts.info(*(told[name] for name in bound)).hex(),
        "recipient_sealing_secret_hex": NEWCOMER_SEALING.to_bytes().hex(),
        "contents": plain(asked),
        "message": plain(message),
        "sealed_digest": contacts.sealed_digest(b64u_decode(message.sealed)),
        "step_digest": contacts.step_digest(message.statement),
    }


def kept_contact() -> ContactSend | None:
    """Return the step of a contact request that stands in the file, if there is one."""
    if not FILE.exists():
        return None
    kept = json.loads(FILE.read_text(encoding="utf-8")).get("contacts")
    return kept and canonical.decode(canonical.encode(kept["message"]), ContactSend)


def kept_package() -> Envelope | None:
    """Return the hand-over package that stands in the file, if there is one."""
    if not FILE.exists():
        return None
    kept = json.loads(FILE.read_text(encoding="utf-8"))["handover"]["package"]
    return canonical.decode(canonical.encode(kept), Envelope)


def text(made: dict[str, Any]) -> str:
    """Return the file's text."""
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(vectors(kept_package(), kept_contact())), encoding="utf-8")
    sys.stdout.write(f"wrote {FILE}\n")
