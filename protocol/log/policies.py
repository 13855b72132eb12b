"""Trust files: which logs and witnesses one believes, how many must agree (C2SP tlog-policy)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from protocol.log.checkpoints import SignedCheckpoint, open_checkpoint
from protocol.log.errors import BadPolicy, NotCosigned
from protocol.log.lines import read_number
from protocol.verifier_keys import BadVerifierKey, KeyType, VerifierKey, read

MAX_POLICY_BYTES = 256 * 1024
_CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")
# In a policy that this module writes; no agency's identifier has capitals.
_MAJORITY = "MAJORITY"


@dataclass(frozen=True, slots=True)
class Group:
    """It has witnessed a checkpoint if `threshold` of its members, witnesses or groups, have."""

    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """A checkpoint measured against a policy: who cosigned it, when (s UTC), and if it is enough.

    `cosigned` maps the policy's names of witnesses to their latest times.
    """

    signed: SignedCheckpoint
    cosigned: Mapping[str, int]
    verified: bool


@dataclass(frozen=True, slots=True)
class Policy:
    """A trust file as read. Any two sets of witnesses that fulfil its quorum share a witness."""

    logs: tuple[VerifierKey, ...]
    witnesses: Mapping[str, VerifierKey]
    groups: Mapping[str, Group]
    quorum: str

    def assess(self, content: bytes) -> Standing:
        """Return how the checkpoint note in `content` stands, cosigned by enough or not yet.

        Raises as `open_checkpoint` does; a wrong cosignature by a known witness spoils the note.
        """
        signed = open_checkpoint(content, self.logs, self.witnesses.values())
        names = {key: name for name, key in self.witnesses.items()}
        cosigned: dict[str, int] = {}
        for part in signed.cosignatures:
            name = names[part.key]
            cosigned[name] = max(part.time or 0, cosigned.get(name, 0))
        agreed = set(cosigned)
        # A group is defined after its members, so one pass settles all of them.
        for name, group in self.groups.items():
            if sum(member in agreed for member in group.members) >= group.threshold:
                agreed.add(name)
        return Standing(signed, MappingProxyType(cosigned), self.quorum in agreed)

    def require(self, content: bytes) -> Standing:
        """Return the standing of a checkpoint that enough have cosigned; NotCosigned otherwise."""
        standing = self.assess(content)
        if not standing.verified:
            raise NotCosigned(
                f"{len(standing.cosigned)} of {len(self.witnesses)} witnesses have cosigned this "
                "checkpoint, which is fewer than the trust file wants."
            )
        return standing


def read_policy(content: bytes) -> Policy:
    """Return the policy in the trust file `content`.

    Stricter than tlog-policy, whose every file can be read otherwise: there must be a log, and the
    quorum must need more than half of the witnesses in the file, so that no two checkpoints of
    one size with different roots can both reach it unless a witness signed both. No key may be
    both a log's and a witness's. Raises BadPolicy with the number of the line.
    """
    if len(content) > MAX_POLICY_BYTES:
        raise BadPolicy(f"A trust file has at most {MAX_POLICY_BYTES} bytes.")
    if _CONTROL.search(content):
        raise BadPolicy("A trust file has no control characters but tab and newline.")
    draft = _Draft()
    for number, line in enumerate(content.split(b"\n"), start=1):
        # To the format, octets beyond ASCII are opaque: two names are equal if their octets are.
        words = [word.decode("utf-8", "surrogateescape") for word in line.split()]
        if words and not words[0].startswith("#"):
            try:
                draft.add(words[0], words[1:])
            except (BadPolicy, BadVerifierKey) as error:
                raise BadPolicy(f"Line {number} of the trust file: {error}") from error
    return draft.finished()


def majority_policy(log: VerifierKey, witnesses: Mapping[str, VerifierKey]) -> bytes:
    """Return a trust file for `log` that wants more than half of `witnesses`, keys by name."""
    named = [f"witness {name} {key.text}" for name, key in sorted(witnesses.items())]
    group = f"group {_MAJORITY} {len(witnesses) // 2 + 1} {' '.join(sorted(witnesses))}"
    lines = [f"log {log.text}", *named, group, f"quorum {_MAJORITY}"]
    content = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
    read_policy(content)
    return content


@dataclass(slots=True)
class _Draft:
    """A policy while its lines are read."""

    logs: list[VerifierKey] = field(default_factory=list)
    witnesses: dict[str, VerifierKey] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    quorum: str | None = None
    # For each name, how few witnesses can fulfil it.
    fewest: dict[str, int] = field(default_factory=dict)
    grouped: set[str] = field(default_factory=set)

    def add(self, keyword: str, words: list[str]) -> None:
        match keyword, words:
            case "log", [vkey] | [vkey, _]:
                self.logs.append(self._new_key(vkey, KeyType.ED25519))
            case "witness", [name, vkey] | [name, vkey, _]:
                self._define(name, 1)
                self.witnesses[name] = self._new_key(vkey, KeyType.COSIGNATURE)
            case "group", [name, threshold, *members] if members:
                self._add_group(name, threshold, tuple(members))
            case "quorum", [name]:
                if self.quorum is not None:
                    raise BadPolicy("there is one quorum line.")
                if name != "none":
                    self._require_defined(name)
                self.quorum = name
            case _:
                raise BadPolicy("a line is log, witness, group or quorum with its words.")

    def _add_group(self, name: str, threshold: str, members: tuple[str, ...]) -> None:
        for member in members:
            self._require_defined(member)
            if member in self.grouped:
                raise BadPolicy("a witness or group is a member once.")
            self.grouped.add(member)
        needed = {"all": len(members), "any": 1}.get(threshold)
        if needed is None:
            needed = read_number(threshold, BadPolicy, "a threshold that is not all or any")
        if not 1 <= needed <= len(members):
            raise BadPolicy("a threshold is at least 1 and at most the number of members.")
        self._define(name, sum(sorted(self.fewest[member] for member in members)[:needed]))
        self.groups[name] = Group(needed, members)

    def _define(self, name: str, fewest: int) -> None:
        if name in self.fewest or name == "none":
            raise BadPolicy("a name is defined once, and none is not free.")
        self.fewest[name] = fewest

    def _require_defined(self, name: str) -> None:
        if name not in self.fewest:
            raise BadPolicy("a name is defined on a line before it is used.")

    def _new_key(self, vkey: str, wanted: KeyType) -> VerifierKey:
        key = read(vkey)
        if key.type is not wanted:
            raise BadPolicy(f"the key is not of type {wanted:02x}.")
        if any(key.public == other.public for other in (*self.logs, *self.witnesses.values())):
            raise BadPolicy("every log and witness has a key of its own.")
        return key

    def finished(self) -> Policy:
        if not self.logs:
            raise BadPolicy("The trust file names no log.")
        if self.quorum is None:
            raise BadPolicy("The trust file has no quorum line.")
        fewest = self.fewest.get(self.quorum, 0)
        if 2 * fewest <= len(self.witnesses):
            raise BadPolicy(
                f"The quorum can be reached by {fewest} of {len(self.witnesses)} witnesses; it "
                "must take more than half, or two views of the log could both pass."
            )
        return Policy(
            tuple(self.logs),
            MappingProxyType(self.witnesses),
            MappingProxyType(self.groups),
            self.quorum,
        )
