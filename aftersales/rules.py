"""The merchant's thresholds that every shop starts with (RV-2): a short decision table, first match wins.

Rules that merchants write themselves will replace :data:`THRESHOLDS`; the function that reads the table stays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aftersales.case import Kind
from aftersales.decision import Decision, Finding, Outcome, Source, Verdict, judge
from aftersales.lookup import ASKED
from aftersales.money import Money
from aftersales.vertical import Facts

VERSION = "built-in-1"

#: The row by which one click pays (``functions.oneclick``); a row of a merchant's own table that is called so does the same.
SMALL = "merchant.small_amount"


@dataclass(frozen=True, slots=True)
class Threshold:
    """One row: when ``applies`` says yes to the facts and the amount, the outcome is this one. ``reason`` is a text key."""

    rule: str
    outcome: Outcome
    reason: str
    applies: Callable[[Facts, Money], bool]


def _seen(facts: Facts) -> bool:
    """Whether verification saw the flaw that is claimed."""
    passed = (f for f in facts.findings if f.source is Source.MODEL and f.verdict is Verdict.PASS)
    return any(f.check.endswith(".spoilage") for f in passed)


def _kept(facts: Facts) -> bool:
    """Whether outside systems keep everything that is asked about as it is until the money is out."""
    held = {said.line_id for said in facts.lookups if said.held and said.status != ASKED}
    return bool(facts.items) and {item.line_id for item in facts.items} <= held


THRESHOLDS: tuple[Threshold, ...] = (
    Threshold(
        "merchant.not_shipped",
        Outcome.APPROVE,
        "threshold.not_shipped",
        lambda facts, _: facts.kind is Kind.REFUND_ONLY and not facts.order.is_shipped,
    ),
    Threshold(
        "merchant.unverified_claim",
        Outcome.PERSON,
        "threshold.unverified_claim",
        lambda facts, _: facts.kind is Kind.CLAIM and not facts.self_evident and not _seen(facts),
    ),
    Threshold(
        "merchant.two_persons",
        Outcome.TWO_PERSONS,
        "threshold.two_persons",
        lambda facts, amount: facts.merchant.needs_two(amount),
    ),
    Threshold(
        SMALL,
        Outcome.APPROVE,
        "threshold.small_amount",
        lambda facts, amount: facts.merchant.is_small(amount),
    ),
    Threshold(
        "merchant.verified_claim",
        Outcome.APPROVE,
        "threshold.verified_claim",
        lambda facts, _: facts.kind is Kind.CLAIM,
    ),
    Threshold(
        "merchant.kept",
        Outcome.APPROVE,
        "threshold.kept",
        lambda facts, _: facts.kind is Kind.REFUND_ONLY and _kept(facts),
    ),
)


def decide(facts: Facts, findings: tuple[Finding, ...], amount: Money) -> Decision:
    """The decision on a case: what the findings force, else the first threshold that applies, else a person."""
    forced = judge(findings)
    if forced:
        return Decision(forced.outcome, forced.rule, forced.reason, forced.findings, rules_version=VERSION)
    for row in THRESHOLDS:
        if row.applies(facts, amount):
            return Decision(row.outcome, row.rule, row.reason, findings, rules_version=VERSION)
    return Decision(Outcome.PERSON, "merchant.person", "threshold.person", findings, rules_version=VERSION)
