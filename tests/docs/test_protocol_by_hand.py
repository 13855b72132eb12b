"""docs/protocol.md written out anew, with none of our code, gives the golden vectors.

What a second implementation would do; the numbers are the document's sections. Not here: the group
arithmetic of section 10, for which RFC 9497 has vectors of its own.
"""

import base64
import hashlib
import hmac
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from tests.docs.problem_codes import ROOT

VECTORS = json.loads((ROOT / "tests/protocol/vectors/protocol.json").read_text(encoding="utf-8"))
PREFIX = "application/vnd.interest-flag-index."


def hexed(section: str, name: str) -> bytes:
    return bytes.fromhex(VECTORS[section][f"{name}_hex"])


def b64u(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def of_b64u(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def lp(*parts: bytes | str | int) -> bytes:
    octets = [p if isinstance(p, bytes) else str(p).encode() for p in parts]
    return b"".join(len(p).to_bytes(4, "big") + p for p in octets)


def canonical(value: Any) -> bytes:
    """RFC 8785 for ASCII member names, which is all that these messages have."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def mac(key: bytes, content: bytes) -> bytes:
    return hmac.digest(key, content, "sha256")


def key_id(public: bytes) -> str:
    return b64u(sha(b"ifi/1 key\n" + public)[:16])


def public_of(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def sealed(value: Any, kind: str, key: Ed25519PrivateKey) -> dict[str, Any]:
    payload_type, payload = f"{PREFIX}{kind}.v1+json", canonical(value)
    signed = f"DSSEv1 {len(payload_type)} {payload_type} {len(payload)} ".encode() + payload
    return {
        "payloadType": payload_type,
        "payload": b64(payload),
        "signatures": [{"keyid": key_id(public_of(key)), "sig": b64(key.sign(signed))}],
    }


def root(leaves: list[bytes]) -> bytes:
    """RFC 6962 §2.1, split at the largest power of two below the number of leaves."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha(b"\x01" + root(leaves[:k]) + root(leaves[k:]))


def test_1_encodings() -> None:
    for told in VECTORS["encoding"]["lp"]:
        assert lp(*told["parts"]).hex() == told["hex"]
    for told in VECTORS["encoding"]["base64url"]:
        assert b64u(bytes.fromhex(told["hex"])) == told["text"]


def test_2_names_of_keys() -> None:
    told = VECTORS["keys"]
    signing, sealing = hexed("keys", "signing_public"), hexed("keys", "sealing_public")
    assert key_id(signing) == told["signing_key_id"]
    number = int.from_bytes(
        hashlib.sha512(lp("ifi/1 fingerprint", signing, sealing)).digest(), "big"
    )
    assert f"{number % 10**40:040d}" == told["agency_fingerprint"].replace(" ", "")
    key = hexed("keys", "partnership_key")
    assert b64u(sha(lp("ifi/1 partnership key", key))) == told["partnership_key_fingerprint"]
    log = b"\x01" + hexed("keys", "log_public")
    name_hash = sha(told["log_name"].encode() + b"\n" + log)[:4].hex()
    assert f"{told['log_name']}+{name_hash}+{b64(log)}" == told["log_verifier_key"]


def test_3_signed_documents() -> None:
    told = VECTORS["envelope"]
    key = Ed25519PrivateKey.from_private_bytes(hexed("envelope", "signing_seed"))
    assert sealed(told["payload"], "epoch-descriptor", key) == told["envelope"]


def test_4_signed_requests_and_responses() -> None:
    asked, answered = VECTORS["http"]["request"], VECTORS["http"]["response"]
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(asked["signing_seed_hex"]))
    digest = f"sha-256=:{b64(sha(asked['body'].encode()))}:"
    covered = {
        '"@method"': asked["method"],
        '"@path"': asked["path"],
        '"@query"': "?" + asked["query"],
        '"content-digest"': digest,
        '"ifi-audience"': asked["audience"],
    }
    parameters = (
        f"({' '.join(covered)});created={asked['created']}"
        f';nonce="{b64u(bytes.fromhex(asked["nonce_hex"]))}";keyid="{key_id(public_of(key))}"'
        ';alg="ed25519";tag="ifi/1"'
    )
    signature = f":{b64(key.sign(base_of(covered, parameters)))}:"
    assert asked["fields"] == {
        "Content-Digest": digest,
        "IFI-Audience": asked["audience"],
        "Signature-Input": f"ifi={parameters}",
        "Signature": f"ifi={signature}",
    }
    server = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(answered["signing_seed_hex"]))
    digest = f"sha-256=:{b64(sha(answered['body'].encode()))}:"
    covered = {
        '"@status"': str(answered["status"]),
        '"content-digest"': digest,
        **{f"{name};req": value for name, value in covered.items()},
        '"signature-input";req;key="ifi"': parameters,
        '"signature";req;key="ifi"': signature,
    }
    parameters = (
        f"({' '.join(covered)});created={answered['created']}"
        f';keyid="{key_id(public_of(server))}";alg="ed25519";tag="ifi/1"'
    )
    assert answered["fields"] == {
        "Content-Digest": digest,
        "Signature-Input": f"ifi={parameters}",
        "Signature": f"ifi=:{b64(server.sign(base_of(covered, parameters)))}:",
    }


