"""The drill's rounds: what the thief has in each, what he must come to, and what he came to."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from agency_connector.journal.journal import Journal
from agency_connector.journal.records import Typed
from benchmarks.breach_drill import host
from benchmarks.breach_drill.attack import Keys, Outcome, Target, assault
from benchmarks.breach_drill.canary_search import canary_rounds
from benchmarks.breach_drill.dictionary import Dictionary, dictionary
from benchmarks.breach_drill.equality import anonymity, patterns
from benchmarks.breach_drill.partnership import ASKER, Partnership
from benchmarks.breach_drill.people import AGENCIES, Case, Sample
from benchmarks.breach_drill.searching import Needles
from benchmarks.breach_drill.telling import Round, plural
from benchmarks.breach_drill.theft import Loot, steal
from foundation.keyring import Keyring, seal_from_setting
from protocol.encoding import b64u_decode
from protocol.tokens import TOKEN_BYTES

EVALUATION: Final = "evaluation-1"
PARTNERSHIP_KEY: Final = "partnership-1"


@dataclass(frozen=True, slots=True)
class Databases:
    """Where the two databases are: URLs that open them, and PostgreSQL's folder if it has them."""

    index: str
    evaluator: str
    data: Path | None = None


def drill(
    made: Partnership, sample: Sample, databases: Databases, today: date
) -> tuple[Round, ...]:
    """Steal everything and go through all rounds; nothing is raised for what a thief finds."""
    attack = _Attack.on(made, sample, databases, today)
    return (
        attack.without_keys(),
        attack.with_the_evaluation_key(),
        attack.with_the_partnership_key(),
        attack.with_both(),
        attack.as_host(databases),
        *canary_rounds(made, sample, attack.index, attack.evaluator),
    )


