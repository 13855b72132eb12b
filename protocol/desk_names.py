"""Words that may not stand in the name of a desk, because they tell what a person is known for.

A desk's name is shown to whoever finds a flag, so it must not name a category of person, offence,
illness or need. The list is short on purpose: it stops the obvious, and the steward reads the
rest. A desk that needs such a name is a hidden desk. Agencies and index apply the same list.
"""

import re
import unicodedata
from typing import Final

# Words and phrases, singular, lower case. What a team does for everybody (safeguarding, front
# desk, duty, custody, housing) is not among them.
_PHRASES: Final = frozenset(
    {
        # harm and those who suffer or do it
        "abuse", "abuser", "violence", "domestic", "victim", "survivor", "witness",
        "perpetrator", "offender", "offending", "rape", "sexual", "sex", "stalking",
        "harassment", "honour based", "forced marriage", "fgm", "trafficking", "slavery",
        "exploitation", "refuge", "marac", "mappa", "idva", "isva", "visor", "hate crime",
        # drugs, drink, gambling
        "drug", "alcohol", "substance", "addiction", "rehab", "rehabilitation", "methadone",
        "needle", "gambling",
        # health
        "mental", "psychiatric", "psychiatry", "psychosis", "suicide", "self harm",
        "eating disorder", "hiv", "aids", "gum", "abortion", "pregnancy", "maternity",
        "perinatal", "dementia", "memory clinic", "autism", "learning disability", "disability",
        # crime and order
        "gang", "terror", "terrorism", "extremism", "radicalisation", "prevent", "fraud",
        "burglary", "robbery", "arson", "firearm", "weapon", "knife", "antisocial",
        "anti social", "asb", "nuisance", "youth justice", "youth offending", "prison",
        "parole", "bail", "tagging",
        # need
        "homeless", "homelessness", "rough sleeper", "rough sleeping", "eviction", "arrears",
        "debt", "asylum", "immigration", "refugee", "child protection", "looked after",
        "care leaver", "missing person", "runaway", "truancy", "exclusion",
    }
)  # fmt: skip
_LONGEST: Final = max(len(phrase.split()) for phrase in _PHRASES)
_WORD: Final = re.compile(r"[a-z0-9]+")


def category_word(name: str) -> str | None:
    """Return the word or phrase of the list that stands in `name`, or None if there is none.

    Case, accents, punctuation and a plural s do not matter; only whole words count.
    """
    plain = unicodedata.normalize("NFKD", name).casefold()
    plain = "".join(c for c in plain if not unicodedata.combining(c)).replace("'", "")
    words = _WORD.findall(plain)
    for length in range(_LONGEST, 0, -1):
        for start in range(len(words) - length + 1):
            phrase = " ".join(words[start : start + length])
            for form in (phrase, phrase.removesuffix("s")):
                if form in _PHRASES:
                    return form
    return None
