"""What an agency writes down about whom it may flag: one policy for each source."""

from collections.abc import Collection
from datetime import date
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from schemas.fields import DeskId

MAX_LIFE_DAYS: Final = 730
"""The longest a flag may live after its latest dated fact, in days."""
ADULT_AGE: Final = 18

HOW_TO_WRITE: Final = (
    "there is no policy, and without one nothing is published: below this source add a table "
    "[sources.policy] with open_status, longest_life_days, lawful_basis and desk, and a table "
    "[sources.policy.roles] (docs/policy.md shows one)"
)

Role = Literal["subject", "victim", "witness", "reporter", "other"]
ProtectedRole = Literal["victim", "witness", "reporter"]

Value = Annotated[str, Meta(min_length=1, max_length=200)]
"""A value as it stands in the source; compared without regard to case and outer spaces."""
Values = Annotated[tuple[Value, ...], Meta(min_length=1)]
Note = Annotated[str, Meta(min_length=3, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
BasisCode = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9.()-]{1,63}\Z")]
"""A lawful basis by its short code, such as `uk-gdpr-6-1-e` or `dpa-2018-s35-2-b`."""


def folded(value: str) -> str:
    """Return a source's value in the form in which values are compared."""
    return " ".join(value.split()).casefold()


class Categories(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which categories of case may be flagged (`include`), which may not, and desks of their own.

    `exclude` wins over `include`; without `include` every category not excluded may be flagged.
    """

    include: tuple[Value, ...] = ()
    exclude: tuple[Value, ...] = ()
    desks: dict[Value, DeskId] = {}

    def __post_init__(self) -> None:
        """Raise ValueError if the table says nothing or contradicts itself."""
        if not (self.include or self.exclude or self.desks):
            raise ValueError("give include, exclude or desks, or remove this table")
        excluded = {folded(value) for value in self.exclude}
        if excluded & {folded(value) for value in (*self.include, *self.desks)}:
            raise ValueError("a category is excluded and also included or given a desk")
        if _repeats(self.desks):
            raise ValueError("desks names one category twice, in different letters")


class Protected(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The members' approval to flag people who are otherwise never flagged.

    `agreed` are the values of the column `agreed` that mean the person agreed; `not_asked` those
    that are a recorded reason why they were not asked. Every other value withholds the row.
    """

    approval: Note
    lawful_basis: BasisCode
    hidden_desk: DeskId
    roles: tuple[ProtectedRole, ...] = ()
    under_18: bool = False
    agreed: tuple[Value, ...] = ()
    not_asked: tuple[Value, ...] = ()

    def __post_init__(self) -> None:
        """Raise ValueError if nobody is approved or no value could show the person's agreement."""
        if not self.roles and not self.under_18:
            raise ValueError("approve somebody: give roles or under_18 = true, or remove the table")
        if not self.agreed and not self.not_asked:
            raise ValueError("give agreed or not_asked: the values of the column agreed")
        if {folded(v) for v in self.agreed} & {folded(v) for v in self.not_asked}:
            raise ValueError("a value stands in both agreed and not_asked")


class Policy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom one source may flag, for how long, on what ground, and which desk answers.

    `longest_life_days`: days from the latest dated fact to the flag's end. `minimum_age`: years.
    `roles`: the source's role values and what each means. `row_lawful_bases`: the values that the
    column `lawful_basis` may have, where the source has that column.
    """

    open_status: Values
    longest_life_days: Annotated[int, Meta(ge=1, le=MAX_LIFE_DAYS)]
    lawful_basis: BasisCode
    desk: DeskId
    minimum_age: Annotated[int, Meta(ge=0, le=120)] = ADULT_AGE
    roles: dict[Value, Role] = {}
    categories: Categories | None = None
    row_lawful_bases: tuple[BasisCode, ...] = ()
    holds_no_protected_roles: bool = False
    declared_by: Note | None = None
    declared_on: date | None = None
    protected: Protected | None = None

    def __post_init__(self) -> None:
        """Raise ValueError, saying what to do, if the rules contradict each other."""
        if _repeats(self.roles):
            raise ValueError("roles names one value twice, in different letters")
        if self.holds_no_protected_roles:
            if self.declared_by is None or self.declared_on is None:
                raise ValueError(
                    "holds_no_protected_roles is a declaration of the source's owner: add "
                    "declared_by (who, by office) and declared_on (a date)"
                )
            if self.roles:
                raise ValueError(
                    "roles and holds_no_protected_roles exclude each other: keep roles if the "
                    "source says the role of the person"
                )
        elif self.declared_by is not None or self.declared_on is not None:
            raise ValueError("declared_by and declared_on go with holds_no_protected_roles = true")
        approved = self.protected is not None and self.protected.under_18
        if self.minimum_age < ADULT_AGE and not approved:
            raise ValueError(
                "minimum_age below 18 needs the members' approval: add [sources.policy.protected] "
                "with under_18 = true"
            )
        if approved and self.minimum_age >= ADULT_AGE:
            raise ValueError("protected.under_18 has no effect: set a minimum_age below 18")

    def visible_desks(self) -> frozenset[str]:
        """Return the desks at which ordinary flags stand (some may be hidden desks too)."""
        return frozenset((self.desk, *(self.categories.desks.values() if self.categories else ())))

    def hidden_desks(self) -> frozenset[str]:
        """Return the desks that must be registered as hidden before anything is published."""
        return frozenset((self.protected.hidden_desk,) if self.protected else ())


def _repeats(values: Collection[str]) -> bool:
    return len({folded(value) for value in values}) != len(values)
