"""Review: what people of the shop decide, one person or two."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from aftersales.case import Approval, Event, State
from aftersales.change import Change
from aftersales.errors import Conflict, Invalid
from functions import claims, keeping, price, promise, second, sorting, verdict
from functions.body import CounterAnswer, CounterBody, DeadlineBody, DecisionBody, MessageBody
from functions.context import Context
from functions.payout import follow, timeouts
from functions.reply import CaseView
from functions.view import stored

#: Steps after which a case takes no more messages: its timeline is one answer, and a function's answer has at most 6 MB.
MOST_STEPS = 500

LONGEST_PAUSE = timedelta(days=30)  # a wait that never ends is what this system is there to prevent


def decide(ctx: Context, case_id: str, body: DecisionBody) -> CaseView:
    """Approve, reject, or ask the buyer for evidence; what follows is :func:`functions.verdict.on`."""
    file = ctx.case(case_id)
    ctx.unchanged(file.case.version)
    change = verdict.on(ctx, file, ctx.order_of(file.case.merchant, file.case.order_id), body)
    return ctx.commit(change, stored(ctx, verdict.after(file, change)))


def counter(ctx: Context, case_id: str, body: CounterBody) -> CaseView:
    """Offer the buyer another amount, at most what was asked for."""
    file = ctx.case(case_id)
    ctx.unchanged(file.case.version)
    claims.free(ctx, file.case)
    sorting.handled(ctx, file.case)
    if promise.keeps_goods(file):  # an offer that nobody answers ends the case: the buyer would have neither goods nor money
        raise Conflict("The goods are back, or a difference was paid.", todo="Approve again, or approve money instead.")
    case = keeping.checked(ctx, file, unkept=body.unkept).case
    if body.amount_minor >= case.amount.minor:
        raise Invalid("A counter-offer is less than what is asked.", expected=f"below {case.amount.minor}", found=body.amount_minor)
    limits = timeouts(ctx.registry, case)
    change = Change(case).then(
        Event.COUNTERED,
        ctx.caller.name,
        ctx.now,
        limits,
        amount_minor=body.amount_minor,
        asked_minor=case.amount.minor,
        reason=body.reason,
    )
    offered = replace(case.amount, minor=body.amount_minor)
    approval = Approval(ctx.caller.name, ctx.now, offered, body.reason)
    change = change.with_case(approvals=(*case.approvals, approval))
    return ctx.commit(change, stored(ctx, verdict.after(file, change)))


def answer_counter(ctx: Context, case_id: str, body: CounterAnswer) -> CaseView:
    """The buyer takes the offer, and is paid that; or declines, and the shop decides on the whole again.

    An offer above the merchant's limit was one person's yes: a second one decides on it before it is paid.
    """
    file = ctx.case(case_id)
    case = file.case
    order = ctx.order_of(case.merchant, case.order_id)
    event = Event.COUNTER_ACCEPTED if body.accept else Event.COUNTER_REFUSED
    if body.accept and case.state is State.COUNTERED:
        given = replace(case, amount=case.approvals[-1].amount)  # what is owed on top, or given as a thing, goes with it
        event = Event.SECOND_PERSON_ASKED if second.needs_two(ctx.registry, given, order, case.approvals[-1].by) else event
    change = Change(case).then(event, ctx.caller.name, ctx.now, timeouts(ctx.registry, case))
    if body.accept:
        assert change.case is not None
        change = replace(change, case=price.agreed(change.case, case.approvals[-1].amount))
        change = follow(ctx.registry, change, order, ctx.caller.name, ctx.now)
    else:
        change = change.with_case(approvals=case.approvals[:-1])
    return ctx.commit(change, stored(ctx, verdict.after(file, change)))


def say(ctx: Context, case_id: str, body: MessageBody) -> CaseView:
    """Send a message to the other side; it stands in the timeline and cannot be altered."""
    file = ctx.case(case_id)
    if file.case.seq >= MOST_STEPS:
        raise Conflict(f"A case takes {MOST_STEPS} steps with its messages.", todo="Call the other side.", found=file.case.seq)
    change = Change(file.case).then(Event.MESSAGE_SENT, ctx.caller.name, ctx.now, text=body.text)
    return ctx.commit(change, stored(ctx, verdict.after(file, change)))


def set_deadline(ctx: Context, case_id: str, body: DeadlineBody) -> CaseView:
    """Pause, resume or move the case's deadline; an event of its own says who and why. No pause is longer than 30 days."""
    file = ctx.case(case_id)
    ctx.unchanged(file.case.version)
    deadline = file.case.deadline
    if deadline is None:
        raise Conflict(f"A case that is {file.case.state} has no deadline of its own.", state=file.case.state)
    if body.action == "move" and (body.move_to is None or body.move_to <= ctx.now):
        raise Invalid("A deadline is moved to an instant that lies ahead.", todo="Send move_to.", found=str(body.move_to))
    if body.action == "pause":
        until = min(max(body.move_to or ctx.now + LONGEST_PAUSE, ctx.now), ctx.now + LONGEST_PAUSE)
        moved, event = deadline.pause(ctx.now, until), Event.DEADLINE_PAUSED
    elif body.action == "resume":
        moved, event = deadline.resume(ctx.now), Event.DEADLINE_RESUMED
    else:
        moved, event = deadline.move(body.move_to or ctx.now, body.reason), Event.DEADLINE_MOVED
    due = moved.due_at.isoformat() if moved.due_at else None
    change = Change(file.case).then(event, ctx.caller.name, ctx.now, reason=body.reason, due_at=due).with_case(deadline=moved)
    return ctx.commit(change, stored(ctx, verdict.after(file, change)))
