"""The thief's dictionary: every true person, in every variant the connectors themselves make."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from agency_connector.matching.expansion import expand
from agency_connector.matching.normalise import normalise
from agency_connector.matching.particulars import Particulars
from agency_connector.matching.person import Person, Unusable
from agency_connector.matching.scheme import MatchKey, record_keys
from benchmarks.breach_drill.people import Sample, forms_of


@dataclass(frozen=True, slots=True)
class Dictionary:
    """Match keys, each with the people it may stand for, by their place in `Sample.people`.

    Strangers follow on: theirs are the places after the last of the people. `literal` are the keys
    under which a record of one of their forms would be published; `every` has those and all that a
    lookup of one of their forms would be expanded to.
    """

    literal: Mapping[MatchKey, frozenset[int]]
    every: Mapping[MatchKey, frozenset[int]]
    people: int


def dictionary(sample: Sample, today: date) -> Dictionary:
    """Return the dictionary of everybody in the sample, strangers too."""
    literal: defaultdict[MatchKey, set[int]] = defaultdict(set)
    every: defaultdict[MatchKey, set[int]] = defaultdict(set)
    forms = [sample.forms(who) for who in range(len(sample.people))]
    forms += [forms_of(stranger) for stranger in sample.strangers]
    for who, told in enumerate(forms):
        for form in told:
            person = normalise(form, today=today)
            if isinstance(person, Unusable):
                continue
            for key in published_keys(person):
                literal[key].add(who)
                every[key].add(who)
            expansion = expand(person)
            for graded in (*expansion.narrow, *expansion.wide):
                every[MatchKey(graded.kind, graded.value)].add(who)
    return Dictionary(
        literal={key: frozenset(people) for key, people in literal.items()},
        every={key: frozenset(people) for key, people in every.items()},
        people=len(forms),
    )


def keys_of(particulars: Particulars, today: date) -> frozenset[MatchKey]:
    """Return the keys under which a record with these particulars is published, if any."""
    person = normalise(particulars, today=today)
    return frozenset() if isinstance(person, Unusable) else frozenset(published_keys(person))


def published_keys(person: Person) -> tuple[MatchKey, ...]:
    """Return a record's keys, of names and of identifiers."""
    keys = record_keys(person)
    return (*keys.names, *keys.identifiers)
