"""Remedies: a thing is given in place of money. What staff, buyer and mall say about it, and what silence means."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from aftersales.case import Case, Event, State
from aftersales.change import Change
from aftersales.entry import Paid
from aftersales.errors import Conflict, IllegalTransition, Invalid
from aftersales.query import CaseFile, OrderFile, OrdersOfPayment
from aftersales.registry import Registry
from aftersales.remedy import Remedy, Stage
from functions import promise
from functions.context import Context
from functions.payout import facts_of, follow, reserve, timeouts
from functions.reply import CaseView
from functions.thing import ExtraBody, ReceivedBody, RemedyBody
from functions.view import case_view, stored

#: Why a promise counts as kept, and why as broken, where nobody said so.
SILENT_DONE, SILENT_FAILED = "silence.remedy_done", "silence.remedy_failed"


def go_on(ctx: Context, case_id: str, body: RemedyBody) -> CaseView:
    """The shop tells how far the promised thing is. A replacement is sent with its waybill."""
    file = ctx.case(case_id)
    ctx.unchanged(file.case.version)
    case, by, limits = _promised(file.case), ctx.caller.name, timeouts(ctx.registry, file.case)
    order = ctx.order_of(case.merchant, case.order_id)
    if body.action == "failed":
        return _stored(ctx, file, promise.failed(case, limits, by, ctx.now, body.reason))
    if body.action == "done":
        return _stored(ctx, file, done(ctx.registry, file, order, by, ctx.now))
    assert case.promise is not None
    if body.action == "started":
        change = Change(case).then(Event.REMEDY_STARTED, by, ctx.now, remedy=str(case.promise.remedy), reason=body.reason)
        stage = max(case.promise.stage, Stage.BEGUN, key=list(Stage).index)
        return _stored(ctx, file, change.with_case(promise=replace(case.promise, stage=stage)))
    if case.promise.remedy is Remedy.REPLACEMENT and not body.number:
        raise Invalid("A replacement is sent with a waybill.", todo="Send carrier and number.")
    return _stored(ctx, file, promise.sent(case, limits, by, ctx.now, body.carrier.lower(), body.number.upper()))


def received(ctx: Context, case_id: str, body: ReceivedBody) -> CaseView:
    """The buyer has the promised thing, and the case ends; or says that it never came, or is no better: a person looks."""
    file = ctx.case(case_id)
    case = _promised(file.case)
    if not body.received and not body.note.strip():
        raise Invalid("A no says what is wrong.", todo="Send a note.")
    if case.promise is None or case.promise.stage not in (Stage.BEGUN, Stage.SENT):
        raise Conflict("The shop has not said yet that it is on its way.", todo="Wait for it, or write to the shop.")
    if not body.received:
        limits = timeouts(ctx.registry, case)
        return _stored(ctx, file, promise.failed(case, limits, ctx.caller.name, ctx.now, body.note))
    order = ctx.order_of(case.merchant, case.order_id)
    return _stored(ctx, file, done(ctx.registry, file, order, ctx.caller.name, ctx.now))


def paid(ctx: Context, case_id: str, body: ExtraBody) -> CaseView:
    """The mall tells that the difference was paid, exactly and in one payment. Told twice it is one.

    Raises Conflict when it is not awaited (any more): that money was never taken here, and the mall gives it back.
    """
    file = ctx.case(case_id)
    case, now = file.case, ctx.now
    order = ctx.order_of(case.merchant, case.order_id)
    if case.promise and case.promise.payment_id == body.payment_id:
        return ctx.commit(Change(), case_view(ctx, file))
    if case.state is not State.AWAITING_PAYMENT or case.promise is None:
        raise Conflict("No payment is awaited for this case.", todo="Give the buyer this money back.", state=str(case.state))
    if body.paid_minor != case.promise.extra_minor:
        raise Invalid("The difference is paid exactly.", expected=case.promise.extra_minor, found=body.paid_minor)
    known = list(ctx.registry.channels)
    if body.channel not in known:
        raise Invalid("No refund channel is switched on for this payment.", expected=known, found=body.channel)
    if ctx.registry.store.find(OrdersOfPayment(body.channel, body.transaction_id)).found:
        raise Conflict("This payment has paid for something already.", todo="Send the number that the difference was paid under.")
    ledger = order.ledger.add(case.case_id, Paid(body.payment_id, body.channel, body.transaction_id, body.paid_minor))
    case = replace(case, promise=replace(case.promise, payment_id=body.payment_id))
    change = Change(case, ledger=ledger, claims=(f"payment#{body.channel}#{body.transaction_id}",)).then(
        Event.PAYMENT_MADE, ctx.caller.name, now, amount_minor=body.paid_minor, key=body.payment_id
    )
    change = follow(ctx.registry, change, replace(order, ledger=ledger), ctx.caller.name, now)
    return _stored(ctx, file, change)


def done(registry: Registry, file: CaseFile, order: OrderFile, by: str, now: datetime, cause: str = "") -> Change:
    """The change that a given thing brings: the case ends and its pieces are free, or the difference in price goes back first.

    The order remembers it. Raises OverRefund when the order's money does not cover the difference any more.
    """
    case = file.case
    assert case.promise is not None
    change = Change(replace(case, promise=replace(case.promise, stage=Stage.DONE)))
    change = replace(change, order=promise.remembered(case, order.order, now))
    if not case.amount:
        change = change.then(Event.REMEDY_DONE, by, now, cause=cause)
        return follow(registry, change, order, by, now)
    change = reserve(registry, change, order, by, now).then(Event.REMEDY_DONE, by, now, cause=cause)
    return follow(registry, change, order, by, now)  # all of the difference may be kept back for bringing the goods back


def instead(ctx: Context, file: CaseFile) -> CaseFile:
    """The file of a case that waits for a person, with money promised in place of the thing. Raises Conflict for any other."""
    case = file.case
    if case.promise is None or not case.promise.in_force:
        raise Conflict("Nothing but money is promised here.", todo="Decide without it.", state=str(case.state))
    return unkept(ctx.registry, file, ctx.order_of(case.merchant, case.order_id), ctx.now)


def unkept(registry: Registry, file: CaseFile, order: OrderFile, now: datetime) -> CaseFile:
    """The file with money promised in place of the thing."""
    return promise.to_money(file, facts_of(registry, file, order, now), registry.merchant(file.case.merchant).fee_permille)


def silent(registry: Registry, file: CaseFile, order: OrderFile, now: datetime) -> tuple[CaseFile, Change | None]:
    """What silence does to a promise: what was sent has arrived; what failed, or was not paid for, becomes money.

    Gives the file to go on with, and the whole change where silence ends the matter.
    """
    case = file.case
    if case.promise is None or not case.promise.in_force:
        return file, None
    if case.state is State.FULFILLING:
        if case.promise.stage is Stage.SENT:
            return file, done(registry, file, order, "system", now, SILENT_DONE)
        late = replace(case.promise, stage=Stage.FAILED, reason=SILENT_FAILED)
        return replace(file, case=replace(case, promise=late)), None
    if case.state is State.AWAITING_PAYMENT or case.promise.stage is Stage.FAILED:
        return unkept(registry, file, order, now), None
    return file, None


# --- inside -----------------------------------------------------------------------------------------------------------
def _promised(case: Case) -> Case:
    if case.state is not State.FULFILLING or case.promise is None:
        raise IllegalTransition(
            f"Nothing is being given in a case that is {case.state}.",
            todo="Read the case again; its state says what is possible.",
            state=str(case.state),
            event=str(Event.REMEDY_DONE),
        )
    return case


def _stored(ctx: Context, file: CaseFile, change: Change) -> CaseView:
    assert change.case is not None
    after = replace(file, case=change.case, parcel=change.parcel or file.parcel, refunds=(*file.refunds, *change.refunds))
    return ctx.commit(change, stored(ctx, after))
