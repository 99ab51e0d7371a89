"""Verdict: what a person's decision does to a case. Nothing is stored here: one decision, a batch and its dry run are the same.

::

    a yes ─┬─ up to the limit, or the second one ──► approved
           └─ above it, the first one ──► a second person is asked
"""

from __future__ import annotations

from dataclasses import replace

from aftersales.caller import Role
from aftersales.case import Approval, Case, Event, State
from aftersales.change import Change
from aftersales.decision import Decision, Outcome
from aftersales.errors import Conflict, Forbidden, IllegalTransition, Invalid, SecondPersonRequired
from aftersales.money import Money
from aftersales.query import CaseFile, OrderFile, StepsOf
from aftersales.registry import Registry
from aftersales.rules import VERSION
from functions import keeping, promise, remedies, ruling
from functions.body import DecisionBody
from functions.context import Context
from functions.judgement import EVENTS, decided
from functions.payout import owed, timeouts

SECOND = frozenset({Role.APPROVER, Role.ADMIN, Role.PLATFORM})


def on(ctx: Context, file: CaseFile, order: OrderFile, body: DecisionBody) -> Change:
    """The change that this decision of the caller's brings. A promised thing that is not to be had can be made good with money.

    Above the merchant's limit the first yes asks a second person, who must be somebody else with the right to it. Raises
    SecondPersonRequired, Forbidden, IllegalTransition when the case does not wait for a decision, Conflict where the thing
    or the goods stand against it.
    """
    _possible(file, body)
    if body.outcome is Outcome.APPROVE:
        file = keeping.checked(ctx, file, unkept=body.unkept)
    if body.outcome is Outcome.APPROVE and body.instead:
        file = remedies.instead(ctx, file)
    if body.outcome is Outcome.APPROVE:  # what other cases left since is part of the yes, and of who has to give it
        file = replace(file, case=owed(ctx.registry, file, order, ctx.now))
    if file.case.state is State.SECOND_REVIEW:
        _check_second(ctx, file.case)
    if body.outcome is Outcome.APPROVE and _needs_second(ctx, file.case, order, anew=body.instead is not None):
        return _first_yes(ctx, file, body)
    if body.outcome is Outcome.APPROVE:
        file = keeping.promised(ctx, file)
    decision = ruling.overruled(file.case.decision, Decision(body.outcome, "person", body.reason, (), ctx.caller.name, VERSION))
    return decided(ctx.registry, Change(file.case), order, decision, ctx.now)


def after(file: CaseFile, change: Change) -> CaseFile:
    """The case with its records as this change leaves them."""
    assert change.case is not None
    refunds = {r.number: r for r in (*file.refunds, *change.refunds)}
    return replace(file, case=change.case, parcel=change.parcel or file.parcel, refunds=tuple(refunds.values()))


def above_limit(registry: Registry, case: Case, amount: Money) -> bool:
    """Whether a second person has to agree to this amount for this case."""
    return registry.merchant(case.merchant).needs_two(amount) or ruling.asks_two(case.decision)


def _possible(file: CaseFile, body: DecisionBody) -> None:
    if body.outcome not in (Outcome.APPROVE, Outcome.REJECT, Outcome.ASK_EVIDENCE):
        raise Invalid("A person approves, rejects or asks for evidence.", expected=["approve", "reject", "ask_evidence"])
    if file.case.state not in (State.REVIEWING, State.SECOND_REVIEW):  # in verification only its findings decide
        raise IllegalTransition(
            f"A case that is {file.case.state} does not wait for a decision.",
            todo="Read the case again; its state says what is possible.",
            state=str(file.case.state),
            event=str(EVENTS[body.outcome]),
        )
    if body.outcome is not Outcome.APPROVE and promise.keeps_goods(file):
        raise Conflict("The goods are back, or a difference was paid.", todo="Approve again, or approve money instead.")
    if body.outcome is Outcome.ASK_EVIDENCE and promise.awaits_a_person(file):
        raise Conflict("Not all of the goods are back.", todo="Approve, approve money instead, or reject.")


def _needs_second(ctx: Context, case: Case, order: OrderFile, *, anew: bool) -> bool:
    """Whether this yes is the first of two. ``anew``: it is to money, where the one before was to a thing."""
    appealed = case.state is State.SECOND_REVIEW and case.appealed and not case.approvals
    if case.state is not State.REVIEWING and not appealed and not anew:
        return False
    worth = sum(order.ledger.held_value(case.case_id)) if case.promise else 0
    return above_limit(ctx.registry, case, promise.gives(case, worth))


def _first_yes(ctx: Context, file: CaseFile, body: DecisionBody) -> Change:
    approval = Approval(ctx.caller.name, ctx.now, file.case.amount, body.reason)
    change = Change(file.case).then(
        Event.SECOND_PERSON_ASKED, ctx.caller.name, ctx.now, timeouts(ctx.registry, file.case), reason=body.reason
    )
    return change.with_case(approvals=(*file.case.approvals, approval))


def _check_second(ctx: Context, case: Case) -> None:
    if ctx.caller.role not in SECOND:
        raise Forbidden("The second decision is an approver's.", expected=sorted(SECOND), found=ctx.caller.role)
    if case.approvals and case.approvals[-1].by.partition(":")[2] == ctx.caller.sub:
        raise SecondPersonRequired("The second approver is another person than the first.", todo="Ask a colleague.")
    if case.appealed and _said_no(ctx, case.case_id) == ctx.caller.name:
        raise SecondPersonRequired("Whoever said no does not decide on the appeal against it.", todo="Ask a colleague.")


def _said_no(ctx: Context, case_id: str) -> str:
    """Who said the no that the buyer appealed against; decisions on the appeal itself stand in the case since."""
    by, cursor = "", None
    while True:
        page = ctx.registry.store.find(StepsOf(case_id), cursor, 100)
        by = next((s.by for s in reversed(page.found) if s.after is State.REJECTED and s.before is not State.REJECTED), by)
        cursor = page.cursor
        if cursor is None:
            return by
