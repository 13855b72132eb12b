"""The parts of docs/protocol.md that are made from the code, so that they cannot drift.

    python -m tests.docs.generate

writes them between their markers. A test compares.
"""

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, get_args

import msgspec

from agency_connector.evaluation import tokeniser
from index_service.agencies import signing
from index_service.evaluation.settings import QuotaSettings
from index_service.lookups import asking
from index_service.settings import LimitSettings, RuleSettings
from protocol import bodies, documents, entries, http_signatures, nonces, references, tokens
from schemas import flags, lookups, operations
from schemas.entries import Entry
from schemas.operations import Operation
from tests.docs.meanings import MEANINGS
from tests.docs.problem_codes import ROOT, problem_codes

DOCUMENT: Final = ROOT / "docs" / "protocol.md"
_PART: Final = re.compile(r"<!-- generated: ([a-z-]+) -->\n(.*?)<!-- end -->\n", re.DOTALL)

_SIGNED_BY: Final = {
    "Introduction": "the introducer; the founder introduces itself",
    "KeyChange": "the agency, with its old key",
    "Desk": "the agency",
    "WitnessDeclaration": "the agency",
    "EpochDescriptor": "the member that opens the epoch",
    "HandoverPackage": "the sender",
    "PublicationStatement": "the publishing agency",
    "LookupStatement": "the asking agency",
    "ResolutionStatement": "the agency that was phoned",
    "ContactStatement": "the agency that takes the step",
    "ReceiptStatement": "the log",
    "LogSuccession": "the log that ends",
    "AuditStatement": "the agency that reads",
    "EvaluatorCounts": "the evaluator, with the key that an epoch descriptor names",
}


def operations_table() -> str:
    """Return the operations of the index and the evaluator."""
    rows = [
        (program, one.name, f"`{one.method} {one.path}`", one.caller, _of(one.request),
         _of(one.response))
        for program, listed in (
            ("index", operations.INDEX_OPERATIONS), ("evaluator", operations.EVALUATOR_OPERATIONS)
        )
        for one in listed
    ]  # fmt: skip
    return _table(("program", "operation", "request line", "caller", "body", "answer"), rows)


def callers_table() -> str:
    """Return the words for who may call, as schemas.operations explains them."""
    lines = (Operation.__doc__ or "").partition("\n\n")[2].strip().splitlines()
    rows = [tuple(re.split(r"\s{2,}", line.strip(), maxsplit=1)) for line in lines]
    return _table(("caller", "who it is"), [row for row in rows if row[0] != "local_user"])


def payloads_table() -> str:
    """Return the signed documents with payload type, signer and members."""
    rows = [
        (
            kind.__name__,
            f"`{payload_type}`",
            _SIGNED_BY[kind.__name__],
            ", ".join(f"`{field.name}`" for field in msgspec.structs.fields(kind)),
        )
        for kind, payload_type in documents.PAYLOAD_TYPES.items()
    ]
    return _table(("document", "payload type", "signed by", "members"), rows)


def entries_table() -> str:
    """Return the kinds of entries with the members that each adds."""
    rows = []
    for kind in get_args(Entry):
        own = [
            f"`{field.name}`"
            for field in msgspec.structs.fields(kind)
            if field.name not in ("v", "partnership", "at", "salt")
        ]
        said = " ".join((kind.__doc__ or "").partition("\n\n")[0].split())
        rows.append((f"`{kind.__struct_config__.tag}`", ", ".join(own), said))
    return _table(("kind", "members", "when"), rows)


def codes_table() -> str:
    """Return every problem code with its meaning."""
    codes = problem_codes()
    rows = [
        (f"`{code}`", str(status), program, MEANINGS[code])
        for code, status, program in sorted(codes, key=_code_order)
        if program == "both" or (code, status, "both") not in codes
    ]
    return _table(("code", "status", "from", "meaning"), rows)


