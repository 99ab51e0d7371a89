"""Judging a case: the trade's rules, the evidence's findings, the merchant's thresholds, one decision that is kept whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from aftersales.case import Approval, Event
from aftersales.change import Change
from aftersales.decision import Decision, Finding, Outcome
from aftersales.errors import OverRefund
from aftersales.ports import CaseFile, OrderFile
from aftersales.registry import Registry
from aftersales.rules import decide
from functions import reading
from functions.payout import facts_of, follow, offer_of, timeouts

#: Which event a decision is. Two persons begin with one.
EVENTS: dict[Outcome, Event] = {
    Outcome.APPROVE: Event.APPROVED,
    Outcome.REJECT: Event.REJECTED,
    Outcome.ASK_EVIDENCE: Event.EVIDENCE_ASKED,
    Outcome.PERSON: Event.PERSON_ASKED,
    Outcome.TWO_PERSONS: Event.PERSON_ASKED,
}


def judge(registry: Registry, change: Change, file: CaseFile, order: OrderFile, now: datetime) -> Change:
    """The change with the case decided on everything that is known now, and with what follows from it.

    ``file.evidence`` is the evidence as it stands with this change.
    """
    case = change.case
    assert case is not None
    facts = facts_of(registry, replace(file, case=case), order, now)
    offer = offer_of(registry, case)
    findings: tuple[Finding, ...] = tuple(rule(facts) for rule in (*offer.when, *offer.rules)) + _unmarked(facts.findings)
    findings += reading.findings_of(registry, case)
    decision = decide(facts, findings, case.amount)
    try:
        return decided(registry, change, order, decision, now)
    except OverRefund:  # the money went back another way: no rule decides what is to be done then
        asked = replace(decision, outcome=Outcome.PERSON, rule="merchant.uncovered", reason="threshold.uncovered")
        return decided(registry, change, order, asked, now)


def _unmarked(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings without their regions, which stay with the photo: a case is written often, and paid for by its size."""
    return tuple(replace(f, regions=()) for f in findings)


def decided(registry: Registry, change: Change, order: OrderFile, decision: Decision, now: datetime) -> Change:
    """The change with this decision on record and carried out as far as that needs nobody outside."""
    assert change.case is not None
    approved = decision.outcome is Outcome.APPROVE
    approvals = change.case.approvals + ((Approval(decision.by, now, change.case.amount, decision.reason),) if approved else ())
    change = change.with_case(decision=decision, approvals=approvals)
    case = change.case
    assert case is not None
    change = change.then(
        EVENTS[decision.outcome],
        decision.by,
        now,
        timeouts(registry, case),
        rule=decision.rule,
        reason=decision.reason,
        rules_version=decision.rules_version,
        amount_minor=case.amount.minor,
    )
    return follow(registry, change, order, decision.by, now)
