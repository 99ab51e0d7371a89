"""Mending: what people of the shop do about a leg that failed. They send it again, or say that it needs no channel any more."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from aftersales.change import Change
from aftersales.channel import ReceiptStatus, RefundReceipt
from aftersales.entry import FREIGHT, Hold, Payout
from aftersales.errors import ChannelBusy, Conflict, IllegalTransition, NotFound, Unknown
from aftersales.ledger import Ledger
from aftersales.query import CaseFile
from aftersales.refund import LATER, MENDED, POLLS, RENUMBER, Refund, RefundEvent, RefundState, advance_refund
from aftersales.ticket import Spend
from functions import calls, legs, outcome, tickets
from functions.context import Context
from functions.remedy import ReleaseBody
from functions.reply import CaseView
from functions.view import stored

#: How long after the last word on a leg a call for it may still be on its way, and how long a channel may take to know a number it
#: was asked for. It is longer than the minute within which a reserved leg is called without being read again.
QUIET = timedelta(minutes=5)


def retry(ctx: Context, case_id: str, number: int) -> CaseView:
    """Send a failed leg again, because a person says that its cause is gone.

    It keeps its number, unless the channel has closed that or taken the money back: then a new leg stands in for it.
    """
    file = ctx.case(case_id)
    ctx.unchanged(file.case.version)
    refund = leg(file, number)
    if refund.state is RefundState.FAILED and refund.cause in RENUMBER and refund.payout is Payout.REFUND:
        if not came_back(asked(ctx, refund)):
            raise Conflict("The channel does not say that this number is used up.", todo="Wait for its next answer.")
        change = outcome.renumbered(ctx.registry, Change(file.case), file, refund, ctx.caller.name, ctx.now)
        return committed(ctx, file, change)
    moved = advance_refund(refund, RefundEvent.RETRIED, ctx.now)
    moved = replace(moved, overdue=refund.overdue)  # that it is late is told by the next look, with its ticket
    change = Change(file.case, refunds=(moved,))
    return committed(ctx, file, change.then(outcome.EVENTS[refund.payout].retried, ctx.caller.name, ctx.now, key=refund.key))


def release(ctx: Context, case_id: str, number: int, body: ReleaseBody) -> CaseView:
    """Give a failed leg up: it was paid another way, or is not owed. Only once the channel says that nothing moved.

    The case closes when it was the last one. Raises Conflict when money moved, or may have, and IllegalTransition for a leg that
    has not failed.
    """
    file = ctx.case(case_id)
    ctx.unchanged(file.case.version)
    refund = leg(file, number)
    if refund.state is not RefundState.FAILED:
        raise IllegalTransition(
            f"A refund that is {refund.state} cannot be released.",
            todo="Only a failed refund is; the system looks after the others.",
            state=str(refund.state),
        )
    nothing_moved(ctx, refund, asked(ctx, refund))
    return committed(ctx, file, _given_up(ctx, file, refund, body))


def _given_up(ctx: Context, file: CaseFile, refund: Refund, body: ReleaseBody) -> Change:
    by, released = ctx.caller.name, advance_refund(refund, RefundEvent.GIVEN_UP, ctx.now)
    ledger = outcome.order_of(ctx.registry, refund).ledger.release(refund.key, ctx.now)
    if body.how == "paid_elsewhere":
        ledger = _freight_kept(ledger, refund)
        if outcome.pieces_stay(file.case):
            ledger = ledger.elsewhere(refund.case_id, refund.goods_minor, refund.tax_minor)
    change = Change(
        file.case,
        refunds=(released,),
        ledger=ledger,
        tickets=tickets.closed_of(ctx.registry, refund, f"{by}: {body.how}.", ctx.now),
        spends=_given_back(ctx, refund),
    ).then(
        outcome.EVENTS[refund.payout].given_up,
        by,
        ctx.now,
        key=refund.key,
        how=body.how,
        reason=body.reason,
        amount_minor=refund.amount.minor,
    )
    return outcome.closing(change, [released if r is refund else r for r in file.refunds], by, ctx.now)


def _freight_kept(ledger: Ledger, refund: Refund) -> Ledger:
    """The ledger with the leg's freight spoken for as the pieces are: what was paid elsewhere is not asked for again."""
    mine = [h for h in ledger.holds if (h.case_id, h.line_id) == (refund.case_id, FREIGHT)]
    freight = refund.freight_minor + sum(stop - start for h in mine for start, stop in h.units)
    others = tuple(h for h in ledger.holds if h not in mine)
    return replace(ledger, holds=(*others, Hold(refund.case_id, FREIGHT, ((0, freight),)))) if freight else ledger


