"""A seeded list of fictional people, typed as officers and exports type them, in every script."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta

from agency_connector.matching import tables
from agency_connector.matching.particulars import Particulars

PEOPLE = 3_000
TODAY = date(2026, 1, 15)

_OTHER_SCRIPTS = (
    ("Ольга", "Ивановна", "Кузнецова"),
    ("Олександр", "", "Шевченко"),
    ("Γιώργος", "", "Παπαδόπουλος"),
    ("محمد", "علي", "خان"),
    ("فاطمة", "", "الزهراء"),
    ("דוד", "", "כהן"),
    ("伟", "", "张"),
    ("さくら", "", "山田"),
    ("민준", "", "김"),
    ("राजेश", "कुमार", "शर्मा"),
    ("ਹਰਪ੍ਰੀਤ", "", "ਸਿੰਘ"),
    ("রহিম", "", "উদ্দিন"),
    ("தமிழ்", "", "செல்வன்"),
    ("สมชาย", "", "ใจดี"),
    ("გიორგი", "", "მელაძე"),
    ("Արմեն", "", "Պետրոսյան"),
    ("አበበ", "", "ቢቂላ"),
    ("Nguyễn", "Văn", "Đặng"),
    ("Łukasz", "", "Żółć"),
    ("Zoë", "", "Müller-Lüdenscheidt"),
    ("Seán", "", "Ó Súilleabháin"),
    ("Siân", "", "ap Rhys"),
    ("Børge", "", "Ångström"),
    ("İbrahim", "", "Çelik"),
    ("Jürgen", "", "Groß"),
    ("Ionuț", "", "Țîrlea"),
)
_SHAPES = ("{}", "{}", "{}", "Mr {}", "Dr. {}", "{} jnr", "MIG_ERROR_{}", "  {}  ", "{} (Ted)")
_PARTICLES = (
    *("van der {}", "O'{}", "O {}", "Mc{}", "Mac {}", "de la {}", "St. {}", "al-{}", "Fitz {}"),
)
_DATES = (
    *("%Y-%m-%d", "%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%d/%m/%y", "%d %B %Y", "%d-%b-%y"),
    *("%Y-%m-%dT00:00:00", "%Y%m%d", "%d/%m/%Y 00:00", "%B %d, %Y", "%Y", "c. %Y", "%m/%Y"),
)
_LETTERS = "ABDEFGHJLNPQRSTUWXYZ"
_CHECK_LETTERS = "ZABCDEFGHJKLMNPQRTUVWXY"


def people(seed: int = 1, count: int = PEOPLE) -> Iterator[Particulars]:
    """`count` fictional people, always the same for a seed."""
    chance = random.Random(seed)
    firsts = sorted(tables.forenames())
    lasts = sorted(tables.surnames())
    for number in range(count):
        if number % 20 == 0:
            given, middle, family = _OTHER_SCRIPTS[number // 20 % len(_OTHER_SCRIPTS)]
        else:
            given = _typed(chance, chance.choice(firsts))
            middle = chance.choice(firsts) if chance.random() < 0.4 else ""
            family = _family(chance, lasts)
        whole = chance.random()
        names = {"given": given, "middle": middle, "family": family}
        if whole < 0.1:
            names = {"full_name": " ".join(filter(None, (given, middle, family)))}
        elif whole < 0.2:
            names = {"full_name": f"{family}, {given} {middle}"}
        yield Particulars(
            **names,
            born=_born(chance),
            postcode=_postcode(chance) if chance.random() < 0.7 else "",
            identifiers=_identifiers(chance),
        )


def _typed(chance: random.Random, name: str) -> str:
    if chance.random() < 0.05:
        return name[0].upper()
    styled = chance.choice((name.title(), name.upper(), name))
    return chance.choice(_SHAPES).format(styled)


def _family(chance: random.Random, lasts: list[str]) -> str:
    name = chance.choice(lasts).title()
    kind = chance.random()
    if kind < 0.1:
        return f"{name}-{chance.choice(lasts).title()}"
    if kind < 0.2:
        return chance.choice(_PARTICLES).format(name)
    return _typed(chance, name) if kind > 0.8 else name


def _born(chance: random.Random) -> str:
    born = date(1925, 1, 1) + timedelta(days=chance.randrange(365 * 100))
    kind = chance.random()
    if kind < 0.05:
        return ""
    if kind < 0.08:
        return chance.choice(("01/01/1900", "1970-01-01", "31/02/1980", "2099-01-01", "unknown"))
    if kind < 0.13:
        return str((born - date(1899, 12, 30)).days)
    return born.strftime(chance.choice(_DATES))


def _postcode(chance: random.Random) -> str:
    area = chance.choice(("SW1A", "M1", "LS14", "B33", "CF10", "EH3", "BT7", "AB21", "E1W", "ZZ99"))
    inward = f"{chance.randrange(10)}{chance.choice(_LETTERS)}{chance.choice(_LETTERS)}"
    return chance.choice((f"{area} {inward}", f"{area}{inward}".lower()))


def _identifiers(chance: random.Random) -> tuple[tuple[str, str], ...]:
    found = []
    if chance.random() < 0.2:
        digits = [chance.randrange(10) for _ in range(9)]
        check = (
            -sum(place * digit for place, digit in zip(range(10, 1, -1), digits, strict=True)) % 11
        )
        found.append(("nhs", "".join(map(str, digits)) + str(min(check, 9))))
    if chance.random() < 0.2:
        year, serial = f"{chance.randrange(100):02}", f"{chance.randrange(1, 10**7):07}"
        found.append(("pnc", f"20{year}/{serial}{_CHECK_LETTERS[int(year + serial) % 23]}"))
    if chance.random() < 0.2:
        found.append(("nin", f"AB {chance.randrange(10**6):06} C"))
    return tuple(found)
