"""Splink on plain text, on the same pairs: probabilistic linkage that sees everything."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import pyarrow
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from agency_connector.matching.normalise import normalise
from agency_connector.matching.person import Person
from benchmarks.matching.linking import TODAY, Hit
from benchmarks.matching.records import Record

_RULES = (
    ("forename", "surname"),
    ("forename", "dob"),
    ("surname", "dob"),
    ("postcode", "dob"),
    ("surname", "postcode"),
    ("forename", "postcode"),
)
_TRAINING = (("forename", "surname"), ("dob",), ("surname", "postcode"))
_PAIRS = 2e6
SEED = 1
LEAST_PROBABILITY = 0.001


def splink_hits(stored: Sequence[Record], lookups: Sequence[Record]) -> list[Hit]:
    """Hits by Splink, the surest of the weights first: `weight` is minus the match weight.

    The settings are those its documentation gives for people: name comparisons by Jaro-Winkler with
    term frequencies, dates of birth by edits and distance, postcodes by unit, sector, district and
    area, middle names by Jaro-Winkler, fields that are empty throughout left out; blocking on any
    two of the fields that agree; u from random pairs, m by expectation maximisation over three
    blockings. Fields are normalised as ours are.
    """
    logging.getLogger("splink").setLevel(logging.ERROR)
    api = DuckDBAPI()
    tables = [
        api.register(_table(records), dataset_display_name=name)
        for name, records in (("stored", stored), ("lookups", lookups))
    ]
    compared = {
        "forename": cl.NameComparison("forename").configure(term_frequency_adjustments=True),
        "surname": cl.NameComparison("surname").configure(term_frequency_adjustments=True),
        "dob": cl.DateOfBirthComparison("dob", input_is_string=True),
        "postcode": cl.PostcodeComparison("postcode"),
        "middle": cl.JaroWinklerAtThresholds("middle", [0.9]),
    }
    rows = tables[1].as_pyarrow_table()
    there = {name for name in compared if rows.column(name).null_count < len(rows)}
    comparisons = [comparison for name, comparison in compared.items() if name in there]
    rules, training = (
        [rule for rule in some if there.issuperset(rule)] for some in (_RULES, _TRAINING)
    )
    settings = SettingsCreator(
        link_type="link_only",
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=[block_on(*rule) for rule in rules],
        retain_matching_columns=False,
    )
    linker = Linker(tables, settings, log_level=logging.ERROR)
    train = linker.training
    train.estimate_probability_two_random_records_match(
        [block_on("forename", "surname", "dob")], recall=0.7
    )
    train.estimate_u_using_random_sampling(max_pairs=_PAIRS, seed=SEED)
    for rule in training:
        train.estimate_parameters_using_expectation_maximisation(
            block_on(*rule), record_sample_proportion=1.0
        )
    found = linker.inference.predict(threshold_match_probability=LEAST_PROBABILITY)
    return _hits(found.as_pyarrow_table(), stored, lookups)


def _table(records: Sequence[Record]) -> pyarrow.Table:
    rows = [_row(number, record) for number, record in enumerate(records)]
    return pyarrow.Table.from_pylist(rows, schema=_SCHEMA)


_SCHEMA = pyarrow.schema(
    [("unique_id", pyarrow.int64())]
    + [(name, pyarrow.string()) for name in ("forename", "middle", "surname", "dob", "postcode")]
)


def _row(number: int, record: Record) -> dict[str, int | str | None]:
    person = normalise(record.particulars, today=TODAY)
    if not isinstance(person, Person):
        person = Person()
    place = person.postcode
    return {
        "unique_id": number,
        "forename": person.given or None,
        "middle": person.middles[0] if person.middles else None,
        "surname": person.family or None,
        "dob": person.born.isoformat() if person.born is not None else None,
        # Its comparison of postcodes wants the space.
        "postcode": _spaced(place.unit) if place is not None and place.unit else None,
    }


def _spaced(unit: str) -> str:
    return unit.upper() if unit.isdigit() else f"{unit[:-3]} {unit[-3:]}".upper()


def _hits(found: pyarrow.Table, stored: Sequence[Record], lookups: Sequence[Record]) -> list[Hit]:
    columns = ("source_dataset_l", "unique_id_l", "unique_id_r", "match_weight")
    hits = []
    for left, one, other, weight in zip(
        *(found.column(name).to_pylist() for name in columns), strict=True
    ):
        lookup, record = (one, other) if left == "lookups" else (other, one)
        if stored[record].is_same(lookups[lookup]):
            continue
        right = stored[record].entity == lookups[lookup].entity
        hits.append(Hit(lookup, record, 0, -weight, "", right))
    return hits
