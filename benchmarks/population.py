"""Makes a fictional population on which cut-offs are fitted, so that given data need not be.

    python -m benchmarks.population FOLDER --people 200000 --lookups 20000 --seed 1

writes FOLDER/stored.csv.gz and FOLDER/lookups.csv.gz. Like real ones, its people have names by the
decade of birth, communities whose names go together (six that the matcher lists, with other shares,
other ranks and some other names, and four that nobody lists: their names are made of syllables),
twins, siblings, parents of the same name, moves within the district and away, marriages. Half the
lookups are of people nobody stores. Every record is written anew by a clerk who errs. All rates are
judged from experience and from published agreement rates; none was fitted to a given file.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import accumulate
from pathlib import Path

from agency_connector.matching import tables, variants
from benchmarks.matching.records import COLUMNS, write

AGENCIES = ("police", "probation", "prison", "social", "housing", "nhs", "education", "dwp")
_FOREIGN = {  # people per thousand; place in the matcher's list, or None for one nobody lists
    "muslim_south_asian": (45, 0),
    "gujarati_hindu": (18, 3),
    "sikh": (9, 4),
    "polish": (16, 5),
    "west_african": (16, 8),
    "chinese_vietnamese": (9, 9),
    "unlisted_1": (6, None),
    "unlisted_2": (4, None),
    "unlisted_3": (2, None),
    "unlisted_4": (1, None),
}
_SYLLABLES = (
    *("ka", "to", "mi", "ru", "sha", "ne", "bo", "li", "gu", "ta", "wen", "zo", "pe", "ri", "da"),
    *("mo", "su", "ve", "xa", "ni", "che", "lo", "fa", "ye"),
)
_UNIT = "ABDEFGHJLN"
_NEAR = {
    a: b
    for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm")
    for a, b in zip(row, row[1:] + row[-2], strict=True)
}
ONE_IN = 3
"""Of a household, one in so many is anybody's concern."""


@dataclass(frozen=True, slots=True)
class Somebody:
    """A fictional person as they would write themselves."""

    entity: str
    group: str
    first: str
    middle: str
    last: str
    born: date
    places: tuple[str, ...]


