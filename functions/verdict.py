"""Verdict: what a person's decision does to a case. Nothing is stored here: one decision, a batch and its dry run are the same.

::

    a yes ─┬─ up to the limit, or the second one ──► approved
           └─ above it, the first one ──► a second person is asked (:mod:`functions.second`)
"""

from __future__ import annotations

from dataclasses import replace

from aftersales.case import Approval, Event, State
from aftersales.change import Change
from aftersales.decision import Decision, Outcome
from aftersales.errors import Conflict, IllegalTransition, Invalid
from aftersales.query import CaseFile, OrderFile
from aftersales.rules import VERSION
from functions import claims, keeping, promise, remedies, ruling, second, sorting
from functions.body import DecisionBody
from functions.context import Context
from functions.judgement import EVENTS, decided
from functions.payout import owed, timeouts


def on(ctx: Context, file: CaseFile, order: OrderFile, body: DecisionBody) -> Change:
    """The change that this decision of the caller's brings. A promised thing that is not to be had can be made good with money.

    Above the merchant's limit the first yes asks a second person, who must be somebody else with the right to it. Raises
    SecondPersonRequired, Forbidden, CaseClaimed where a colleague has it, IllegalTransition when the case does not wait for a
    decision, Conflict where the thing or the goods stand against it.
    """
    _possible(file, body)
    claims.free(ctx, file.case)
    if body.outcome is Outcome.APPROVE:
        file = keeping.checked(ctx, file, unkept=body.unkept)
    if body.outcome is Outcome.APPROVE and body.instead:
        file = remedies.instead(ctx, file)
    if body.outcome is Outcome.APPROVE:  # what other cases left since is part of the yes, and of who has to give it
        file = replace(file, case=owed(ctx.registry, file, order, ctx.now))
    first = second.first_of(file.case)
    begins = body.outcome is Outcome.APPROVE and first is None and second.needs_two(ctx.registry, file.case, order, ctx.caller.name)
    # the first of two is anybody's; the second, a no in place of it, and every word on an appeal is for who has the right
    anybodys = file.case.state is State.REVIEWING or (begins and not file.case.appealed)
    behalf = "" if anybodys else second.check(ctx, file.case, first)
    if begins:
        return _first_yes(ctx, file, body, behalf)
    if body.outcome is Outcome.APPROVE:
        file = keeping.promised(ctx, file)
    sorting.handled(ctx, file.case, behalf)  # the first of two decides nothing yet
    decision = ruling.overruled(file.case.decision, Decision(body.outcome, "person", body.reason, (), ctx.caller.name, VERSION))
    return decided(ctx.registry, Change(file.case), order, decision, ctx.now, behalf)


def after(file: CaseFile, change: Change) -> CaseFile:
    """The case with its records as this change leaves them."""
    assert change.case is not None
    refunds = {r.number: r for r in (*file.refunds, *change.refunds)}
    return replace(file, case=change.case, parcel=change.parcel or file.parcel, refunds=tuple(refunds.values()))


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


def _first_yes(ctx: Context, file: CaseFile, body: DecisionBody, behalf: str) -> Change:
    approval = Approval(ctx.caller.name, ctx.now, file.case.amount, body.reason, behalf)
    change = Change(file.case).then(
        Event.SECOND_PERSON_ASKED,
        ctx.caller.name,
        ctx.now,
        timeouts(ctx.registry, file.case),
        reason=body.reason,
        **second.told(behalf),
    )
    return change.with_case(approvals=(*file.case.approvals, approval))
