"""Refunds: the call to the channel, what its answer means, and the settlement in the ledger.

::

    reserved (stored) ──► execute ──► answer ──► record ──► settled: ledger + refund + case, one transaction
                             │                     ▲
                             └── no answer ── poll ┘   same key always; a crash at any arrow is mended by the next look
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple, TypeVar

from aftersales.case import Event, State
from aftersales.change import Change
from aftersales.channel import ReceiptStatus, RefundOrder, RefundReceipt
from aftersales.entry import Payout
from aftersales.errors import Conflict, IllegalTransition, NotFound, Rejected, Unknown
from aftersales.ports import CaseFile
from aftersales.refund import LATER, REFUND_TERMINAL, Cause, Refund, RefundEvent, RefundState, advance_refund, case_of
from aftersales.registry import Registry
from functions.context import Context, again, commit
from functions.reply import CaseView
from functions.view import case_view

T = TypeVar("T")

log = logging.getLogger(__name__)


class Told(NamedTuple):
    """How a case's record calls what happens to a leg."""

    settled: Event
    failed: Event
    retried: Event


#: Compensation is money beside the case: it leaves the case's state alone.
EVENTS = {
    Payout.REFUND: Told(Event.REFUND_SETTLED, Event.REFUND_FAILED, Event.REFUND_RETRIED),
    Payout.COMPENSATION: Told(Event.COMPENSATION_SETTLED, Event.COMPENSATION_FAILED, Event.COMPENSATION_RETRIED),
}


def execute(registry: Registry, refund: Refund, now: datetime) -> None:
    """Call the channel for a stored leg and record what it says. Calling twice is harmless: the key is the same."""
    order = _order(refund)
    try:
        receipt = _heard(refund, lambda: registry.channel(refund.channel).refund(order))
    except Rejected as refusal:
        _record(
            registry, refund.key, RefundEvent.REFUSED, now, cause=Cause(refusal.details.get("cause", Cause.OTHER)), known=refund
        )
    except Unknown as silence:
        log.warning("refund %s has no answer: %s", refund.key, silence.message)
        _record(registry, refund.key, RefundEvent.UNANSWERED, now, known=refund)
    else:
        apply(registry, receipt, now, known=refund)


def poll(registry: Registry, refund: Refund, now: datetime) -> None:
    """Ask the channel what became of a leg that waits; what it never heard of is asked for again, under the same key.

    A leg that was never called, or failed for a cause that passes, is called. "Not known" soon after a call proves nothing, and
    calling again with the same key is safe either way. A leg that failed for good is only asked for, never sent.
    """
    later = refund.state is RefundState.FAILED and refund.cause in LATER
    if later:
        _record(registry, refund.key, RefundEvent.DEADLINE_PASSED, now, known=refund)
    if later or refund.state is RefundState.RESERVED:
        execute(registry, refund, now)
        return
    silent = RefundEvent.LOOKED if refund.state is RefundState.FAILED else RefundEvent.UNANSWERED
    try:
        receipt = _heard(refund, lambda: registry.channel(refund.channel).find(_order(refund)))
    except (Unknown, Rejected) as silence:
        log.warning("refund %s cannot be asked for: %s", refund.key, silence.message)
        _record(registry, refund.key, silent, now, known=refund)
        return
    if receipt is not None and not (refund.state is RefundState.FAILED and receipt.status is ReceiptStatus.FAILED):
        apply(registry, receipt, now, known=refund)
    elif refund.state is RefundState.SENT:
        execute(registry, refund, now)
    else:
        _record(registry, refund.key, silent, now, known=refund)


def apply(registry: Registry, receipt: RefundReceipt, now: datetime, *, known: Refund | None = None) -> None:
    """Record a channel's trustworthy word. Raises NotFound for a number not ours, Conflict for another amount."""
    event = {
        ReceiptStatus.PROCESSING: RefundEvent.ACCEPTED,
        ReceiptStatus.SUCCEEDED: RefundEvent.SUCCEEDED,
        ReceiptStatus.FAILED: RefundEvent.REFUSED,
    }[receipt.status]
    _record(registry, receipt.key, event, now, receipt=receipt, cause=receipt.cause, known=known)


def retry(ctx: Context, case_id: str, number: int) -> CaseView:
    """Send a failed leg again, under the same number, because a person says that its cause is gone."""
    file = ctx.case(case_id)
    refund = next((r for r in file.refunds if r.number == number), None)
    if refund is None:
        raise NotFound("This case has no such refund.", found=number)
    moved = advance_refund(refund, RefundEvent.RETRIED, ctx.now)
    change = Change(file.case).then(EVENTS[refund.payout].retried, ctx.caller.name, ctx.now, key=refund.key)
    assert change.case is not None
    after = replace(file, case=change.case, refunds=tuple(moved if r is refund else r for r in file.refunds))
    return ctx.commit(replace(change, refunds=(moved,)), case_view(ctx, after, version=file.case.version + 1))


