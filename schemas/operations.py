"""Every operation of the three programs, once, for routes, clients, OpenAPI and tests."""

from dataclasses import dataclass
from typing import Any, Final, Literal

from schemas import (
    agencies,
    audit,
    checks,
    contacts,
    evaluation,
    flags,
    handover,
    lookups,
    successions,
    witnesses,
)

Method = Literal["GET", "POST"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: `caller` is who may call it, as the program's route guard names them.

    anyone       no signature needed, though the response is signed
    newcomer     signed with the key that the body enrols
    enrolled     signed by any active agency whose keys the program knows
    member       signed by an active agency in the member role
    auditor      signed by an active agency in the auditor role
    local_user   a user of this machine who holds the local token (connector only)
    """

    name: str
    method: Method
    path: str
    caller: Literal["anyone", "newcomer", "enrolled", "member", "auditor", "local_user"]
    request: type[Any] | None
    response: type[Any]
    summary: str
    refusals: tuple[int, ...] = ()


INDEX_IDENTITY: Final = Operation(
    "index-identity", "GET", "/v1/identity", "anyone", None, agencies.IndexIdentity,
    "Who the index says it is; believed only as far as the enrolment code confirms it.",
)  # fmt: skip
ENROL: Final = Operation(
    "enrol", "POST", "/v1/enrolments", "newcomer", agencies.Enrolment, agencies.Enrolled,
    "Give the index an agency's public keys, once, with the steward's one-time code.", (409,),
)  # fmt: skip
DIRECTORY: Final = Operation(
    "directory", "GET", "/v1/directory", "enrolled", None, agencies.Directory,
    "Agencies, introductions, desks, purposes, agreements and epochs.",
)  # fmt: skip
INTRODUCE: Final = Operation(
    "introduce", "POST", "/v1/introductions", "enrolled", agencies.Signed, agencies.Acknowledged,
    "Lay a member's signed introduction of a newcomer before the partnership.", (409,),
)  # fmt: skip
CHANGE_KEYS: Final = Operation(
    "change-keys", "POST", "/v1/key-changes", "enrolled", agencies.Signed, agencies.Acknowledged,
    "Replace an agency's keys, signed with its old key.", (409,),
)  # fmt: skip
SIGN_DESK: Final = Operation(
    "sign-desk", "POST", "/v1/desks", "member", agencies.Signed, agencies.Acknowledged,
    "Publish a new version of a desk, signed by its agency.", (409,),
)  # fmt: skip
OPEN_EPOCH: Final = Operation(
    "open-epoch", "POST", "/v1/epochs", "member", agencies.Signed, agencies.Acknowledged,
    "Publish a signed epoch descriptor.", (409,),
)  # fmt: skip
KEY_ENTRIES: Final = Operation(
    "key-entries", "GET", "/v1/key-entries", "enrolled", None, agencies.KeyEntries,
    "The entries of the record that enrolled and changed the asking agency's keys.",
)  # fmt: skip
SEND_HANDOVER: Final = Operation(
    "send-handover", "POST", "/v1/handovers", "member", agencies.Signed, agencies.Acknowledged,
    "Leave a sealed hand-over package for another agency.",
)  # fmt: skip
RECEIVE_HANDOVERS: Final = Operation(
    "receive-handovers", "GET", "/v1/handovers", "enrolled", None, handover.HandoverInbox,
    "Fetch the sealed hand-over packages that wait for the asking agency.",
)  # fmt: skip
PUBLISH: Final = Operation(
    "publish", "POST", "/v1/flags/batches", "member", flags.FlagBatch, flags.BatchTaken,
    "Put or withdraw flags; the same batch again changes nothing and gets the first answer.",
    (409,),
)  # fmt: skip
MARK: Final = Operation(
    "mark", "POST", "/v1/flags/marks", "member", flags.PublicationMark, flags.MarkTaken,
    "Say that a complete reading has been delivered, that a source is paused, or an epoch left.",
)  # fmt: skip
LOOK_UP: Final = Operation(
    "look-up", "POST", "/v1/lookups", "member", lookups.LookupRequest, lookups.LookupAnswer,
    "Record a lookup and answer it; the same lookup again gets the first answer.",
    (409,),
)  # fmt: skip
RESOLVE: Final = Operation(
    "resolve", "POST", "/v1/references/resolutions", "member",
    lookups.ResolutionRequest, lookups.Resolution,
    "Find out, as the holder of a flag, whom a quoted reference is about and who asked.",
)  # fmt: skip
SEND_CONTACT: Final = Operation(
    "send-contact", "POST", "/v1/contacts/steps", "member",
    contacts.ContactSend, agencies.Acknowledged,
    "Record a step of a contact request and leave it for the other agency, sealed; the same step "
    "again changes nothing and gets the first answer.",
    (409,),
)  # fmt: skip
FETCH_CONTACTS: Final = Operation(
    "fetch-contacts", "POST", "/v1/contacts/inbox", "member",
    contacts.ContactFetch, contacts.ContactInbox,
    "Say which steps were kept, and fetch those that wait for the asking agency.",
)  # fmt: skip
DECLARE_WITNESS: Final = Operation(
    "declare-witness", "POST", "/v1/witnesses", "enrolled",
    agencies.Signed, agencies.Acknowledged,
    "Declare the key with which an agency cosigns checkpoints of the log.", (409,),
)  # fmt: skip
COSIGN: Final = Operation(
    "cosign", "POST", "/v1/log/cosignatures", "enrolled",
    witnesses.CosignedCheckpoint, witnesses.CosignatureKept,
    "Bring the caller's cosignature of a checkpoint; not an entry, or the log would feed itself.",
    (409,),
)  # fmt: skip
LOG_SUCCESSIONS: Final = Operation(
    "log-successions", "GET", "/v1/log/successions", "enrolled",
    None, successions.LogSuccessions,
    "Every earlier log of this index, as it ended and named the log that follows it.",
)  # fmt: skip

AUDIT_PERSON: Final = Operation(
    "audit-person", "POST", "/v1/audit/persons", "auditor",
    audit.PersonRequest, audit.PersonReading,
    "Read every lookup that could have found a person, each with its proof.",
)  # fmt: skip
AUDIT_ENTRIES: Final = Operation(
    "audit-entries", "POST", "/v1/audit/entries", "auditor",
    audit.EntriesRequest, audit.EntriesReading,
    "Read the lookups that a filter lets through or, confirmed by two people, every entry.",
)  # fmt: skip
AUDIT_OWN: Final = Operation(
    "audit-own", "POST", "/v1/audit/own", "member",
    audit.EntriesRequest, audit.EntriesReading,
    "Read the lookups that the asking agency's own officers made.",
)  # fmt: skip
AUDIT_HELD: Final = Operation(
    "audit-held", "POST", "/v1/audit/held", "member",
    audit.HeldRequest, audit.HeldReading,
    "Find out, as the holder of a visible flag, who looked its subject up.",
)  # fmt: skip

EVALUATOR_IDENTITY: Final = Operation(
    "evaluator-identity", "GET", "/v1/identity", "anyone", None, evaluation.EvaluatorIdentity,
    "Who the evaluator says it is; believed only through an epoch descriptor.",
)  # fmt: skip
EVALUATE: Final = Operation(
    "evaluate", "POST", "/v1/evaluations", "enrolled",
    evaluation.EvaluationRequest, evaluation.Evaluation,
    "Evaluate blinded elements, counted against the agency's quota.",
)  # fmt: skip

CHOICES: Final = Operation(
    "choices", "GET", "/api/choices", "local_user", None, checks.Choices,
    "The purposes to choose from, and the user as the connector knows them.", (502,),
)  # fmt: skip
CHECK: Final = Operation(
    "check", "POST", "/api/checks", "local_user", checks.CheckRequest, checks.CheckAnswer,
    "Check a name.", (409, 502, 503),
)  # fmt: skip
LOOK_WIDER: Final = Operation(
    "look-wider", "POST", "/api/checks/wider", "local_user", checks.WiderRequest,
    checks.CheckAnswer, "Look wider for the person of an earlier check.", (409, 502, 503),
)  # fmt: skip
RESOLVE_LOCALLY: Final = Operation(
    "resolve-locally", "POST", "/api/resolutions", "local_user", checks.ResolveRequest,
    checks.ResolveAnswer, "Someone has quoted a reference.", (502, 503),
)  # fmt: skip

INDEX_OPERATIONS: Final = (
    INDEX_IDENTITY, ENROL, DIRECTORY, INTRODUCE, CHANGE_KEYS, SIGN_DESK, OPEN_EPOCH,
    SEND_HANDOVER, RECEIVE_HANDOVERS, PUBLISH, MARK, LOOK_UP, RESOLVE, SEND_CONTACT,
    FETCH_CONTACTS, DECLARE_WITNESS, COSIGN, LOG_SUCCESSIONS, KEY_ENTRIES,
    AUDIT_PERSON, AUDIT_ENTRIES, AUDIT_OWN, AUDIT_HELD,
)  # fmt: skip
EVALUATOR_OPERATIONS: Final = (EVALUATOR_IDENTITY, EVALUATE)
CONNECTOR_OPERATIONS: Final = (CHOICES, CHECK, LOOK_WIDER, RESOLVE_LOCALLY)