class Names:
    """Draws names by decade, and by community."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        firsts = sorted(tables.forenames())
        self._firsts = firsts
        self._by_decade = [
            list(accumulate(tables.forenames()[name][place] for name in firsts))
            for place in range(len(tables.COHORTS))
        ]
        self._lasts = sorted(tables.surnames())
        # The table's tail is too thin: foreign and unlisted surnames make up a tenth.
        self._last_weights = list(accumulate(tables.surnames()[name] for name in self._lasts))
        self._lists = {name: self._community(place) for name, (_, place) in _FOREIGN.items()}

    def _community(self, place: int | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
        if place is None:
            return self._made(25), self._made(15)
        listed = tables.communities()[place]
        return self._unlike(listed.forenames), self._unlike(listed.surnames)

    def _unlike(self, names: Sequence[str]) -> tuple[str, ...]:
        """The list with neighbours in rank exchanged and a third of its rarer half replaced."""
        kept = sorted(names, key=lambda name: names.index(name) + self._chance.gauss(0, 3))
        for place in self._chance.sample(range(len(kept) // 2, len(kept)), len(kept) // 6):
            kept[place] = self._made(1)[0]
        return tuple(kept)

    def _made(self, count: int) -> tuple[str, ...]:
        return tuple(
            "".join(self._chance.choices(_SYLLABLES, k=self._chance.choice((2, 2, 3))))
            for _ in range(count)
        )

    def first(self, group: str, year: int) -> str:
        """A first name of the group and time; a quarter of a community takes a British one."""
        if group != "other" and self._chance.random() < 0.75:
            return self._ranked(self._lists[group][0])
        place = min(max((year - tables.COHORTS[0]) // 10, 0), len(tables.COHORTS) - 1)
        return self._chance.choices(self._firsts, cum_weights=self._by_decade[place])[0]

    def last(self, group: str) -> str:
        """A surname of the group; one in ten of a community has a British one."""
        if group != "other" and self._chance.random() < 0.9:
            return self._ranked(self._lists[group][1])
        if self._chance.random() < 0.05:
            return self._made(1)[0]
        return self._chance.choices(self._lasts, cum_weights=self._last_weights)[0]

    def _ranked(self, names: Sequence[str]) -> str:
        weights = [1 / (rank + 1.5) for rank in range(len(names))]
        return self._chance.choices(names, weights)[0]


class Population:
    """Draws households: people who share surnames, places and sometimes birthdays or names."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.names = Names(self.chance)
        self._number = 0
        self._home = {group: self.chance.sample(range(2_000), 120) for group in _FOREIGN}

    def people(self, count: int) -> list[Somebody]:
        """At least `count` people, household by household, one in `ONE_IN` of each."""
        found: list[Somebody] = []
        while len(found) < count:
            found += (who for who in self._household() if self.chance.random() < 1 / ONE_IN)
        return found

    def _household(self) -> list[Somebody]:
        draw = self.chance.random() * 1000
        group = "other"
        for name, (share, _) in _FOREIGN.items():
            draw -= share
            if draw < 0:
                group = name
                break
        last = self.names.last(group)
        if group == "other" and self.chance.random() < 0.02:
            last = f"{last}-{self.names.last(group)}"
        place = self._place(group)
        head = self._person(group, last, self._year(), place)
        found = [head]
        for _ in range(self.chance.choices((0, 1, 2, 3), (60, 22, 12, 6))[0]):
            year = head.born.year + self.chance.choice((-3, -2, -1, 1, 2, 3, 4, 22, 25, 28, 31, 34))
            other = self._person(group, last, min(max(year, 1920), 2012), place)
            kind = self.chance.random()
            if kind < 0.02 and abs(year - head.born.year) > 20:
                other = replace(other, first=head.first)
            elif kind < 0.05 and other.first != head.first:
                other = replace(other, born=head.born)
            found.append(other)
        return found

    def _year(self) -> int:
        return int(self.chance.triangular(1930, 2010, 1985))

    def _place(self, group: str) -> str:
        """A district number and a postcode in it; communities live closer together."""
        if group != "other" and self.chance.random() < 0.7:
            district = self.chance.choice(self._home[group])
        else:
            district = self.chance.randrange(2_000)
        return self._in_district(district)

    def _in_district(self, district: int) -> str:
        letters = "BDEFGHLNPR"
        area = f"{letters[district // 200]}{letters[district // 20 % 10]}{district % 20 + 1}"
        unit = self.chance.choice(_UNIT) + self.chance.choice(_UNIT)
        return f"{area} {self.chance.randrange(10)}{unit}"

    def _moved(self, place: str, group: str) -> str:
        if self.chance.random() < 0.45:
            head = place.split(maxsplit=1)[0]
            unit = self.chance.choice(_UNIT) + self.chance.choice(_UNIT)
            return f"{head} {self.chance.randrange(10)}{unit}"
        return self._place(group)

    def _person(self, group: str, last: str, year: int, place: str) -> Somebody:
        self._number += 1
        born = date(year, 1, 1) + timedelta(days=self.chance.randrange(365))
        if group not in ("other", "polish", "chinese_vietnamese") and self.chance.random() < 0.02:
            born = date(year, 1, 1)
        middle = self.names.first(group, year - 10) if self.chance.random() < 0.65 else ""
        places = [place]
        while self.chance.random() < 0.45 and len(places) < 4:
            places.append(self._moved(places[-1], group))
        first = self.names.first(group, year)
        return Somebody(f"P{self._number}", group, first, middle, last, born, tuple(places))

    def written(self, who: Somebody, name: str, source: str) -> dict[str, str]:
        """A record of somebody as a clerk wrote it; `tags` says how it errs."""
        chance = self.chance
        tags = []
        first, middle, last, born = who.first, who.middle, who.last, who.born.isoformat()

        def now(rate: float, tag: str) -> bool:
            if chance.random() < rate:
                tags.append(tag)
                return True
            return False

        if now(0.02, "surname_changed"):
            last = self.names.last(who.group)
        if "-" in last and now(0.3, "hyphen"):
            last = chance.choice([*last.split("-"), last.replace("-", ""), last.replace("-", " ")])
        known = variants.known_forenames(first)
        if known and now(0.025, "nickname"):
            first = chance.choice(known[:6])
        elif middle and now(0.004, "middle_first"):
            first, middle = middle, ""
        elif now(0.005, "initial"):
            first = first[0]
        elif now(0.003, "first_other"):
            first = self.names.first(who.group, who.born.year)
        if now(0.033, "first_slip"):
            first = self._slip(first)
        if now(0.033, "surname_slip"):
            last = self._slip(last)
        if now(0.003, "transposed"):
            first, last = last, first
        shown = chance.random()
        middle = middle if shown < 0.55 else middle[:1] if shown < 0.7 else ""
        if middle and chance.random() < 0.03:
            middle = self._slip(middle)
        if now(0.017, "date_slip"):
            born = self._date_slip(who.born)
        elif now(0.006, "date_other"):
            born = (who.born + timedelta(days=int(chance.gauss(0, 700)))).isoformat()
        elif now(0.012, "date_missing"):
            born = ""
        place = who.places[0] if chance.random() < 0.68 else chance.choice(who.places)
        return {
            "rec_id": name,
            "ent_id": who.entity,
            "source": source,
            "forename": first,
            "middle": middle,
            "surname": last,
            "dob": born,
            "sex": "",
            "postcode": "" if chance.random() < 0.09 else place,
            "nin": "",
            "tags": "+".join(tags),
            "group": who.group,
        }

    def _slip(self, word: str) -> str:
        place = self.chance.randrange(len(word))
        kind = self.chance.random()
        if kind < 0.25:
            return word[:place] + word[place + 1 :] or word
        if kind < 0.45:
            return word[: place + 1] + word[place:]
        if kind < 0.65 and len(word) > 1:
            place = min(place, len(word) - 2)
            return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
        other = _NEAR.get(word[place], "e")
        if kind > 0.85:
            other = self.chance.choice("aeiouyrnslt")
        return word[:place] + other + word[place + 1 :]

    def _date_slip(self, born: date) -> str:
        kind = self.chance.random()
        swap = variants.swapped(born)
        if kind < 0.25 and swap is not None:
            return swap.isoformat()
        if kind < 0.35:
            return date(born.year, 1, 1).isoformat()
        near = variants.slips(born)
        return self.chance.choices([d for d, _ in near], [w for _, w in near])[0].isoformat()


