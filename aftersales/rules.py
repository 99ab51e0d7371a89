"""The merchant's thresholds that every shop starts with (RV-2): a short decision table, first match wins.

Rules that merchants write themselves will replace :data:`THRESHOLDS`; the function that reads the table stays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aftersales.case import Kind
from aftersales.decision import Decision, Finding, Outcome, Source, Verdict, judge
from aftersales.money import Money
from aftersales.vertical import Facts

VERSION = "built-in-1"


@dataclass(frozen=True, slots=True)
class Threshold:
    """One row: when ``applies`` says yes to the facts and the amount, the outcome is this one."""

    rule: str
    outcome: Outcome
    reason: str
    applies: Callable[[Facts, Money], bool]


def _unverified_claim(facts: Facts, amount: Money) -> bool:
    return facts.kind is Kind.CLAIM and not any(
        f.source is Source.MODEL and f.verdict is Verdict.PASS and f.check.endswith(".spoilage") for f in facts.findings
    )


THRESHOLDS: tuple[Threshold, ...] = (
    Threshold(
        "merchant.not_shipped",
        Outcome.APPROVE,
        "Nothing has been shipped, and only the money is asked back.",
        lambda facts, amount: facts.kind is Kind.REFUND_ONLY and facts.order.shipped_at is None,
    ),
    Threshold(
        "merchant.unverified_claim",
        Outcome.PERSON,
        "The evidence of a claim has not been verified.",
        _unverified_claim,
    ),
    Threshold(
        "merchant.two_persons",
        Outcome.TWO_PERSONS,
        "The amount needs a second approver.",
        lambda facts, amount: amount.minor > facts.merchant.two_persons_above_minor,
    ),
    Threshold(
        "merchant.small_amount",
        Outcome.APPROVE,
        "The amount is small enough to be approved at once.",
        lambda facts, amount: amount.minor <= facts.merchant.small_minor,
    ),
    Threshold(
        "merchant.verified_claim",
        Outcome.APPROVE,
        "The evidence of the claim is verified.",
        lambda facts, amount: facts.kind is Kind.CLAIM,
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
    return Decision(Outcome.PERSON, "merchant.person", "No rule decides this alone.", findings, rules_version=VERSION)
