"""Renumber: a leg under a new number stands in for one under which nothing moved. Old and new are one step of the ledger.

A refund number is a function of case and leg alone, so the new one is the number of the case's next leg.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from aftersales.deadline import Deadline
from aftersales.entry import Leg, Payout, Step
from aftersales.errors import DuplicateKey, NotFound, StaleVersion
from aftersales.ledger import Ledger
from aftersales.refund import Cause, Refund, RefundEvent, RefundState, advance_refund, refund_key
from functions.payout import FIRST_LOOK

#: How often in a row the system itself gives a new number; after that something is wrong that a person has to see.
AUTOMATIC = 3


def automatic(refunds: Sequence[Refund], leg: Refund) -> bool:
    """Whether the system itself gives the failed leg a new number: the channel closed it, as at most twice before in a row."""
    return leg.payout is Payout.REFUND and leg.cause is Cause.CLOSED and _closed_before(refunds, leg) < AUTOMATIC


def _closed_before(refunds: Sequence[Refund], leg: Refund) -> int:
    """How many legs in a row, each standing in for the one before, were closed before this one."""
    known, number = {r.key: r for r in refunds}, 0
    while (before := known.get(leg.replaces)) and before.cause is Cause.CLOSED:
        leg, number = before, number + 1
    return number


def replaced(leg: Refund, number: int, now: datetime, channel: str = "") -> tuple[Refund, Refund]:
    """The failed leg released, and the leg ``number`` that stands in for it: same payment, same amounts, not called yet.

    It goes through the same channel unless another one is named.
    """
    fresh = replace(
        leg,
        key=refund_key(leg.case_id, number),
        number=number,
        channel=channel or leg.channel,
        state=RefundState.RESERVED,
        reserved_at=now,
        deadline=Deadline.after(now, FIRST_LOOK, "poll"),
        looks=0,
        overdue=False,
        channel_id="",
        account="",
        payer_minor=None,
        cause=None,
        accepted_at=None,
        settled_at=None,
        replaces=leg.key,
        reported=False,
        version=0,
    )
    return advance_refund(leg, RefundEvent.GIVEN_UP, now), fresh


def moved_on(ledger: Ledger, fresh: Refund, now: datetime) -> Ledger:
    """The ledger with the old number released and ``fresh`` reserved.

    Raises OverRefund when the money went back meanwhile, StaleVersion when somebody else gave the leg a new number already: the
    ledger is read after the case.
    """
    payment = next((p for p in ledger.payments if p.payment_id == fresh.payment_id), None)
    if payment is None:
        raise NotFound("The order has no such payment.", found=fresh.payment_id)
    leg = Leg(payment, fresh.goods_minor, fresh.freight_minor, fresh.tax_minor)
    try:
        return ledger.release(fresh.replaces, now).reserve(fresh.key, fresh.case_id, leg, now)
    except DuplicateKey as error:
        raise StaleVersion("The case has this leg already.", todo="Read it again.") from error


def crowded_out(ledger: Ledger, leg: Refund, refunds: Sequence[Refund] = ()) -> bool:
    """Whether the leg must not be sent: more would leave its payment than came in, or a number it stands in for was paid.

    ``refunds`` are its case's legs: each may stand in for one that itself stood in for another.
    """
    payment = next((p for p in ledger.payments if p.payment_id == leg.payment_id), None)
    if payment is None:
        return False  # compensation: a payment of its own
    last, before, key = ledger.last_steps(), {r.key: r.replaces for r in refunds}, leg.replaces
    while key and last.get(key) is not Step.SETTLED:
        key = before.get(key, "")
    return ledger.left_of(payment) < 0 or key != ""
