"""Replay: a decision made again from what is stored of it alone: its findings, its version of the rules, and what they had seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from aftersales.decision import Outcome, Past, Word, judge
from aftersales.errors import Invalid
from aftersales.ruling.fact import Fact, FactType, Figures, Plain
from aftersales.ruling.result import Result
from aftersales.ruling.table import Table

#: What is stored of a fact: an amount as its digits.
Stored = str | int | bool | None

#: How facts are stored, where not as texts.
_HELD: dict[FactType, tuple[type, ...]] = {FactType.WHOLE: (int,), FactType.YES_NO: (bool,), FactType.AMOUNT: (str, int)}

#: The rule of a decision by a table that could not be run.
BROKEN = "rules.broken"


@dataclass(frozen=True, slots=True)
class Again:
    """What the rules say; ``row`` (from 1) and its ``result`` where one held, else 0 and None."""

    word: Word
    row: int = 0
    result: Result | None = None


def plain(value: Plain) -> Stored:
    """A fact as it is stored."""
    return f"{value:f}" if isinstance(value, Decimal) else value


def seen(table: Table, stored: Sequence[Stored]) -> Figures:
    """The facts that a table saw. Raises Invalid where they are not those that it looks at."""
    facts = list(dict.fromkeys(column.fact for column in table.columns))
    if len(facts) != len(stored):
        raise Invalid("A decision did not see what its rules look at.", expected=len(facts), found=len(stored))
    return {fact.name: _read(fact, value) for fact, value in zip(facts, stored, strict=True)}


def _read(fact: Fact, value: Stored) -> Plain:
    if value is None and fact.unknown:
        return None
    if type(value) not in _HELD.get(fact.type, (str,)):
        raise Invalid("A decision saw a fact that cannot be.", fact=fact.name, found=str(value)[:60])
    if fact.type is not FactType.AMOUNT:
        return value
    try:
        found = Decimal(str(value))
    except ArithmeticError:
        found = Decimal("NaN")
    if not found.is_finite():
        raise Invalid("A decision saw an amount that is no number.", fact=fact.name, found=str(value)[:60])
    return found


def again(table: Table, past: Past) -> Again:
    """What the rules say of it, as they did then. Raises Invalid where what they had seen is not what the table looks at."""
    forced = judge(past.spoke)
    if forced is not None:
        return Again(Word(forced.outcome, forced.rule, forced.reason))
    if past.said is not None and past.said.rule == BROKEN:
        return Again(Word(Outcome.PERSON, BROKEN, past.said.reason))  # nothing could be run: a person
    row = table.first(seen(table, past.seen))
    result = table.rows[row].result
    word = Word(result.outcome, result.rule or f"rules.row_{row + 1}", result.reason or f"ruling.{result.outcome}")
    return Again(word, row + 1, result)
