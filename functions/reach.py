"""Reach: what a channel will surely refuse, known from an order and its money before anybody is called."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from aftersales.channel import Limits
from aftersales.deadline import Deadline
from aftersales.entry import Step
from aftersales.ledger import Ledger
from aftersales.order import Order
from aftersales.refund import Cause, Refund
from aftersales.registry import Registry
from functions.gate import limits_of

#: Channels count a window in days, some to the end of the last one: what is over by less than this is left to them.
DAY = timedelta(days=1)

#: Why a leg waits that may not be called yet: the channel wants a pause between two refunds of one payment.
GAP = "gap"


class Beyond(StrEnum):
    """What a refund exceeds."""

    WINDOW = "window"  # the payment is too old
    MOST = "most"  # it was refunded as often as the channel allows


def beyond(limits: Limits, order: Order, ledger: Ledger, payment_id: str, now: datetime) -> Beyond | None:
    """What a further refund of this payment would exceed for sure; None when it may go through."""
    paid_at = next((p.paid_at for p in order.payments if p.payment_id == payment_id), None) or order.paid_at
    if limits.window and paid_at and now - paid_at > limits.window + DAY:
        return Beyond.WINDOW
    settled = {e.key for e in ledger.entries if e.payment_id == payment_id and e.step is Step.SETTLED}
    return Beyond.MOST if limits.most and len(settled) >= limits.most else None


def marked(registry: Registry, leg: Refund, order: Order, before: Ledger, now: datetime) -> Refund:
    """The leg about to be reserved, with what is known of it: over a limit (it fails without a call), or to be called later.

    ``before`` is the ledger without it.
    """
    limits = limits_of(registry, leg.channel)
    if beyond(limits, order, before, leg.payment_id, now):
        return replace(leg, cause=Cause.OVER_LIMIT)
    last = max((e.at for e in before.entries if e.payment_id == leg.payment_id and e.step is Step.RESERVED), default=None)
    if last is None or last + limits.gap <= now:
        return leg
    return replace(leg, deadline=Deadline(last + limits.gap, GAP))


def refused(leg: Refund) -> bool:
    """Whether the leg was reserved over a limit of its channel: it is on record, and nobody is called."""
    return leg.cause is Cause.OVER_LIMIT


def waits(leg: Refund) -> bool:
    """Whether the leg is called by its deadline only, not as soon as it is reserved."""
    return leg.deadline is not None and leg.deadline.cause == GAP
