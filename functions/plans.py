"""Plans: what a case's refund is made of and which payment gives what, before and after anybody was called."""

from __future__ import annotations

from aftersales.case import State
from aftersales.entry import Leg, Paid, Payout
from aftersales.errors import OverRefund
from aftersales.query import OrderFile
from aftersales.refund import Cause, Refund, RefundState
from aftersales.text import text
from functions import carriage, failures
from functions.context import Context
from functions.gate import limits_of
from functions.payout import owed, plan_of
from functions.reach import beyond
from functions.reply_money import LegView, PartsView, PlanView
from functions.view import failure_view

PLANNED = "planned"


def preview(ctx: Context, case_id: str) -> PlanView:
    """What will go back and from where; once the money is reserved, what goes back and how far each leg is.

    It is the plan that approval carries out, unless the order's money changes before.
    """
    file = ctx.case(case_id)
    case, order = file.case, ctx.order_of(file.case.merchant, file.case.order_id)
    ledger = order.ledger
    legs = [r for r in file.refunds if r.payout is Payout.REFUND and r.state is not RefundState.RELEASED]
    views, covered = [_sent(ctx, r) for r in legs], True
    begun = any(r.payout is Payout.REFUND for r in file.refunds)
    case = case if begun or case.terminal else carriage.less(owed(ctx.registry, file, order, ctx.now), file.pickup)
    if not begun and case.amount and case.state not in (State.REJECTED, State.CLOSED):
        try:
            views = [_planned(ctx, order, leg) for leg in plan_of(ledger, case, ctx.registry.merchant(case.merchant)).legs]
        except OverRefund:
            covered = False
    spoken = sum(v.amount_minor for v in views if v.state == PLANNED)
    goods = case.amount.minor - case.tax_minor - case.freight_minor
    return PlanView(
        case_id=case.case_id,
        order_id=case.order_id,
        currency=case.amount.currency,
        amount_minor=case.amount.minor,
        components=PartsView(goods=goods, freight=case.freight_minor, tax=case.tax_minor),
        fee_minor=case.fee_minor,
        pickup_minor=case.pickup_minor,
        beyond_minor=case.beyond_minor,
        fault=case.fault,
        covered=covered,
        legs=views,
        refundable_after_minor=max(0, ledger.refundable.minor - spoken),
    )


def _planned(ctx: Context, order: OrderFile, leg: Leg) -> LegView:
    warning = _warning(ctx, order, leg.payment)
    cause = Cause.OVER_LIMIT if warning else None
    wrong, then = failures.reason_of(cause, ctx.locale, ctx.audience) if cause else ("", "")
    return LegView(
        key="",
        payment_id=leg.payment.payment_id,
        channel=leg.payment.channel,
        state=PLANNED,
        amount_minor=leg.goods_minor + leg.freight_minor + leg.tax_minor,
        payer_minor=None,
        warning=warning,
        text=wrong,
        next=then,
        failure=failure_view(failures.of_cause(cause, ctx.locale, ctx.audience)),
    )


def _warning(ctx: Context, order: OrderFile, paid: Paid) -> str:
    """What stands against refunding this payment through its channel, in words."""
    limits = limits_of(ctx.registry, paid.channel)
    found = beyond(limits, order.order, order.ledger, paid.payment_id, ctx.now)
    if found is None:
        return ""
    days = limits.window.days if limits.window else 0
    return text("functions", f"beyond.{found}", ctx.locale, channel=paid.channel, days=days, most=limits.most)


def _sent(ctx: Context, refund: Refund) -> LegView:
    wrong, then = failures.reason_of(refund.cause, ctx.locale, ctx.audience) if refund.cause else ("", "")
    return LegView(
        key=refund.key,
        payment_id=refund.payment_id,
        channel=refund.channel,
        state=refund.state,
        amount_minor=refund.amount.minor,
        payer_minor=refund.payer_minor,
        text=wrong,
        next=then,
        failure=failure_view(failures.of_cause(refund.cause, ctx.locale, ctx.audience)),
    )
