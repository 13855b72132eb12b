"""Messages take the fields they have and no other, and fields take what they are for."""

import importlib
import pkgutil
from typing import Annotated, Any, get_args, get_origin

import msgspec
import pytest
from msgspec import Meta, Struct

import schemas
from schemas import envelopes, fields, handover, problems
from schemas.flags import Flag

# RFC 9457 §3.2: a client must take members that it does not know.
EXTENSIBLE = {problems.ProblemDocument}


def message_types() -> list[type[Struct]]:
    """Every message and part of one that a module of `schemas` defines."""
    found = []
    for module in pkgutil.iter_modules(schemas.__path__, "schemas."):
        for thing in vars(importlib.import_module(module.name)).values():
            defined = isinstance(thing, type) and thing.__module__ == module.name
            if defined and issubclass(thing, Struct) and not thing.__name__.startswith("_"):
                found.append(thing)
    return sorted(found, key=lambda kind: (kind.__module__, kind.__name__))


def named_types() -> dict[str, Any]:
    """Every field type with a pattern, by name."""
    return {
        name: kind
        for module in (fields, envelopes)
        for name, kind in vars(module).items()
        if get_origin(kind) is Annotated and meta(kind).pattern
    }


def meta(kind: Any) -> Meta:
    return next(arg for arg in get_args(kind) if isinstance(arg, Meta))


def fault_of(kind: Any, value: object) -> str:
    """What is wrong with `value` as a message of `kind`; empty if nothing."""
    try:
        msgspec.json.decode(msgspec.json.encode(value), type=kind)
    except msgspec.ValidationError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("kind", message_types(), ids=lambda kind: kind.__name__)
def test_a_message_refuses_a_field_that_it_does_not_have(kind: type[Struct]) -> None:
    """Promise 3 rests on this: nothing can travel beside what the schema has."""
    config = kind.__struct_config__
    tag = {config.tag_field: config.tag} if config.tag_field else {}
    unknown = "Object contains unknown field `category`"
    says = fault_of(kind, {**tag, "category": "tells too much"})
    assert (unknown in says) is (kind not in EXTENSIBLE)


@pytest.mark.parametrize("kind", message_types(), ids=lambda kind: kind.__name__)
def test_the_json_schema_refuses_it_too(kind: type[Struct]) -> None:
    """An implementation that goes by the committed schema is as strict as ours."""
    _, components = msgspec.json.schema_components([kind], ref_template="{name}")
    closed = components[kind.__name__].get("additionalProperties") is False
    assert closed is (kind not in EXTENSIBLE)


@pytest.mark.parametrize("kind", message_types(), ids=lambda kind: kind.__name__)
def test_a_message_cannot_be_changed_after_it_was_made(kind: type[Struct]) -> None:
    assert kind.__struct_config__.frozen


def test_a_flag_has_handle_tokens_desk_and_end_and_nothing_else() -> None:
    """Promise 3: no category, no note, no address, no free text, no kind of identifier."""
    assert set(Flag.__struct_fields__) == {"handle", "tokens", "desk", "ends_at"}
    assert set(msgspec.json.schema_components([Flag])[1]["Flag"]["required"]) == {
        "handle", "tokens", "desk", "ends_at",
    }  # fmt: skip


B16, B32, B64 = "A" * 22, "A" * 43, "A" * 86

