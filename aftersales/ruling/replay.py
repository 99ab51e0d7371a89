"""Replay: a decision made again from what is stored of it alone: its findings, its version of the rules, and what they had seen."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from aftersales.decision import Decision, Outcome, Word, judge
from aftersales.errors import Invalid
from aftersales.ruling.fact import FactType, Figures, Plain
from aftersales.ruling.table import Table

#: What is stored of a fact: an amount as its digits.
Stored = str | int | bool | None


def plain(value: Plain) -> Stored:
    """A fact as it is stored."""
    return f"{value:f}" if isinstance(value, Decimal) else value


def seen(table: Table, stored: Sequence[Stored]) -> Figures:
    """The facts that a table saw. Raises Invalid where they are not as many as it looks at."""
    facts = list(dict.fromkeys(column.fact for column in table.columns))
    if len(facts) != len(stored):
        raise Invalid("A decision did not see what its rules look at.", expected=len(facts), found=len(stored))
    pairs = zip(facts, stored, strict=True)
    return {f.name: Decimal(str(v)) if f.type is FactType.AMOUNT and v is not None else v for f, v in pairs}


def again(table: Table, decision: Decision) -> Word:
    """What the rules say of it, as they did then."""
    forced = judge(decision.findings)
    if forced is not None:
        return Word(forced.outcome, forced.rule, forced.reason)
    if not decision.row:
        return Word(Outcome.PERSON, decision.word.rule, decision.word.reason)  # nothing could be run: a person
    row = table.first(seen(table, decision.seen))
    result = table.rows[row].result
    return Word(result.outcome, result.rule or f"rules.row_{row + 1}", result.reason or f"ruling.{result.outcome}")
