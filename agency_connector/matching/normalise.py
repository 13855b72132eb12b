"""Particulars to a normalised person, or the reason why no match key can be made of them."""

from __future__ import annotations

from datetime import date

from agency_connector.matching import dates, identifiers, names, postcodes
from agency_connector.matching.particulars import Particulars
from agency_connector.matching.person import Person, Postcode, Unusable

MOST_IDENTIFIERS = 4

_TOO_LITTLE = Unusable(
    "too_little",
    "Name and date of birth: not enough to find a person by. Give first name, surname and date of"
    " birth.",
)


def normalise(particulars: Particulars, *, today: date) -> Person | Unusable:
    """The normalised person; never raises.

    Each field that cannot be used is left out and accounted for in `Person.left_out` (of an
    impossible date the year is kept, so that the person can still be found as possible). If no
    match key can be made of the rest, the answer is the first such account, or `too_little`.

    `today` decides what is a future date and which century a two-digit year means; whoever
    recomputes a lookup takes the day on which it was made.
    """
    left_out: list[Unusable] = []
    given, family = _read_names(particulars, left_out)
    birth = dates.Birth(None, ())
    meant: tuple[date, ...] = ()
    if particulars.born and (len(particulars.born) > dates.LONGEST or particulars.born.strip()):
        found = dates.read(particulars.born, today)
        if isinstance(found, Unusable):
            left_out.append(found)
            if found.code == "date_impossible":
                birth = dates.Birth(None, dates.year_in(particulars.born, today))
                meant = dates.meant(particulars.born, today)
        else:
            birth = found
    person = Person(
        given=given[0] if given else "",
        middles=given[1 : 1 + names.MOST_MIDDLES],
        family="".join(family),
        family_parts=family if len(family) > 1 else (),
        born=birth.born,
        years=birth.years,
        meant=meant,
        postcode=_read_postcode(particulars.postcode, left_out),
        identifiers=_read_identifiers(particulars, left_out),
        left_out=tuple(left_out),
    )
    if _suffices(person):
        return person
    return left_out[0] if left_out else _TOO_LITTLE


def _suffices(person: Person) -> bool:
    """Whether `scheme.record_keys` makes at least one key: a name alone never does."""
    if person.identifiers:
        return True
    given = len(person.given) > 1
    family = len(person.family) > 1
    if person.born is not None:
        return given or family
    if not (given and family):
        return False
    return bool(person.years or person.postcode or any(len(m) > 1 for m in person.middles))


def _read_names(
    particulars: Particulars, left_out: list[Unusable]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Given names (first and middle ones) and the parts of the surname."""
    parts: list[tuple[str, ...]] = []
    for reader, text, field in (
        (names.read_given, particulars.given, "First name"),
        (names.read_given, particulars.middle, "Middle name"),
        (names.read_family, particulars.family, "Surname"),
    ):
        found = reader(text, field)
        if isinstance(found, Unusable):
            left_out.append(found)
            found = ()
        parts.append(found)
    given, middle, family = parts
    if (given and family) or not particulars.full_name:
        return given + middle if given else (), family
    full = names.read_full(particulars.full_name)
    if isinstance(full, Unusable):
        left_out.append(full)
        return given + middle if given else (), family
    return (given + middle if given else full[0] + middle), family or full[1]


def _read_postcode(text: str, left_out: list[Unusable]) -> Postcode | None:
    if not text or (len(text) <= postcodes.LONGEST and not text.strip()):
        return None
    found = postcodes.read(text)
    if isinstance(found, Unusable):
        left_out.append(found)
        return None
    return found


def _read_identifiers(
    particulars: Particulars, left_out: list[Unusable]
) -> tuple[tuple[str, str], ...]:
    valid: set[tuple[str, str]] = set()
    for kind, text in particulars.identifiers:
        if not text or (len(text) <= identifiers.LONGEST and not text.strip()):
            continue
        number = identifiers.read(kind, text)
        if isinstance(number, Unusable):
            left_out.append(number)
        else:
            valid.add((kind, number))
    return tuple(sorted(valid)[:MOST_IDENTIFIERS])
