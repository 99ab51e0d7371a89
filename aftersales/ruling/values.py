"""Sets of values that one cell admits, exact: so that whether a row can ever fire is computed, not guessed.

Numbers are whole steps: of a count one step is 1, of an amount a thousandth of the main unit (no currency is finer).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from aftersales.ruling.fact import Fact, FactType, Plain

#: Beyond every number that a cell may name.
END = 10**18
#: Steps of an amount's main unit.
STEPS = 1000

Span = tuple[int, int]  # both ends included


@dataclass(frozen=True, slots=True)
class Spans:
    """Numbers in these spans, which are sorted and apart; ``null``: also "not known"."""

    spans: tuple[Span, ...]
    null: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing is in it."""
        return not self.spans and not self.null

    @property
    def size(self) -> int:
        """How long it is to write down."""
        return len(self.spans)

    def has(self, value: Plain) -> bool:
        """Whether the number (in steps) or None is in it."""
        if value is None:
            return self.null
        return isinstance(value, int) and any(low <= value <= high for low, high in self.spans)

    def both(self, other: Spans) -> Spans:
        """What is in both."""
        found: list[Span] = []
        mine, theirs = iter(self.spans), iter(other.spans)
        one, two = next(mine, None), next(theirs, None)
        while one and two:
            low, high = max(one[0], two[0]), min(one[1], two[1])
            if low <= high:
                found.append((low, high))
            if one[1] < two[1]:
                one = next(mine, None)
            else:
                two = next(theirs, None)
        return Spans(tuple(found), self.null and other.null)

    def less(self, other: Spans) -> Spans:
        """What is in this one alone."""
        return self.both(Spans(_between(other.spans), not other.null))

    def either(self, other: Spans) -> Spans:
        """What is in one of them."""
        return Spans(_joined((*self.spans, *other.spans)), self.null or other.null)


@dataclass(frozen=True, slots=True)
class Names:
    """These values, or all but these. None stands among them as "not known"."""

    names: frozenset[str | bool | None]
    but: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing is in it; of texts all but some always holds one."""
        return not self.names and not self.but

    @property
    def size(self) -> int:
        """How long it is to write down."""
        return len(self.names)

    def has(self, value: Plain) -> bool:
        """Whether it is in it."""
        return (value in self.names) is not self.but

    def both(self, other: Names) -> Names:
        """What is in both."""
        if self.but and other.but:
            return Names(self.names | other.names, but=True)
        if self.but or other.but:
            some, all_but = (other, self) if self.but else (self, other)
            return Names(some.names - all_but.names)
        return Names(self.names & other.names)

    def less(self, other: Names) -> Names:
        """What is in this one alone."""
        return self.both(Names(other.names, not other.but))

    def either(self, other: Names) -> Names:
        """What is in one of them."""
        opposite = Names(self.names, not self.but).both(Names(other.names, not other.but))
        return Names(opposite.names, not opposite.but)


Values = Spans | Names


@cache
def everything(fact: Fact) -> Values:
    """All that the fact can be."""
    if fact.is_number:
        return Spans(((0, END),), null=fact.unknown)
    if fact.type is FactType.TEXT:
        return Names(frozenset() if fact.unknown else frozenset({None}), but=True)
    known: tuple[str | bool, ...] = (True, False) if fact.type is FactType.YES_NO else fact.values
    return Names(frozenset({*known, None} if fact.unknown else known))


def both(one: Values, other: Values) -> Values:
    """What is in both; they are of one fact."""
    if isinstance(one, Spans):
        assert isinstance(other, Spans)
        return one.both(other)
    assert isinstance(other, Names)
    return one.both(other)


def less(one: Values, other: Values) -> Values:
    """What is in ``one`` alone; they are of one fact."""
    if isinstance(one, Spans):
        assert isinstance(other, Spans)
        return one.less(other)
    assert isinstance(other, Names)
    return one.less(other)


def either(one: Values, other: Values) -> Values:
    """What is in one of them; they are of one fact."""
    if isinstance(one, Spans):
        assert isinstance(other, Spans)
        return one.either(other)
    assert isinstance(other, Names)
    return one.either(other)


def steps(fact: Fact, value: Plain) -> Plain:
    """The value as sets hold it: amounts in steps, everything else as it is. A number between two steps is cut to the lower one."""
    if fact.type is FactType.AMOUNT and isinstance(value, Decimal | int) and not isinstance(value, bool):
        return int(value * STEPS)
    return value


def _between(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """Every number that is in none of the spans."""
    found, low = [], -END
    for start, end in spans:
        if low < start:
            found.append((low, start - 1))
        low = end + 1
    return (*found, (low, END)) if low <= END else tuple(found)


def _joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    found: list[Span] = []
    for low, high in sorted(spans):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return tuple(found)