@dataclass(frozen=True, slots=True)
class _Attack:
    made: Partnership
    sample: Sample
    today: date
    index: Loot
    evaluator: Loot
    target: Target
    both: Target
    guesses: Dictionary
    truth: Mapping[bytes, Case]
    secrets: Mapping[str, Mapping[str, bytes]]
    typed: Sequence[tuple[str, Typed]]

    @classmethod
    def on(cls, made: Partnership, sample: Sample, databases: Databases, today: date) -> "_Attack":
        data = databases.data
        index = steal(made, made.index, made.index_home, databases.index, data)
        evaluator = steal(made, made.evaluator, made.evaluator_home, databases.evaluator)
        skip = "" if data is None else str(data)
        truth: dict[bytes, Case] = {}
        secrets = {
            "index": _secrets(made.index_home / "keys.json"),
            "evaluator": _secrets(made.evaluator_home / "keys.json"),
        }
        for agency, connector in made.connectors.items():
            truth |= host.owners(connector, sample)
            secrets[agency] = {
                name: connector.keyring.get(name) for name in connector.keyring.names()
            }
        return cls(
            made=made,
            sample=sample,
            today=today,
            index=index,
            evaluator=evaluator,
            target=Target([index], skip),
            both=Target([index, evaluator], skip),
            guesses=dictionary(sample, today),
            truth=truth,
            secrets=secrets,
            typed=_typed(made),
        )

    @property
    def flags(self) -> Mapping[int, Case]:
        """Whose each flag of the index is: what the thief would know."""
        return {row.id: self.truth[bytes(row.handle)] for row in self.index.tables["flags"]}

    def without_keys(self) -> Round:
        outcome = self._assault(self.target, Keys(secrets=self.secrets["index"]))
        round_ = self._fruitless(1, "everything the index has, no key", outcome)
        found = patterns(self.index.tables)
        fewest, alone = anonymity(found, self.sample, self.today)
        round_.tell(
            f"Without a key he sees {plural(len(found.flags), 'pair')} of flags that share tokens "
            f"and {plural(len(found.lookups), 'time')} that a lookup shares some with a flag."
        )
        round_.tell(
            f"Each number of shared tokens fits {fewest} or more of the {self.guesses.people} "
            "people in his dictionary."
        )
        round_.expect("no pattern of equal tokens fits one person only", alone == 0 < fewest)
        foreign = {
            f"{owner}'s {name}": secret
            for owner, held in self.secrets.items()
            for name, secret in held.items()
            if owner != "index"
        }
        lost = Needles((secret, name) for name, secret in foreign.items()).search(
            self.index.pieces()
        )
        round_.expect(
            f"none of the {len(foreign)} secrets of evaluator and agencies is in what was stolen"
            + _named(lost),
            not lost,
        )
        return round_

    def with_the_evaluation_key(self) -> Round:
        evaluator = self.secrets["evaluator"]
        keys = Keys(
            secrets={**self.secrets["index"], **_prefixed("evaluator", evaluator)},
            scalars={EVALUATION: evaluator[EVALUATION]},
        )
        outcome = self._assault(self.both, keys)
        round_ = self._fruitless(2, "and everything the evaluator has", outcome)
        agencies = {
            f"{owner}'s {name}": secret
            for owner in AGENCIES
            for name, secret in self.secrets[owner].items()
        }
        lost = Needles((secret, name) for name, secret in agencies.items()).search(
            self.evaluator.pieces()
        )
        round_.expect(
            f"none of the {len(agencies)} secrets of the agencies is at the evaluator"
            + _named(lost),
            not lost,
        )
        return round_

    def with_the_partnership_key(self) -> Round:
        keys = Keys(
            secrets={
                **self.secrets["index"],
                PARTNERSHIP_KEY: self.secrets[ASKER][PARTNERSHIP_KEY],
            }
        )
        outcome = self._assault(self.target, keys)
        return self._fruitless(3, "the index and the partnership key, no evaluation", outcome)

    def with_both(self) -> Round:
        evaluator = self.secrets["evaluator"]
        keys = Keys(
            secrets={PARTNERSHIP_KEY: self.secrets[ASKER][PARTNERSHIP_KEY]},
            scalars={EVALUATION: evaluator[EVALUATION]},
        )
        outcome = self._assault(self.both, keys)
        held = self._held(outcome)
        wanted = {case.who for case in self.flags.values()}
        missed = {case.who for flag, case in self.flags.items() if case.who not in held[flag]}
        round_ = Round(
            4, "the index, the partnership key and the evaluation key", outcome.compared,
            len(wanted - missed), len(wanted),
        )  # fmt: skip
        hit = sum(case.who in held[flag] for flag, case in self.flags.items())
        round_.tell(f"{hit} of {len(self.flags)} flags are named, each with the person it is of.")
        others = {who for named in held.values() for who in named} - wanted
        round_.tell(
            f"Of {self.guesses.people - len(wanted)} people without a flag, {len(others)} share a "
            "key with somebody who has one."
        )
        round_.expect("everybody with a flag is found", bool(wanted) and not missed)
        round_.expect("every flag is named", hit == len(self.flags))
        return round_

    def as_host(self, databases: Databases) -> Round:
        connector = self.made.connectors[host.HOST]
        own = {h: case for h, case in self.truth.items() if case.agency == host.HOST}
        others = {h: case for h, case in self.truth.items() if case.agency != host.HOST}
        before = host.counted(databases.evaluator, host.HOST, "lookup")
        published = host.counted(databases.evaluator, host.HOST, "publish")
        entries = host.entries(databases.index)
        learned = host.learns(self.index, own)
        read_for = host.counted(databases.evaluator, host.HOST, "lookup") - before
        bought = host.buys(connector, self.index, self.guesses)
        paid = host.counted(databases.evaluator, host.HOST, "lookup") - before - read_for
        theirs = {flag: case for flag, case in self.flags.items() if case.agency != host.HOST}
        wanted = {case.who for case in theirs.values()}
        named = {
            case.who
            for flag, case in theirs.items()
            if case.who in bought.flags.get(flag, frozenset())
        }
        round_ = Round(
            5, f"the index's host is the partner {host.HOST}, the evaluator is elsewhere",
            bought.guesses, len(named), len(wanted),
        )  # fmt: skip
        self._tell_learned(round_, learned, len(own))
        round_.tell(
            f"For that the evaluator counted {read_for} elements (for {host.HOST}'s own "
            f"publishing: {published}), and the index's log has no entry."
        )
        round_.tell(
            f"Then it guesses: {bought.guesses} match keys through the evaluator, on its own quota."
        )
        round_.tell(
            f"They name {len(named)} of the {len(wanted)} people whom others flag. The evaluator "
            f"counted {paid} elements for {host.HOST}, use lookup."
        )
        pairs = frozenset((one.local_id, one.agency) for one in learned.elsewhere)
        round_.expect(
            "it learns of its own people exactly those whose match keys others have published",
            bool(pairs) and pairs == host.expected(own, others, self.today),
        )
        round_.expect("reading costs nothing at the evaluator", read_for == 0)
        round_.expect(
            f"every guess is counted at the evaluator: {bought.sent} elements sent, {paid} counted",
            bought.guesses <= bought.sent == paid,
        )
        round_.expect("the guesses name everybody, so the count is what stands in the way",
                      named == wanted)  # fmt: skip
        round_.expect("neither reading nor guessing leaves an entry at the index",
                      host.entries(databases.index) == entries)  # fmt: skip
        return round_

    def _tell_learned(self, round_: Round, learned: host.Learned, own: int) -> None:
        people = {one.local_id for one in learned.elsewhere}
        round_.tell(
            f"It reads, without asking anybody: {len(people)} of its {plural(own, 'flag')} "
            "are of people whom others flag too, hidden desks included:"
        )
        for one in learned.elsewhere:
            round_.tell(
                f"  its case {one.local_id}: {one.agency}, desk {one.desk} "
                f"({plural(one.shared, 'token')} shared)"
            )
        round_.tell(f"{plural(len(learned.looked_up), 'lookup')} by others, of its own people:")
        for looked in learned.looked_up:
            round_.tell(
                f"  its case {looked.local_id}: asked by {looked.agency} "
                f"({plural(looked.shared, 'token')} shared)"
            )
        round_.tell(
            f"Without names: {plural(learned.strangers_sharing, 'pair')} of others' flags that "
            f"share tokens; {plural(learned.lookups_of_strangers, 'lookup')} that share some with "
            f"others' flags; {plural(learned.lookups_sharing, 'pair')} of lookups that share some."
        )

    def _assault(self, target: Target, keys: Keys) -> Outcome:
        names = [(case.local_id, case.agency) for case in self.sample.cases]
        names += [(canary.officer, ASKER) for canary in self.sample.canaries]
        return assault(target, self.guesses, keys, names, self.typed)

    def _fruitless(self, number: int, title: str, outcome: Outcome) -> Round:
        found = outcome.people(self.guesses)
        wanted = {case.who for case in self.flags.values()}
        round_ = Round(number, title, outcome.compared, len(found), len(wanted))
        round_.expect("nobody is found", not found)
        round_.expect("no case number, officer or typed reason is found either", not outcome.other)
        return round_

    def _held(self, outcome: Outcome) -> Mapping[int, frozenset[int]]:
        """Return by flag everybody whose guessed key made one of its tokens."""
        guessed: defaultdict[bytes, set[int]] = defaultdict(set)
        for key, made in outcome.hits.items():
            for output in made:
                guessed[output[:TOKEN_BYTES]] |= self.guesses.every[key]
        held: defaultdict[int, set[int]] = defaultdict(set)
        for row in self.index.tables["flag_tokens"]:
            held[row.flag] |= guessed.get(bytes(row.token), set())
        return {flag: frozenset(held[flag]) for flag in self.flags}


def _secrets(path: Path) -> dict[str, bytes]:
    """Open a stolen keyring: the drill's are unsealed, as the worst case."""
    keyring = Keyring.open(path, seal_from_setting("unsealed"))
    return {name: keyring.get(name) for name in keyring.names()}


def _typed(made: Partnership) -> list[tuple[str, Typed]]:
    """Return what was typed for the checks, word for word, as the asker's journal has it."""
    journal = Journal.of(made.connectors[ASKER])
    found: list[tuple[str, Typed]] = []
    for answer in made.checks.values():
        check = journal.find(b64u_decode(answer.check))
        if check is not None:
            found.append((f"what was typed for a check, {len(found) + 1}", check.asked.typed))
    return found


def _prefixed(owner: str, held: Mapping[str, bytes]) -> dict[str, bytes]:
    return {f"{owner}'s {name}": secret for name, secret in held.items()}


def _named(lost: Mapping[str, str]) -> str:
    return "".join(f"; {name} in {where}" for name, where in sorted(lost.items()))
