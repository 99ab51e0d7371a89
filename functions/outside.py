"""Outside: money of an order that moved without us. A refund in the channel's own console, a chargeback by the buyer's bank.

It is booked once per number, so that nobody refunds the same money again: what is left of the payment shrinks, and a refund that
was approved before but has no room any more fails instead of being sent (``functions.refunds``).
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime

from aftersales.case import Event
from aftersales.change import Change
from aftersales.channel import Outside, OutsideKind, OutsideState
from aftersales.entry import Paid, Payout, Step
from aftersales.errors import ClaimTaken, Conflict, Invalid, NotFound, StaleVersion
from aftersales.ledger import Ledger
from aftersales.money import Money
from aftersales.query import CaseFile, OrderFile, OrdersOfPayment
from aftersales.refund import case_of
from aftersales.registry import Registry
from aftersales.ticket import Ticket, TicketKind
from functions import tickets
from functions.context import Context, again, commit
from functions.outcome import overpaid
from functions.remedy import OutsideBody
from functions.reply_money import OutsideView

log = logging.getLogger(__name__)

PAYOUTS = {OutsideKind.REFUND: Payout.OUTSIDE, OutsideKind.CHARGEBACK: Payout.CHARGEBACK}
STEPS = {OutsideState.OPEN: Step.RESERVED, OutsideState.GONE: Step.SETTLED, OutsideState.BACK: Step.RELEASED}
TICKETS = {OutsideKind.REFUND: TicketKind.PAID_OUTSIDE, OutsideKind.CHARGEBACK: TicketKind.CHARGEBACK}


def heard(registry: Registry, channel: str, outside: Outside, now: datetime) -> None:
    """Record a channel's verified word on money that moved without us.

    A payment that no order names, or several do, is booked nowhere: a ticket tells it, and a person says to which order it belongs.
    Raises Conflict for a number that stands for another amount: the channel is told no, and a ticket tells a person.
    """
    orders = registry.store.find(OrdersOfPayment(channel, outside.transaction_id)).found
    file = registry.store.order(*orders[0]) if len(orders) == 1 else None
    if file is None:
        again(lambda: _without_order(registry, channel, outside, orders, now))
        return
    named = [p for p in file.ledger.payments if (p.channel, p.transaction_id) == (channel, outside.transaction_id)]
    if named:  # several payments of one transaction: the one it was booked on, else the one that has most left
        known = {e.payment_id for e in file.ledger.entries if e.key == outside.key}
        payment = max(named, key=lambda p: (p.payment_id in known, file.ledger.left_of(p)))
        try:
            book(registry, file, payment, outside, f"system:{channel}", now)
        except StaleVersion:
            raise
        except Conflict:
            again(lambda: _disputed(registry, channel, outside, file, now))
            raise


def told(ctx: Context, order_id: str, body: OutsideBody) -> OutsideView:
    """The mall says that money of a payment moved without us: refunded elsewhere, or charged back; told again, it changes nothing.

    ``state`` is ``open`` while it is disputed (it counts as gone), ``gone``, or ``back``. Raises Invalid for one of our own refund
    numbers, NotFound for another order's payment, Conflict for another amount under the same key.
    """
    file = ctx.order(order_id)
    payment = next((p for p in file.ledger.payments if p.payment_id == body.payment_id), None)
    if payment is None:
        raise NotFound("The order has no such payment.", found=body.payment_id)
    if case_of(body.key) is not None:
        raise Invalid("That is a refund number of ours.", todo="Send the number that the other system gave it.", found=body.key)
    if body.at > ctx.now:
        raise Invalid("What moved lies in the past.", expected=f"at most {ctx.now.isoformat()}", found=body.at.isoformat())
    amount = Money(body.amount_minor, file.order.currency)
    outside = Outside(body.key, payment.transaction_id, amount, body.kind, body.state, body.at, body.reason)
    ledger = book(ctx.registry, file, payment, outside, ctx.caller.name, ctx.now)
    view = OutsideView(
        key=body.key,
        order_id=order_id,
        payment_id=payment.payment_id,
        kind=body.kind,
        state=body.state,
        amount_minor=body.amount_minor,
        refundable_minor=max(0, ledger.refundable.minor),
        ticket_id=ticket_name(ctx.registry, payment.channel, outside, file.order.merchant),
    )
    return ctx.commit(Change(), view)


def book(registry: Registry, file: OrderFile, payment: Paid, outside: Outside, by: str, now: datetime) -> Ledger:
    """The order's ledger with it on record, its ticket opened or closed, and every open case told. Each is done once.

    What turns out to be a refund of ours is left alone: that is heard of by its own number.
    """
    cases = [case for case in (registry.store.case(case_id) for case_id in file.cases) if case]
    if any(outside.key in (r.key, r.channel_id) for case in cases for r in case.refunds):
        log.warning("%s of order %s is a refund of ours", outside.key, file.order.order_id)
        return file.ledger
    ledger = again(lambda: _booked(registry, file, payment, outside, now))
    if ledger.last_steps().get(outside.key) is not STEPS[outside.state]:
        return ledger  # an old word: something newer is on record
    for case in cases:
        again(lambda case=case: _tell(registry, case, payment, outside, by, now))  # type: ignore[misc]  # bound per turn
    return ledger


# --- the ledger -------------------------------------------------------------------------------------------------------
def _booked(registry: Registry, file: OrderFile, payment: Paid, outside: Outside, now: datetime) -> Ledger:
    order = registry.store.order(file.order.merchant, file.order.order_id)
    if order is None:
        raise NotFound("The order is gone.", found=file.order.order_id)
    ledger = entered(order.ledger, payment, outside, now)
    if ledger is order.ledger:
        return ledger
    name = ticket_name(registry, payment.channel, outside, ledger.merchant)
    if outside.state is OutsideState.BACK:
        again_paid = tickets.name_of(TicketKind.OVERPAID, ledger.merchant, ledger.order_id, payment.payment_id)
        names = (name,) if overpaid(registry, ledger, payment.payment_id, now) else (name, again_paid)
        done = tickets.closed(registry, names, "The money is back.", now)
    else:
        ticket = _ticket(name, payment.channel, outside, order.order.merchant, now)
        ticket = replace(ticket, order_id=order.order.order_id, about={**ticket.about, "payment_id": payment.payment_id})
        done = (*tickets.opened(registry, ticket, now), *overpaid(registry, ledger, payment.payment_id, now))
    commit(registry, Change(ledger=ledger, tickets=done))
    return ledger


def entered(ledger: Ledger, payment: Paid, outside: Outside, now: datetime) -> Ledger:
    """The ledger after this word; the very same when it is no news: told before, or older than what is known.

    An amount in another currency cannot be compared: the whole payment counts as gone then. Raises Conflict for a number that
    stands for something else.
    """
    known = [e for e in ledger.entries if e.key == outside.key]
    minor = outside.amount.minor if outside.amount.currency == ledger.currency else payment.minor
    payout, at = PAYOUTS[outside.kind], outside.at or now
    if known and (known[0].payout, known[0].payment_id, known[0].minor) != (payout, payment.payment_id, minor):
        raise Conflict(
            "This number is on record for something else.",
            todo="Send a number of its own for each movement of money.",
            expected=known[0].minor,
            found=minor,
        )
    if known and outside.at and outside.at < known[-1].at:
        return ledger
    ledger = ledger.outside(outside.key, payment.payment_id, minor, payout, at)
    if outside.state is OutsideState.GONE:
        return ledger.settle(outside.key, at)
    if outside.state is OutsideState.BACK:
        return ledger.bounce(outside.key, at).release(outside.key, at)
    return ledger


def ticket_name(registry: Registry, channel: str, outside: Outside, merchant: str) -> str:
    """The id of its ticket; ``merchant`` is "" where none is known.

    Malls make up numbers: one that is another merchant's matter, or nobody's about another payment, has the merchant in the name.
    """
    about = (TICKETS[outside.kind], channel, outside.key)
    known = tickets.found(registry, tickets.name_of(*about))
    if known is None or known.merchant == merchant != "":
        return tickets.name_of(*about)
    same = "" in (known.merchant, merchant) and known.about.get("transaction_id") == outside.transaction_id
    return tickets.name_of(*about) if same else tickets.name_of(*about, merchant)


# --- who is told ------------------------------------------------------------------------------------------------------
def _tell(registry: Registry, case: CaseFile, payment: Paid, outside: Outside, by: str, now: datetime) -> None:
    """Put it on the record of a case that is open, once."""
    file = registry.store.case(case.case.case_id)
    if file is None or file.case.terminal:
        return
    change = Change(file.case, claims=(f"outside#{file.case.case_id}#{outside.state}#{outside.key}",)).then(
        Event.PAID_OUTSIDE,
        by,
        now,
        key=outside.key,
        kind=outside.kind,
        state=outside.state,
        payment_id=payment.payment_id,
        amount_minor=outside.amount.minor,
        currency=outside.amount.currency,
    )
    try:
        commit(registry, change)
    except ClaimTaken:
        return


def _without_order(registry: Registry, channel: str, outside: Outside, orders: tuple[tuple[str, str], ...], now: datetime) -> None:
    merchants = {merchant for merchant, _ in orders}
    merchant = merchants.pop() if len(merchants) == 1 else ""
    name = ticket_name(registry, channel, outside, merchant)
    known = tickets.found(registry, name)
    if outside.state is OutsideState.BACK:
        done = tickets.closed(registry, (name,), "The money is back.", now)
    elif known is not None and known.about.get("state") == outside.state:
        done = ()
    else:
        ticket = _ticket(name, channel, outside, merchant, now)
        about = {**ticket.about, "orders": ", ".join(order_id for _, order_id in orders)}
        done = tickets.opened(registry, replace(ticket, about=about), now)
    if done:
        commit(registry, Change(tickets=done))


def _disputed(registry: Registry, channel: str, outside: Outside, file: OrderFile, now: datetime) -> None:
    """Open the ticket, once, about a number under which the channel names something else than is on record."""
    merchant = file.order.merchant
    name = tickets.name_of(TICKETS[outside.kind], channel, outside.key, merchant, str(outside.amount.minor))
    if tickets.found(registry, name) is None:
        ticket = _ticket(name, channel, outside, merchant, now)
        about = {**ticket.about, "known": "This number is on record for something else."}
        commit(registry, Change(tickets=(replace(ticket, order_id=file.order.order_id, about=about),)))


def _ticket(name: str, channel: str, outside: Outside, merchant: str, now: datetime) -> Ticket:
    return Ticket(
        name,
        TICKETS[outside.kind],
        merchant,
        now,
        key=outside.key,
        channel=channel,
        channel_id=outside.key,
        amount_minor=outside.amount.minor,
        currency=outside.amount.currency,
        about={"state": outside.state, "transaction_id": outside.transaction_id, "reason": outside.reason},
    )
