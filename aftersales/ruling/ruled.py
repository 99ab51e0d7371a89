"""A decision by a merchant's table. What findings force comes first: no table pays against a fact, or past a doubt."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from aftersales.decision import Decision, Finding, Outcome, judge
from aftersales.errors import AftersalesError
from aftersales.money import Money
from aftersales.ports import TableEngine
from aftersales.ruling.fact import Figures
from aftersales.ruling.figure import figures
from aftersales.ruling.table import Fired, Table
from aftersales.vertical import Facts

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ruled:
    """The decision, the amount that it approves (all of it where the row says nothing), and what it rests on.

    ``row`` counts from 1; it is None where findings decided, or the table could not be run. ``figures`` are what the table saw.
    """

    decision: Decision
    amount: Money
    row: int | None
    figures: Figures


def ruled(engine: TableEngine, table: Table, version: str, facts: Facts, findings: tuple[Finding, ...], amount: Money) -> Ruled:
    """What findings force, else what the first row that holds says. A table that cannot be run asks a person."""
    forced = judge(findings)
    if forced:
        decision = Decision(forced.outcome, forced.rule, forced.reason, forced.findings, rules_version=version)
        return Ruled(decision, amount, None, {})
    seen = figures(facts, findings, amount)
    try:
        fired = engine.run(table, seen)
    except AftersalesError as error:
        log.error("a table of rules could not be run: %s", error.message)  # noqa: TRY400  # no trace wanted
        decision = Decision(Outcome.PERSON, "rules.broken", "ruling.broken", findings, rules_version=version)
        return Ruled(decision, amount, None, table.seen(seen))
    return _ruled(table, fired, version, facts, findings, amount, seen)


def _ruled(
    table: Table, fired: Fired, version: str, facts: Facts, findings: tuple[Finding, ...], amount: Money, seen: Figures
) -> Ruled:
    result, row = table.rows[fired.row].result, fired.row + 1
    awarded = result.awarded(amount, facts.merchant.currency)
    rule = result.rule or f"rules.row_{row}"
    if awarded is None:
        decision = Decision(Outcome.PERSON, rule, "ruling.other_currency", findings, rules_version=version)
        return Ruled(decision, amount, row, table.seen(seen))
    reason = result.reason or f"ruling.{result.outcome}"
    return Ruled(Decision(result.outcome, rule, reason, findings, rules_version=version), awarded, row, table.seen(seen))
