"""Compensation: money beyond what was paid, as a payout of its own, under caps of its own (105 % in all, and a yearly sum)."""

from __future__ import annotations

from dataclasses import replace

from aftersales.case import Approval, Case, Event
from aftersales.change import Change, Step
from aftersales.deadline import Deadline
from aftersales.delegation import Delegation
from aftersales.entry import Payout
from aftersales.errors import Conflict, Forbidden, Invalid, SecondPersonRequired
from aftersales.money import Money
from aftersales.query import CaseFile, OrderFile, StepsOf
from aftersales.refund import RefundState, refund_key
from functions import second, tickets
from functions.beyond import BY_HAND, CHANNEL, DOUBLE_PERMILLE, leg_of, spend_of, ticket_name
from functions.body import CompensationBody
from functions.context import OWED, Context
from functions.payout import FIRST_LOOK
from functions.reply import CaseView
from functions.view import stored


def pay(ctx: Context, case_id: str, body: CompensationBody) -> CaseView:
    """Pay the buyer something beyond the refund, to the mall balance.

    Where all compensation of the order is above the merchant's limit, and for a double deposit always, the first call is one
    person's yes; the same amount on the same ground, asked for by somebody else, pays it. Raises OverRefund above the cap of the
    order, AllowanceSpent above the merchant's yearly sum, SecondPersonRequired, Conflict for a double that was paid by itself,
    Forbidden for a clerk, who says nothing but the second yes in place of an approver who is away.
    """
    file = ctx.case(case_id)
    ctx.unchanged(file.case.version)
    held = second.right(ctx, file.case.merchant)
    order, merchant = ctx.order_of(file.case.merchant, file.case.order_id), ctx.registry.merchant(file.case.merchant)
    amount = Money(body.amount_minor, order.order.currency)
    if amount.currency != merchant.currency:
        raise Invalid("Compensation is paid in the merchant's own currency.", expected=merchant.currency, found=amount.currency)
    if CHANNEL not in ctx.registry.channels:
        raise Conflict("No mall balance is switched on: there is nowhere to pay compensation to.", expected=CHANNEL)
    if body.why == BY_HAND and any(r.rule == OWED and r.state is not RefundState.RELEASED for r in file.refunds):
        raise Conflict("This case's double was paid by itself.", todo="Look at the compensation among its refunds.")
    given = Money(sum(e.minor for e in order.ledger.open_entries(Payout.COMPENSATION)), amount.currency)
    two = merchant.needs_two(amount + given) or body.why == BY_HAND  # by hand nobody proves what was a deposit
    first = _first_yes(ctx, file.case, amount, body.why) if two else ""
    change = _paid(ctx, file, order, body, first, _behalf(ctx, held, first))
    if two and not first:
        asked = Change(file.case).then(
            Event.COMPENSATION_ASKED, ctx.caller.name, ctx.now, amount_minor=amount.minor, why=body.why, reason=body.reason
        )
        assert asked.case is not None
        return ctx.commit(asked, stored(ctx, replace(file, case=asked.case)))
    assert change.case is not None
    return ctx.commit(change, stored(ctx, replace(file, case=change.case, refunds=(*file.refunds, *change.refunds))))


def _behalf(ctx: Context, held: tuple[Delegation, ...], first: str) -> str:
    """In whose place the second yes is said, "" for nobody's. Raises Forbidden for who stands in for somebody and would begin."""
    if held and not first:
        todo = "Ask one to begin."
        raise Forbidden("Compensation is an approver's.", todo=todo, expected=sorted(second.ROLES), found=ctx.caller.role)
    return second.in_place_of(held, {second.person_of(first)})


def _paid(ctx: Context, file: CaseFile, order: OrderFile, body: CompensationBody, first: str, behalf: str) -> Change:
    merchant, amount = ctx.registry.merchant(file.case.merchant), Money(body.amount_minor, order.order.currency)
    cap = DOUBLE_PERMILLE if body.why == BY_HAND else merchant.compensation_permille
    number = len(file.refunds) + 1
    key = refund_key(file.case.case_id, number)
    ledger = order.ledger.compensate(key, file.case.case_id, amount, cap, ctx.now)
    agreed = Approval(ctx.caller.name, ctx.now, amount, on_behalf=behalf)
    approvals = (Approval(first, ctx.now, amount), agreed) if first else (agreed,)
    leg = leg_of(file.case, key, number, amount, approvals, ctx.now, Deadline.after(ctx.now, FIRST_LOOK, "poll"))
    done = tickets.closed(ctx.registry, (ticket_name(file.case.case_id),), "Paid by hand.", ctx.now) if _is_owed(file, body) else ()
    change = Change(
        file.case,
        refunds=(replace(leg, rule=BY_HAND if body.why == BY_HAND else ""),),
        ledger=ledger,
        spends=(spend_of(merchant, amount, ctx.now),),
        tickets=done,
    )
    return change.then(
        Event.COMPENSATED,
        ctx.caller.name,
        ctx.now,
        None,
        key=key,
        amount_minor=amount.minor,
        currency=amount.currency,
        why=body.why,
        reason=body.reason,
        **second.told(behalf),
    )


def _is_owed(file: CaseFile, body: CompensationBody) -> bool:
    """Whether it pays what the case owed and nobody could pay by itself."""
    return body.why == BY_HAND and body.amount_minor >= file.case.beyond_minor > 0


def _first_yes(ctx: Context, case: Case, amount: Money, why: str) -> str:
    """Who said yes to this amount on this ground before, "" for nobody. Raises SecondPersonRequired for the same person."""
    asked: Step | None = None
    cursor = None
    while True:
        page = ctx.registry.store.find(StepsOf(case.case_id), cursor, 100)
        for step in page.found:
            if step.event is Event.COMPENSATION_ASKED:
                asked = step
            elif step.event is Event.COMPENSATED:
                asked = None
        cursor = page.cursor
        if cursor is None:
            break
    if asked is None or (asked.data.get("amount_minor"), asked.data.get("why")) != (amount.minor, why):
        return ""
    if second.person_of(asked.by) == ctx.caller.sub:
        raise SecondPersonRequired("The second approver is another person than the first.", todo="Ask a colleague.")
    return asked.by
