"""A scheme's keys never change: not by our code, not by a library's upgrade, not by a table's."""

from collections import Counter

from agency_connector.matching.scheme import NAME_KINDS
from tests.agency_connector.matching import golden
from tests.agency_connector.matching.fictional_people import people


def test_every_key_of_the_scheme_is_what_it_was() -> None:
    """If this fails, make a new scheme; never new vectors for this one."""
    changed = [v.particulars for v in golden.stored() if golden.vector(v.particulars) != v]
    assert not changed, f"{len(changed)} people have other keys than before"


def test_the_vectors_are_those_of_the_seeded_people_and_cover_every_kind() -> None:
    """Nobody can drop an awkward vector quietly."""
    stored = golden.stored()
    assert [v.particulars for v in stored] == list(people())
    kinds = Counter(kind for v in stored for kind, _ in v.keys)
    assert len(stored) >= 3000
    assert set(kinds) >= {kind.name for kind in NAME_KINDS}
    assert sum(not v.particulars.given.isascii() for v in stored) > 100
