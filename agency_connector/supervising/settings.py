"""`[supervision]` of connector.toml: how many checks are drawn, and what raises a red flag."""

from typing import Annotated

from msgspec import Meta, Struct


class SupervisionSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`sample_of_day` checks of each day are drawn; the page looks back `days_back` days.

    A red flag: one person checked `repeats` times by one officer without a case reference;
    `burst_checks` checks by one officer within `burst_minutes`; `without_contact` checks by one
    officer that found a team and were not followed by contact for `contact_hours`; 0 switches each
    off. So do `own_surname` and `colleagues` for theirs.
    """

    sample_of_day: Annotated[int, Meta(ge=0, le=100)] = 5
    days_back: Annotated[int, Meta(ge=1, le=31)] = 7
    own_surname: bool = True
    colleagues: bool = True
    repeats: Annotated[int, Meta(ge=0, le=1_000)] = 3
    burst_checks: Annotated[int, Meta(ge=0, le=10_000)] = 20
    burst_minutes: Annotated[int, Meta(ge=1, le=1_440)] = 10
    without_contact: Annotated[int, Meta(ge=0, le=1_000)] = 5
    contact_hours: Annotated[int, Meta(ge=1, le=720)] = 24