# By field type: what it takes, and what it refuses.
EXAMPLES: dict[str, tuple[list[str], list[str]]] = {
    **dict.fromkeys(
        ("AgencyId", "DeskId", "PartnershipId", "PurposeCode", "AgreementId"),
        (
            ["oakshire", "a1", "north-police", "a" * 32],
            ["", "a", "a" * 33, "Oakshire", "1st", "-oak", "oak shire", "oak_shire", "öak"],
        ),
    ),
    "SchemeId": (["1", "0012"], ["", "12345", "1a", "v1", "-1", "\u0661"]),
    "Bytes16": ([B16, "-" * 21 + "w"], ["", B16[:-1], B16 + "A", B16[:-1] + "B", "+" + B16[1:]]),
    "Bytes32": ([B32, "_" * 42 + "8"], ["", B32[:-1], B32 + "A", B32[:-1] + "B", B32 + "="]),
    "Bytes64": ([B64, "z" * 85 + "g"], ["", B64[:-1], B64 + "A", B64[:-1] + "B", "/" + B64[1:]]),
    "Blob": (["", "AA", "-_", "A" * 90_000], ["A" * 90_001, "A=", "A+", "A A"]),
    "FlagTokens": (["A" * 342], ["", "A" * 341, "A" * 343, "A" * 341 + "B"]),
    "LookupTokens": (["A" * 683, "A" * 4096], ["A" * 682, "A" * 4097, "A" * 682 + "="]),
    "Elements": (["A" * 2731, "A" * 174_763], ["A" * 2730, "A" * 174_764, "A" * 2730 + "+"]),
    "Reference": (["2345678923", "ABCDEFGHJK"], ["", "ABCDEFGHJ", "ABCDEFGHIJ", "0BCDEFGHJK",
                                                "abcdefghjk", "ABCDEFGHJKM"]),
    "VerifierKey": (
        ["northgate.ifi-log+0123abcd+" + "A" * 44],
        ["", "northgate.ifi-log+0123abcd+", "a b+0123abcd+" + "A" * 44,
         "name+0123ABCD+" + "A" * 44, "na+me+0123abcd+" + "A" * 44],
    ),
    "Line": (["Front desk", "Świt: biuro", "x" * 120], ["", "x" * 121, "a\nb", "a\x00b", "a\x7f"]),
    "Phone": (["0161 496 0000", "+44 161 496 0000", "01234"],
              ["", "1234", "0161-496-0000", "call me", "+", " 01234", "0" * 27, "\u0661" * 9]),
    "Email": (["a@b", "front.desk@agency.example"], ["", "a", "@b", "a@", "a@b@c", "a b@c"]),
    "TimeOfDay": (["00:00", "23:59"], ["", "24:00", "9:00", "09:60", "09:00:00", "09.00"]),
    "TimeZone": (["Europe/London", "UTC"], ["", "Europe/", "/London", "Europe London", "GMT+1"]),
    "KeyId": ([B16], ["", B16[:-1], B16[:-1] + "B"]),
    "SignatureText": (["A" * 86 + "=="], ["", "A" * 86, "A" * 85 + "B==", "A" * 85 + "-=="]),
    "PayloadType": (["application/json"], ["", "a b", "x" * 128, "é"]),
    "PayloadText": (["", "AAAA", "AA==", "++//"], ["A===", "A=A", "-_", "A A"]),
}  # fmt: skip


def test_each_field_type_has_examples() -> None:
    assert set(EXAMPLES) == set(named_types())


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_field_takes_what_it_is_for_and_refuses_what_it_is_not(name: str) -> None:
    takes, refuses = EXAMPLES[name]
    kind = named_types()[name]
    assert [value for value in takes if fault_of(kind, value)] == []
    assert [value for value in refuses if not fault_of(kind, value)] == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_no_field_takes_a_line_feed_at_its_end(name: str) -> None:
    """In Python `$` also matches before a last line feed, which JSON Schema's does not."""
    kind = named_types()[name]
    assert [value for value in EXAMPLES[name][0] if not fault_of(kind, value + "\n")] == []


@pytest.mark.parametrize("owner", [handover.HandoverPackage, problems.ProblemDocument])
def test_nor_does_a_pattern_within_a_message(owner: type[Struct]) -> None:
    patterns = [
        meta(field.type).pattern
        for field in msgspec.structs.fields(owner)
        if get_origin(field.type) is Annotated and meta(field.type).pattern
    ]
    assert [pattern for pattern in patterns if not pattern or not pattern.endswith(r"\Z")] == []


@pytest.mark.parametrize(
    ("kind", "takes", "refuses"),
    [
        (fields.Epoch, [1, 1_000_000], [0, -1, 1_000_001, "1", 1.5, True, None]),
        (fields.Millis, [0, 2**53 - 1], [-1, 2**53, "0", 0.5, False, None]),
        (fields.Count, [0, 2**53 - 1], [-1, 2**53, "0", None]),
    ],
)
def test_a_number_is_whole_and_within_its_range(
    kind: Any, takes: list[object], refuses: list[object]
) -> None:
    """Whole numbers up to 2^53 - 1 mean the same to every JSON reader (RFC 8785 §3.2.2.3)."""
    assert [value for value in takes if fault_of(kind, value)] == []
    assert [value for value in refuses if not fault_of(kind, value)] == []
