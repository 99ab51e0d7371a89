"""Judging a case: the trade's rules, the evidence's findings, the merchant's thresholds, one decision that is kept whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from aftersales.case import Approval, Event, State
from aftersales.change import Change
from aftersales.decision import Decision, Finding, Outcome
from aftersales.errors import OverRefund
from aftersales.query import CaseFile, OrderFile
from aftersales.registry import Registry
from aftersales.remedy import Stage
from aftersales.rules import VERSION
from functions import guard, oneclick, reading, risk
from functions.payout import facts_of, follow, is_appealed, offer_of, timeouts
from functions.price import agreed
from functions.ruling import Said, said_of

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
    return _carried_out(registry, change, order, _considered(registry, change, file, order, now), now)


def judge_anew(registry: Registry, change: Change, file: CaseFile, order: OrderFile, now: datetime) -> Change:
    """The same for a case about which something was told since; one that waits for a person keeps waiting unless rules decide now.

    A person who has said yes already, to an amount that needs two, is not overruled.
    """
    case = change.case
    assert case is not None
    failed = case.promise is not None and case.promise.stage in (Stage.FAILED, Stage.MONEY)  # a person decides anew
    waits = case.state is State.REVIEWING and not failed and all(a.by.startswith("system") for a in case.approvals)
    if case.state is not State.VERIFYING and not waits:
        return change
    said = _considered(registry, change, file, order, now)
    if waits and said.decision.outcome not in (Outcome.APPROVE, Outcome.REJECT):
        return change
    return _carried_out(registry, change, order, said, now)


def _considered(registry: Registry, change: Change, file: CaseFile, order: OrderFile, now: datetime) -> Said:
    assert change.case is not None
    return considered(registry, replace(file, case=change.case), order, now)


def considered(registry: Registry, file: CaseFile, order: OrderFile, now: datetime) -> Said:
    """What the rules say of the case as it is; nothing follows from it."""
    case = file.case
    facts, offer = facts_of(registry, file, order, now), offer_of(registry, case)
    vertical = registry.vertical(case.vertical)
    findings = guard.answers(vertical, offer, facts) + _unmarked(facts.findings)
    findings += risk.findings_of(registry, case, facts)
    said = said_of(registry, case, offer, facts, findings + reading.findings_of(registry, case))
    decision = said.decision
    if is_appealed(case) and decision.outcome in (Outcome.APPROVE, Outcome.REJECT):  # somebody else looks, and no rule says either
        asked = replace(decision, outcome=Outcome.PERSON, rule="merchant.appealed", reason="threshold.appealed")
        return Said(replace(asked, ruled=decision.word))
    return said


def _carried_out(registry: Registry, change: Change, order: OrderFile, said: Said, now: datetime) -> Change:
    decision = said.decision
    lower = replace(change, case=agreed(change.case, said.amount)) if change.case and said.amount else change
    try:
        paid = decided(registry, lower, order, decision, now)
        closed = oneclick.closed(registry, change.case.decision if change.case else None, paid, now)
        if not closed:
            return oneclick.counted(registry, paid, now)
    except OverRefund:  # the money went back another way: no rule decides what is to be done then
        closed = "uncovered"
    if change.case is not None and change.case.state is State.REVIEWING:
        return change
    asked = replace(decision, outcome=Outcome.PERSON, rule=f"merchant.{closed}", reason=f"threshold.{closed}")
    return decided(registry, change, order, replace(asked, ruled=decision.word), now)


def _unmarked(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings without their regions, which stay with the photo: a case is written often, and paid for by its size."""
    return tuple(replace(f, regions=()) for f in findings)


def decided(registry: Registry, change: Change, order: OrderFile, decision: Decision, now: datetime, behalf: str = "") -> Change:
    """The change with this decision on record and carried out as far as that needs nobody outside; said in ``behalf``'s place."""
    assert change.case is not None
    approved = decision.outcome is Outcome.APPROVE
    given = Approval(decision.by, now, change.case.amount, decision.reason, behalf)
    approvals = (*change.case.approvals, given) if approved else change.case.approvals
    change = change.with_case(approvals=approvals)
    case = change.case
    assert case is not None
    change = change.decided(
        decision,
        EVENTS[decision.outcome],
        decision.by,
        now,
        timeouts(registry, case),
        rule=decision.rule,
        reason=decision.reason,
        **({"row": decision.row} if decision.row and decision.rules_version != VERSION else {}),
        amount_minor=case.amount.minor,
        **({"on_behalf": behalf} if behalf else {}),
    )
    return follow(registry, change, order, decision.by, now)