def _given_back(ctx: Context, refund: Refund) -> tuple[Spend, ...]:
    """What the merchant's yearly allowance gets back: a compensation that is not paid."""
    if refund.payout is not Payout.COMPENSATION:
        return ()
    merchant = ctx.registry.merchant(refund.merchant)
    year = refund.reserved_at.astimezone(merchant.zone).year
    cap = merchant.compensation_year_minor
    return (Spend(refund.merchant, year, refund.payout, -refund.amount.minor, cap, refund.currency),)


# --- what the channel says of it --------------------------------------------------------------------------------------
def asked(ctx: Context, refund: Refund) -> RefundReceipt | None:
    """What the channel says of a failed leg now; None when it does not know it.

    Raises ChannelBusy when it says nothing; and Conflict, its word recorded, when the money is on its way or has arrived after all.
    """
    try:
        receipt = calls.ask(ctx.registry, refund)
    except Unknown as silence:
        raise ChannelBusy("The channel does not answer.", todo="Send the same request again in a few minutes.") from silence
    if receipt is not None and receipt.status is not ReceiptStatus.FAILED:
        legs.record(ctx.registry, refund.key, legs.word_of(receipt, sure=True), ctx.now)
        raise Conflict("The channel says that this refund moves after all.", todo="Read the case again.", found=receipt.status)
    return receipt


def came_back(receipt: RefundReceipt | None) -> bool:
    """Whether the channel says that the money never left, or is with the merchant again, and the number is used up."""
    return receipt is not None and receipt.status is ReceiptStatus.FAILED and receipt.cause in RENUMBER


def nothing_moved(ctx: Context, refund: Refund, receipt: RefundReceipt | None) -> None:
    """Raise Conflict unless it is sure that nothing moved under this number, and nothing will."""
    if came_back(receipt):
        return
    if receipt is not None or refund.channel_id:
        raise Conflict(
            "The channel has accepted this refund and does not say that the money came back.",
            todo="Have it mended at the channel, or let the buyer name a card; the system sees when it is.",
            cause=refund.cause,
        )
    calm_at = max(_last_word_at(refund), refund.reserved_at) + QUIET
    if ctx.now < calm_at:
        raise Conflict(
            "A call for this refund may still be on its way.", todo=f"Send it again after {calm_at.isoformat()}.", until=calm_at
        )


def _last_word_at(refund: Refund) -> datetime:
    """When the failed leg was last told of: its next look counts from there."""
    if refund.deadline is None or refund.deadline.due_at is None:
        return refund.reserved_at
    waits = POLLS[min(refund.looks, len(POLLS) - 1)] if refund.cause in LATER else MENDED
    return refund.deadline.due_at - waits


def leg(file: CaseFile, number: int) -> Refund:
    """The leg of that number. Raises NotFound."""
    refund = next((r for r in file.refunds if r.number == number), None)
    if refund is None:
        raise NotFound("This case has no such refund.", found=number)
    return refund


def committed(ctx: Context, file: CaseFile, change: Change) -> CaseView:
    """Store the change, and give the case as it is with it."""
    assert change.case is not None
    after = {r.number: r for r in (*file.refunds, *change.refunds)}
    return ctx.commit(change, stored(ctx, replace(file, case=change.case, refunds=tuple(after.values()))))
