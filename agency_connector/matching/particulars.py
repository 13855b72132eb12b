"""What an officer typed or a source holds about one person, before anything is made of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Particulars:
    """Identifying fields as text, exactly as typed or read; an empty string where there is none.

    Give either `given`, `middle` and `family`, or `full_name`; the parts win where both are
    there. `born` is any text `dates.read` understands. `identifiers` are pairs of a kind
    (`identifiers.KINDS`) and a number. `sex` is kept for the journal: no match key uses it.
    """

    given: str = ""
    middle: str = ""
    family: str = ""
    full_name: str = ""
    born: str = ""
    postcode: str = ""
    sex: str = ""
    identifiers: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        """Name the class only: the values are personal data and repr() ends up in logs."""
        return "Particulars(<withheld>)"