def _evenly(people: Sequence[Somebody], count: int, chance: random.Random) -> list[Somebody]:
    """People of each name group, as many of each or all there are: narrow intervals by group."""
    groups: dict[str, list[Somebody]] = defaultdict(list)
    for who in people:
        groups[who.group].append(who)
    each = count // len(groups)
    return [
        w
        for name in sorted(groups)
        for w in chance.sample(groups[name], min(each, len(groups[name])))
    ]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.population")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--people", type=int, default=200_000, help="people who are stored")
    parser.add_argument("--lookups", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--even",
        action="store_true",
        help="as many lookups of each name group, all of stored people",
    )
    asked = parser.parse_args()
    population = Population(asked.seed)
    chance = population.chance
    wanted = asked.people + asked.lookups // 2 + asked.lookups // 20
    everybody = population.people(wanted)
    chance.shuffle(everybody)
    held, others = everybody[: asked.people], everybody[asked.people :]
    stored = [
        population.written(who, f"S{number}-{agency}", agency)
        for number, who in enumerate(held)
        for agency in chance.sample(AGENCIES, chance.choices((1, 2, 3), (62, 25, 13))[0])
    ]
    half = asked.lookups // 2
    looked_up = chance.sample(held, asked.lookups - half) + others[:half]
    if asked.even:
        looked_up = _evenly(held, asked.lookups, chance)
    lookups = [population.written(who, f"L{i}", "query") for i, who in enumerate(looked_up)]
    asked.folder.mkdir(parents=True, exist_ok=True)
    columns = [*COLUMNS, "tags", "group"]
    write(asked.folder / "stored.csv.gz", stored, columns)
    write(asked.folder / "lookups.csv.gz", lookups, columns)
    print(f"{len(stored)} stored of {len(held)} people, {len(lookups)} lookups in {asked.folder}")


if __name__ == "__main__":
    main()