def base_of(covered: dict[str, str], parameters: str) -> bytes:
    lines = [f"{name}: {value}" for name, value in covered.items()]
    return "\n".join([*lines, f'"@signature-params": {parameters}']).encode()


def test_6_enrolment_codes() -> None:
    told = VECTORS["enrolment_code"]
    content = bytes.fromhex(told["secret_hex"]) + of_b64u(told["index_key_id"])
    number = int.from_bytes(content + sha(b"ifi/1 enrolment code\n" + content)[:3], "big")
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    text = "".join(alphabet[number >> shift & 31] for shift in range(275, -1, -5))
    assert "-".join(text[at : at + 4] for at in range(0, 56, 4)) == told["text"]


def test_8_hand_over() -> None:
    told = VECTORS["handover"]
    package = json.loads(base64.b64decode(told["package"]["payload"]))
    info = lp(
        "ifi/1 handover", *(package[n] for n in ("partnership", "epoch", "sender", "recipient"))
    )
    key = X25519PrivateKey.from_private_bytes(bytes.fromhex(told["recipient_sealing_secret_hex"]))
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
    plain = suite.decrypt(of_b64u(package["ciphertext"]), key, info=info)
    assert plain == canonical(told["contents"])


def test_10_tokens() -> None:
    told = VECTORS["tokens"]
    x = mac(
        hexed("tokens", "partnership_key"),
        lp(told["partnership"], told["epoch"], told["kind"], told["match_key"]),
    )
    assert x == hexed("tokens", "x")
    token = hexed("tokens", "y")[:16]
    assert token == hexed("tokens", "token")
    key, pad = hexed("tokens", "padding_key"), lp("ifi/1 pad", hexed("tokens", "handle"), 1)
    record = [token, *(mac(key, pad + i.to_bytes(4, "big"))[:16] for i in range(15))]
    assert b"".join(sorted(record)) == hexed("tokens", "record")
    salt = hexed("tokens", "dummy_salt")
    dummies = (mac(salt, lp("ifi/1 dummy") + i.to_bytes(4, "big"))[:16] for i in range(31))
    assert [each.hex() for each in sorted([token, *dummies])] == told["lookup_hex"]
    inputs = (mac(salt, lp("ifi/1 dummy input") + i.to_bytes(4, "big")) for i in range(3))
    assert [each.hex() for each in inputs] == told["dummy_inputs_hex"]


def test_11_roots_of_batches() -> None:
    told = VECTORS["publication"]
    for items, expected in (("items", "root"), ("withdrawals", "withdrawals_root")):
        leaves = [sha(b"\x00" + canonical(item)) for item in told[items]]
        assert root(leaves) == hexed("publication", expected)


def test_12_commitments() -> None:
    told, salt = VECTORS["commitments"], hexed("commitments", "salt")
    for what in ("particulars", "shown", "withheld"):
        committed = sha(lp("ifi/1 commitment", what, salt, told["content"]))
        assert committed == hexed("commitments", what)
    content = lp(told["epoch"]) + b"".join(map(bytes.fromhex, told["tokens_hex"]))
    assert sha(lp("ifi/1 commitment", "tokens", salt, content)) == hexed("commitments", "token_set")


def test_13_references() -> None:
    alphabet = VECTORS["references"]["alphabet"]
    for reference in VECTORS["references"]["valid"]:
        values = [alphabet.index(character) for character in reference]
        total = sum(weight * value for weight, value in zip(range(2, 11), values[:9], strict=True))
        assert values[9] == -total % 29


def test_14_entries_and_receipts() -> None:
    told = VECTORS["record"]
    entry = told["entry"].encode()
    assert canonical(json.loads(entry)) == entry
    leaf = sha(b"\x00" + entry)
    assert leaf == hexed("record", "leaf_hash")
    key = Ed25519PrivateKey.from_private_bytes(hexed("record", "log_seed"))
    stated = json.loads(base64.b64decode(told["receipt"]["payload"]))
    assert stated["leaf"] == b64u(leaf)
    assert sealed(stated, "receipt", key) == told["receipt"]


def test_17_contact_requests() -> None:
    told = VECTORS["contacts"]
    message = told["message"]
    stated = json.loads(base64.b64decode(message["statement"]["payload"]))
    bound = ("partnership", "request", "number", "step", "reference", "agency", "recipient")
    info = lp("ifi/1 contact", *(stated[name] for name in bound))
    sealed = of_b64u(message["sealed"])
    assert (len(sealed), info.hex()) == (4144, told["info_hex"])
    key = X25519PrivateKey.from_private_bytes(bytes.fromhex(told["recipient_sealing_secret_hex"]))
    padded = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305).decrypt(
        sealed, key, info=info
    )
    plain = canonical(told["contents"])
    assert padded == (len(plain).to_bytes(4, "big") + plain).ljust(4096, b"\0")
    assert stated["sealed"] == b64u(sha(lp("ifi/1 contact sealed", sealed)))
    digest = sha(lp("ifi/1 contact step", canonical(message["statement"])))
    assert b64u(digest) == told["step_digest"]
