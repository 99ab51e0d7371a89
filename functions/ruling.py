"""Ruling: what the rules in force for a case say of it: the merchant's own where it wrote some, else those every shop starts with.

A case keeps the version that was in force when it was handed in. A table that cannot be run
hurts its own merchant alone: a person decides, and silence does not (``functions.unjudged``).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache

from aftersales.case import Case
from aftersales.decision import Decision, Finding, Outcome, Word
from aftersales.errors import Invalid
from aftersales.money import Money
from aftersales.quote import weight
from aftersales.registry import Registry
from aftersales.remedy import Remedy
from aftersales.rules import decide
from aftersales.ruling import standard
from aftersales.ruling.book import BUILT_IN
from aftersales.ruling.figure import figures
from aftersales.ruling.replay import BROKEN, plain
from aftersales.ruling.ruled import Ruled, ruled
from aftersales.ruling.table import Table
from aftersales.vertical import Facts, Offer
from functions import guard

log = logging.getLogger(__name__)

PREFIX = "rules-"  # of what a decision by a merchant's version says it was decided by (RuleSet.name)


@dataclass(frozen=True, slots=True)
class Said:
    """A decision; ``amount`` is what a yes pays where a row gives less than the case's amount, else None."""

    decision: Decision
    amount: Money | None = None


def version_of(registry: Registry, case: Case, facts: Facts) -> int:
    """The version of the merchant's rules that holds for the case."""
    if registry.tables is None:
        return BUILT_IN
    if case.rules:
        return case.rules
    before = case.decision
    if before is not None and (before.rules_version.startswith(PREFIX) or before.by == "system"):
        return number_of(before.rules_version)
    return registry.rules.book(case.merchant).at(facts.applied_at)


def marked(registry: Registry, case: Case, now: datetime) -> Case:
    """A case that is handed in, marked with the version in force: whoever judges it, in whatever process, goes by that."""
    if registry.tables is None or case.rules or case.decision is not None:
        return case
    version = registry.rules.book(case.merchant).at(now)
    return replace(case, rules=version) if version != BUILT_IN else case


def number_of(name: str) -> int:
    """The version that a decision names."""
    return int(name.removeprefix(PREFIX)) if name.startswith(PREFIX) else BUILT_IN


def said_of(registry: Registry, case: Case, offer: Offer, facts: Facts, findings: tuple[Finding, ...]) -> Said:
    """What the rules say of the case with these findings."""
    amount = weight(facts, offer.remedy, case.payable)
    version = version_of(registry, case, facts)
    if version == BUILT_IN:
        return Said(_noted(decide(facts, findings, amount), facts, amount))
    try:
        table = registry.rules.table(case.merchant, version)
    except Invalid as error:
        log.error("rules %s of %s cannot be read: %s", version, case.merchant, error.message)  # noqa: TRY400  # no trace wanted
        return Said(broken(findings, f"{PREFIX}{version}"))
    return _said(case, offer, run(registry, table, f"{PREFIX}{version}", facts, findings, amount), table)


def run(registry: Registry, table: Table, name: str, facts: Facts, findings: tuple[Finding, ...], amount: Money) -> Ruled:
    """What the table says; where its engine breaks or takes too long, that a person decides."""
    engine = registry.tables
    assert engine is not None, "a table is run where there is an engine"
    try:
        return guard.within(lambda: ruled(engine, table, name, facts, findings, amount))
    except guard.Broke as broke:
        log.error("the tables of %s broke: %s", facts.merchant.merchant, broke.name)  # noqa: TRY400  # no trace wanted
        return Ruled(broken(findings, name), amount, None, {})


def broken(findings: tuple[Finding, ...], name: str) -> Decision:
    """The decision where a table cannot be run."""
    return Decision(Outcome.PERSON, BROKEN, "ruling.broken", findings, rules_version=name)


def asks_two(decision: Decision | None) -> bool:
    """Whether a row of the merchant's own asks for two persons, whatever the amount."""
    return decision is not None and decision.rules_version.startswith(PREFIX) and decision.word.outcome is Outcome.TWO_PERSONS


def overruled(before: Decision | None, decision: Decision) -> Decision:
    """A person's decision, with what the rules had said and had seen beside it, and its own findings after theirs."""
    if before is None:
        return replace(decision, added=len(decision.findings))
    return replace(
        decision,
        findings=(*before.findings, *decision.findings),
        rules_version=before.rules_version or decision.rules_version,
        row=before.row,
        seen=before.seen,
        ruled=before.past.said,
        priced_minor=before.priced_minor,
        added=before.added + len(decision.findings),
    )


def with_finding(before: Decision, found: Finding) -> Decision:
    """The same decision with what was found since."""
    return replace(before, findings=(*before.findings, found), added=before.added + 1)


# --- inside -----------------------------------------------------------------------------------------------------------
def _noted(decision: Decision, facts: Facts, amount: Money) -> Decision:
    """A decision by the built-in rules, with what they saw of the case."""
    row = _rows().get(decision.rule)
    if row is None:  # findings decided
        return decision
    seen = figures(facts, decision.findings, amount)
    return replace(decision, row=row, seen=tuple(plain(seen[name]) for name in standard.table().names))


def _said(case: Case, offer: Offer, found: Ruled, table: Table) -> Said:
    """The decision with its row, and the amount, where the row gives less.

    What is given in place of money cannot be given in part, nor what is owed on top of the amount: a person decides.
    """
    decision = found.decision
    if found.row is None:
        return Said(replace(decision, seen=tuple(plain(value) for value in found.figures.values())))
    decision = replace(decision, row=found.row, seen=tuple(plain(found.figures[name]) for name in table.names))
    result = table.rows[found.row - 1].result
    word = Word(result.outcome, decision.rule, result.reason or f"ruling.{result.outcome}")
    if decision.outcome is not result.outcome:
        return Said(replace(decision, ruled=word))
    limited = result.up_to is not None or result.share_percent is not None
    if decision.outcome is not Outcome.APPROVE or not limited or case.approvals:
        return Said(decision)  # what was approved before stands: no share of a share
    if offer.remedy is not Remedy.MONEY or case.beyond_minor:
        return Said(replace(decision, outcome=Outcome.PERSON, reason="ruling.in_kind", ruled=word))
    if found.amount >= case.amount:
        return Said(decision)
    return Said(replace(decision, priced_minor=case.amount.minor), found.amount)


@cache
def _rows() -> dict[str, int]:
    """The rows of the built-in rules by name."""
    return {row.result.rule: number for number, row in enumerate(standard.table().rows, 1)}
