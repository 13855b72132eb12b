"""What came of a round, and the calm table of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Expectation:
    """Something that must hold, in words, and whether it did."""

    told: str
    held: bool


@dataclass(frozen=True, slots=True)
class Round:
    """A round: how many guesses were compared, how many people were found, of how many.

    A search for canaries has no number and counts strings instead of people.
    """

    number: int | None
    title: str
    compared: int
    found: int
    of: int
    lines: list[str] = field(default_factory=list)
    expectations: list[Expectation] = field(default_factory=list)

    def tell(self, line: str) -> None:
        """Add a line of the account."""
        self.lines.append(line)

    def expect(self, told: str, held: bool) -> None:
        """Add what must hold."""
        self.expectations.append(Expectation(told, held))

    @property
    def as_expected(self) -> bool:
        """Whether everything that must hold did."""
        return bool(self.expectations) and all(one.held for one in self.expectations)


def plural(number: int, word: str) -> str:
    """Return a number with its word: `1 pair`, `2 pairs`."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def account(rounds: Sequence[Round]) -> str:
    """Return the whole account: a table, then each round's lines and expectations."""
    lines = [f"{'round':<7}{'the thief has':<64}{'guesses':>12}{'found':>16}"]
    for told in rounds:
        number = "-" if told.number is None else str(told.number)
        found = f"{told.found:,} of {told.of:,}" if told.of else f"{told.found:,}"
        lines.append(f"{number:<7}{told.title:<64}{told.compared:>12,}{found:>16}")
    for told in rounds:
        name = told.title if told.number is None else f"Round {told.number}: {told.title}"
        lines += ["", name]
        lines += [f"    {line}" for line in told.lines]
        for one in told.expectations:
            lines.append(f"    {'ok ' if one.held else 'WRONG'} {one.told}")
    return "\n".join(lines)