def _order(refund: Refund) -> RefundOrder:
    """What the channel is asked; the same at every call."""
    return RefundOrder(
        key=refund.key,
        merchant=refund.merchant,
        order_id=refund.order_id,
        buyer_id=refund.buyer_id,
        payment_id=refund.payment_id,
        transaction_id=refund.transaction_id,
        amount=refund.amount,
        paid=replace(refund.amount, minor=refund.payment_minor),
        asked_at=refund.reserved_at,
        reason=f"After-sales {refund.order_id}",
    )


def _heard(refund: Refund, ask: Callable[[], T]) -> T:
    """What the channel says. A defect of its plugin is no answer (Unknown): whether money moved is not known then."""
    try:
        return ask()
    except (Rejected, Unknown):
        raise
    except Exception as error:
        log.exception("the channel %s broke over refund %s", refund.channel, refund.key)
        raise Unknown(f"The channel broke: {error!r}", key=refund.key) from error


def _record(
    registry: Registry,
    key: str,
    event: RefundEvent,
    now: datetime,
    *,
    receipt: RefundReceipt | None = None,
    cause: Cause | None = None,
    known: Refund | None = None,
) -> None:
    """Advance one leg, begun anew while somebody else moves it. ``known`` is the leg as somebody just read it."""
    fresh = [known]

    def once() -> None:
        refund = fresh.pop() if fresh else None
        file: CaseFile | None = None
        if refund is None or _moves_case(event, refund, now):
            file = _file_of(registry, key)
            refund = next(r for r in file.refunds if r.key == key)
        if receipt and receipt.amount != refund.amount:
            raise Conflict(
                "The channel names another amount than was asked.", expected=str(refund.amount), found=str(receipt.amount)
            )
        if refund.state in REFUND_TERMINAL or _is_known(refund, event, now):
            return  # nothing new: a duplicate or late word
        moved = _moved(refund, event, now, receipt, cause)
        commit(registry, Change(refunds=(moved,)) if file is None else _with_case(registry, file, refund, moved, now))

    again(once)


def _is_known(refund: Refund, event: RefundEvent, now: datetime) -> bool:
    """Whether the channel said the same before: accepted, unless this look at it was due; or no."""
    due = refund.deadline is not None and refund.deadline.passed(now)
    accepted = refund.state is RefundState.PROCESSING and event is RefundEvent.ACCEPTED and not due
    return accepted or (refund.state is RefundState.FAILED and event is RefundEvent.REFUSED)


def _moves_case(event: RefundEvent, refund: Refund, now: datetime) -> bool:
    """Whether the case hears of it: settled, failed, or overdue for the first time."""
    if event in (RefundEvent.SUCCEEDED, RefundEvent.REFUSED):
        return True
    try:
        return advance_refund(refund, event, now).overdue and not refund.overdue
    except IllegalTransition:
        return True  # somebody moved it meanwhile: read it again


def _moved(refund: Refund, event: RefundEvent, now: datetime, receipt: RefundReceipt | None, cause: Cause | None) -> Refund:
    kept = refund.cause if event is RefundEvent.LOOKED else cause
    moved = advance_refund(replace(refund, cause=kept), event, now)
    if receipt is None:
        return moved
    return replace(
        moved,
        channel_id=receipt.channel_id or refund.channel_id,
        account=receipt.account or refund.account,
        payer_minor=receipt.payer_amount.minor if receipt.payer_amount else refund.payer_minor,
        accepted_at=refund.accepted_at or now,
        settled_at=(receipt.at or now) if moved.state is RefundState.SETTLED else None,
    )


def _with_case(registry: Registry, file: CaseFile, before: Refund, moved: Refund, now: datetime) -> Change:
    by, legs = f"system:{moved.channel}", [moved if r.key == moved.key else r for r in file.refunds]
    change = Change(file.case, refunds=(moved,))
    if moved.state is RefundState.FAILED:
        return change.then(EVENTS[moved.payout].failed, by, now, key=moved.key, cause=moved.cause)
    if moved.state is not RefundState.SETTLED:
        if not moved.overdue or before.overdue or moved.payout is not Payout.REFUND:
            return Change(refunds=(moved,))
        return change.then(Event.REFUND_DELAYED, by, now, key=moved.key, channel_id=moved.channel_id)
    order = registry.store.order(moved.merchant, moved.order_id)
    if order is None:
        raise NotFound("The order of this refund is gone.", key=moved.key)
    change = change.then(
        EVENTS[moved.payout].settled,
        by,
        now,
        key=moved.key,
        channel_id=moved.channel_id,
        amount_minor=moved.amount.minor,
        payer_minor=moved.payer_minor,
    )
    open_legs = [r for r in legs if r.payout is Payout.REFUND and r.state not in REFUND_TERMINAL]
    if file.case.state is State.SETTLING and moved.payout is Payout.REFUND and not open_legs:
        change = change.then(Event.SETTLED, by, now, amount_minor=file.case.amount.minor)
    return replace(change, ledger=order.ledger.settle(moved.key, now))


def _file_of(registry: Registry, key: str) -> CaseFile:
    case_id = case_of(key)
    file = registry.store.case(case_id) if case_id else None
    if file is None or all(r.key != key for r in file.refunds):
        raise NotFound("This refund number is not ours.", key=key)
    return file
