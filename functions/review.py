"""Review: what people of the shop decide, one person or two, and how a case is found."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from aftersales.caller import Role
from aftersales.case import Approval, Case, Event, State
from aftersales.change import Change
from aftersales.decision import Decision, Outcome
from aftersales.errors import Conflict, Forbidden, IllegalTransition, Invalid, SecondPersonRequired
from aftersales.money import Money
from aftersales.query import CaseFile, OfMerchant, StepsOf
from aftersales.rules import VERSION
from functions import keeping, price, promise, remedies, ruling
from functions.body import CounterAnswer, CounterBody, DeadlineBody, DecisionBody, MessageBody
from functions.context import Context
from functions.judgement import EVENTS, decided
from functions.payout import follow, owed, timeouts
from functions.reply import CasePage, CaseView
from functions.trace import orders_of
from functions.view import row, stored

#: Steps after which a case takes no more messages: its timeline is one answer, and a function's answer has at most 6 MB.
MOST_STEPS = 500

LONGEST_PAUSE = timedelta(days=30)  # a wait that never ends is what this system is there to prevent
SECOND = frozenset({Role.APPROVER, Role.ADMIN, Role.PLATFORM})


def listed(
    ctx: Context,
    state: str = State.REVIEWING,
    order: str | None = None,
    phone: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> CasePage:
    """The merchant's open cases in one state, most urgent first; or all cases of one order, or of one phone's orders."""
    store = ctx.registry.store
    if order or phone:
        ids = [order] if order else orders_of(ctx, phone or "")
        files = [store.case(case_id) for order_id in ids if order_id for case_id in ctx.order(order_id).cases]
        return CasePage(cases=[row(f.case) for f in files if f], cursor=None)
    try:
        wanted = State(state)
    except ValueError:
        raise Invalid(f"{state} is no state of a case.", expected=[str(s) for s in State], found=state) from None
    page = store.find(OfMerchant(ctx.caller.merchant, wanted), cursor, limit)
    return CasePage(cases=[row(c) for c in page.found], cursor=page.cursor)


def decide(ctx: Context, case_id: str, body: DecisionBody) -> CaseView:
    """Approve, reject, or ask the buyer for evidence. A promised thing that is not to be had can be made good with money.

    Above the merchant's limit the first yes asks a second person, who must be somebody else with the right to it. Raises
    SecondPersonRequired, Forbidden, IllegalTransition when the case does not wait for a decision.
    """
    file = ctx.case(case_id)
    ctx.unchanged(file.case.version)
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
    if body.outcome is Outcome.APPROVE:
        file = keeping.checked(ctx, file, unkept=body.unkept)
    if body.outcome is Outcome.APPROVE and body.instead:
        file = remedies.instead(ctx, file)
    if body.outcome is Outcome.APPROVE:  # what other cases left since is part of the yes, and of who has to give it
        file = replace(file, case=owed(ctx.registry, file, ctx.order_of(file.case.merchant, file.case.order_id), ctx.now))
    if file.case.state is State.SECOND_REVIEW:
        _check_second(ctx, file.case)
    if body.outcome is Outcome.APPROVE and _needs_second(ctx, file.case, anew=body.instead is not None):
        return _first_yes(ctx, file, body)
    if body.outcome is Outcome.APPROVE:
        file = keeping.promised(ctx, file)
    decision = ruling.overruled(file.case.decision, Decision(body.outcome, "person", body.reason, (), ctx.caller.name, VERSION))
    order = ctx.order_of(file.case.merchant, file.case.order_id)
    change = decided(ctx.registry, Change(file.case), order, decision, ctx.now)
    return ctx.commit(change, stored(ctx, _after(file, change)))


def counter(ctx: Context, case_id: str, body: CounterBody) -> CaseView:
    """Offer the buyer another amount, at most what was asked for."""
    file = ctx.case(case_id)
    ctx.unchanged(file.case.version)
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
    return ctx.commit(change, stored(ctx, _after(file, change)))


def answer_counter(ctx: Context, case_id: str, body: CounterAnswer) -> CaseView:
    """The buyer takes the offer, and is paid that; or declines, and the shop decides on the whole again.

    An offer above the merchant's limit was one person's yes: a second one decides on it before it is paid.
    """
    file = ctx.case(case_id)
    case = file.case
    order = ctx.order_of(case.merchant, case.order_id)
    event = Event.COUNTER_ACCEPTED if body.accept else Event.COUNTER_REFUSED
    if body.accept and case.state is State.COUNTERED:
        given = replace(case, amount=case.approvals[-1].amount).payable  # what is owed on top is given with it
        event = Event.SECOND_PERSON_ASKED if _above_limit(ctx, case, given) else event
    change = Change(case).then(event, ctx.caller.name, ctx.now, timeouts(ctx.registry, case))
    if body.accept:
        assert change.case is not None
        change = replace(change, case=price.agreed(change.case, case.approvals[-1].amount))
        change = follow(ctx.registry, change, order, ctx.caller.name, ctx.now)
    else:
        change = change.with_case(approvals=case.approvals[:-1])
    return ctx.commit(change, stored(ctx, _after(file, change)))


def say(ctx: Context, case_id: str, body: MessageBody) -> CaseView:
    """Send a message to the other side; it stands in the timeline and cannot be altered."""
    file = ctx.case(case_id)
    if file.case.seq >= MOST_STEPS:
        raise Conflict(f"A case takes {MOST_STEPS} steps with its messages.", todo="Call the other side.", found=file.case.seq)
    change = Change(file.case).then(Event.MESSAGE_SENT, ctx.caller.name, ctx.now, text=body.text)
    return ctx.commit(change, stored(ctx, _after(file, change)))


def set_deadline(ctx: Context, case_id: str, body: DeadlineBody) -> CaseView:
    """Pause, resume or move the case's deadline; an event of its own says who and why. No pause is longer than 30 days."""
    file = ctx.case(case_id)
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
    return ctx.commit(change, stored(ctx, _after(file, change)))


def _needs_second(ctx: Context, case: Case, *, anew: bool) -> bool:
    """Whether this yes is the first of two. ``anew``: it is to money, where the one before was to a thing."""
    appealed = case.state is State.SECOND_REVIEW and case.appealed and not case.approvals
    if case.state is not State.REVIEWING and not appealed and not anew:
        return False
    worth = sum(ctx.order_of(case.merchant, case.order_id).ledger.held_value(case.case_id)) if case.promise else 0
    return _above_limit(ctx, case, promise.gives(case, worth))


def _above_limit(ctx: Context, case: Case, amount: Money) -> bool:
    return ctx.registry.merchant(case.merchant).needs_two(amount) or ruling.asks_two(case.decision)


def _first_yes(ctx: Context, file: CaseFile, body: DecisionBody) -> CaseView:
    approval = Approval(ctx.caller.name, ctx.now, file.case.amount, body.reason)
    change = Change(file.case).then(
        Event.SECOND_PERSON_ASKED, ctx.caller.name, ctx.now, timeouts(ctx.registry, file.case), reason=body.reason
    )
    change = change.with_case(approvals=(*file.case.approvals, approval))
    return ctx.commit(change, stored(ctx, _after(file, change)))


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


def _after(file: CaseFile, change: Change) -> CaseFile:
    assert change.case is not None
    refunds = {r.number: r for r in (*file.refunds, *change.refunds)}
    return replace(file, case=change.case, parcel=change.parcel or file.parcel, refunds=tuple(refunds.values()))