def figures_table() -> str:
    """Return the sizes and limits that stand in code or are defaults of settings."""
    fixed: list[tuple[str, object, str]] = [
        ("tokens of a record", tokens.RECORD_TOKENS, "`protocol/tokens.py`"),
        ("tokens of a lookup, one of", _sizes(tokens.LOOKUP_SIZES), "`protocol/tokens.py`"),
        ("elements of a batch, one of", _sizes(tokens.EVALUATION_SIZES), "`protocol/tokens.py`"),
        ("elements of a run up to which every batch is proved", tokeniser.PROVEN_THROUGHOUT,
         "`agency_connector/evaluation/tokeniser.py`"),
        ("of later batches, one proved in", tokeniser.PROVED_LATER,
         "`agency_connector/evaluation/tokeniser.py`"),
        ("items of a publication batch, at most", flags.MAX_BATCH_ITEMS, "`schemas/flags.py`"),
        ("visible hits of one agency, at most", lookups.MAX_HITS_PER_AGENCY,
         "`schemas/lookups.py`"),
        ("a wide lookup follows within, ms", asking._WIDEN_WITHIN_MS,
         "`index_service/lookups/asking.py`"),
        ("epochs live at once, at most", signing.MAX_LIVE_EPOCHS,
         "`index_service/agencies/signing.py`"),
        ("hand-over packages kept for one agency, at most", signing.MAX_WAITING_HANDOVERS,
         "`index_service/agencies/signing.py`"),
        ("time of a request off by at most, s", http_signatures.WINDOW_S,
         "`protocol/http_signatures.py`"),
        ("nonces are kept for, ms", nonces.KEPT_MS, "`protocol/nonces.py`"),
        ("body of a request, bytes at most", bodies.LARGEST_BODY, "`protocol/bodies.py`"),
        ("entry of the log, bytes at most", entries.MAX_ENTRY_BYTES, "`protocol/entries.py`"),
        ("characters of a reference", references.LENGTH, "`protocol/references.py`"),
    ]  # fmt: skip
    settings = [
        (f"`{section}.{name}`", value, f"default; `{where}`")
        for section, made, where in (
            ("limits", LimitSettings(), "index_service/settings.py"),
            ("rules", RuleSettings(), "index_service/settings.py"),
            ("quotas", QuotaSettings(), "index_service/evaluation/settings.py"),
        )
        for name, value in msgspec.structs.asdict(made).items()
    ]
    rows = [(what, _figure(value), where) for what, value, where in [*fixed, *settings]]
    return _table(("what", "figure", "where"), rows)


PARTS: Final[dict[str, Callable[[], str]]] = {
    "operations": operations_table,
    "callers": callers_table,
    "payload-types": payloads_table,
    "entries": entries_table,
    "problem-codes": codes_table,
    "figures": figures_table,
}


def filled(text: str) -> str:
    """Return `text` with every generated part made anew; KeyError for an unknown marker."""

    def part(found: re.Match[str]) -> str:
        name = found[1]
        return f"<!-- generated: {name} -->\n{PARTS[name]()}<!-- end -->\n"

    return _PART.sub(part, text)


def parts_in(text: str) -> list[str]:
    """Return the names of the generated parts of `text`, in order."""
    return [found[1] for found in _PART.finditer(text)]


def _of(message: type | None) -> str:
    return "none" if message is None else f"`{message.__name__}`"


def _code_order(found: tuple[str, int, str]) -> tuple[int, int, str]:
    code, status, program = found
    return list(MEANINGS).index(code), status, program


def _sizes(sizes: Iterable[int]) -> str:
    return ", ".join(map(_figure, sizes))


def _figure(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(row)} |\n" for row in (head, *rows)]
    return "".join([lines[0], "|" + "---|" * len(head) + "\n", *lines[1:]])


def main(path: Path = DOCUMENT) -> None:
    """Write the generated parts of the document anew."""
    text = path.read_text(encoding="utf-8")
    if (made := filled(text)) != text:
        path.write_text(made, encoding="utf-8")
        sys.stdout.write(f"wrote {path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
