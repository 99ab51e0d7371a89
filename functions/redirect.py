"""Redirect: a refund whose own way is closed goes to another account, because its buyer says so, on record.

::

    to the balance ── nothing moved, says the channel ──► consent + old leg released + new leg reserved: one transaction
    to a card ──────► consent (stored) ──► the channel is asked ──► processing again
                                                 └── no answer ───► sent: looked after; still held ──► the buyer names it again

The card itself is never stored and never logged: on record are its last four digits.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from aftersales.case import Event
from aftersales.change import Change
from aftersales.channel import Card, ReceiptStatus, RefundReceipt
from aftersales.errors import Conflict, IdempotencyMismatch, Rejected, Unknown
from aftersales.query import AnswerTo, CaseFile, OrderFile
from aftersales.refund import Cause, Refund, RefundEvent, RefundState, advance_refund
from functions import calls, consent, renumber, tickets
from functions.consent import BALANCE
from functions.context import Context, again, commit
from functions.mend import asked, came_back, committed, leg, nothing_moved
from functions.part import part_of
from functions.remedy import AccountBody
from functions.reply import CaseView
from functions.view import case_view

log = logging.getLogger(__name__)


def name_account(ctx: Context, case_id: str, number: int, body: AccountBody) -> CaseView:
    """Agree that a refund which cannot go back where it came from goes to the mall balance, or to a card of one's own.

    The consent is on record: who, when, to what, and the version of the text. Raises Conflict where the refund can still go its
    own way, was paid, or cannot go there.
    """
    file = ctx.case(case_id)
    ctx.unchanged(file.case.version)
    refund = leg(file, number)
    offered = consent.choices(ctx.registry, refund)
    if body.to not in offered:
        raise Conflict(
            "This refund cannot go there.",
            todo="Read the case again: it says what can be agreed to.",
            expected=list(offered),
            found=body.to,
            state=str(refund.state),
        )
    if ctx.once and ctx.registry.store.find(AnswerTo(ctx.asker, ctx.once.key, ctx.now)).found:  # a card is not asked for again
        raise IdempotencyMismatch("This Idempotency-Key was used before.")
    order = ctx.order_of(file.case.merchant, file.case.order_id)
    if refund.cause is Cause.OVER_LIMIT:
        _check_window(ctx, order, refund)
    if body.to == BALANCE:
        return _to_balance(ctx, file, order, refund)
    return _to_card(ctx, file, refund, Card(body.bank, body.number, body.holder))


def _check_window(ctx: Context, order: OrderFile, refund: Refund) -> None:
    """Of the limits only time says that the channel will never take it; the others may mean that money went back another way."""
    window = ctx.registry.channel(refund.channel).limits.window
    paid = next((p.paid_at for p in order.order.payments if p.payment_id == refund.payment_id), None) or order.order.paid_at
    if window is None or paid is None or ctx.now - paid <= window:
        raise Conflict("The channel may still take this refund.", todo="Ask the shop to look at it.", cause=refund.cause)


# --- the balance ------------------------------------------------------------------------------------------------------
def _to_balance(ctx: Context, file: CaseFile, order: OrderFile, refund: Refund) -> CaseView:
    nothing_moved(ctx, refund, asked(ctx, refund))
    released, fresh = renumber.replaced(refund, len(file.refunds) + 1, ctx.now, BALANCE)
    change = Change(
        file.case,
        refunds=(released, fresh),
        ledger=renumber.moved_on(order.ledger, fresh, ctx.now),
        tickets=tickets.closed_of(ctx.registry, refund, f"To the balance, as {fresh.key}.", ctx.now),
    )
    change = _agreed(ctx, change, refund, BALANCE)
    part = part_of(file.refunds, refund)
    return committed(ctx, file, _redirected(ctx, change, fresh, BALANCE, part, replaces=refund.key))


# --- a card -----------------------------------------------------------------------------------------------------------
def _to_card(ctx: Context, file: CaseFile, refund: Refund, card: Card) -> CaseView:
    to, held = calls.redirects(ctx.registry, refund.channel), asked(ctx, refund)
    if to is None or held is None or came_back(held):
        raise Conflict("The channel does not hold this refund.", todo="Read the case again in a few minutes.")
    shown = f"****{card.number[-4:]}"
    commit(ctx.registry, _agreed(ctx, Change(file.case), refund, shown, bank=card.bank))
    receipt: RefundReceipt | None = None
    try:
        receipt = calls.redirect(to, refund, card)
    except Rejected as refusal:
        raise Conflict(
            "The channel does not take this card.",
            todo="Check its number, its bank and the name, or name another debit card.",
            channel_code=str(refusal.details.get("channel_code", "")),
        ) from None  # its text may hold the card
    except Unknown:
        log.warning("refund %s: another card has no answer", refund.key)
    if receipt is not None and (receipt.amount != refund.amount or receipt.status is ReceiptStatus.FAILED):
        receipt = None  # no answer that could be used: the next look asks
    return again(lambda: _sent_on(ctx, refund, shown, receipt))


def _sent_on(ctx: Context, refund: Refund, shown: str, receipt: RefundReceipt | None) -> CaseView:
    """Store what became of the redirected leg with the answer to the request. What somebody else stored meanwhile stands."""
    file = ctx.case(refund.case_id)
    known = leg(file, refund.number)
    if known.state is not RefundState.FAILED:
        return ctx.commit(Change(), case_view(ctx, file))
    moved = advance_refund(replace(known, cause=None), RefundEvent.ACCEPTED if receipt else RefundEvent.UNANSWERED, ctx.now)
    moved = replace(moved, overdue=known.overdue)  # that it is late is told by the next look, with its ticket
    change = Change(file.case, refunds=(moved,))
    if receipt is not None:
        change = _redirected(ctx, change, moved, shown, part_of(file.refunds, known))
        return committed(ctx, file, change)
    after = replace(file, refunds=tuple(moved if r is known else r for r in file.refunds))
    return ctx.commit(Change(refunds=(moved,)), case_view(ctx, after))


# --- on record --------------------------------------------------------------------------------------------------------
def _agreed(ctx: Context, change: Change, refund: Refund, account: str, bank: str = "") -> Change:
    return change.then(
        Event.REFUND_CONSENTED,
        ctx.caller.name,
        ctx.now,
        key=refund.key,
        account=account,
        amount_minor=refund.amount.minor,
        currency=refund.currency,
        consent=consent.VERSION,
        bank=bank,
    )


def _redirected(ctx: Context, change: Change, leg: Refund, account: str, part: str, replaces: str = "") -> Change:
    return change.then(
        Event.REFUND_REDIRECTED,
        ctx.caller.name,
        ctx.now,
        key=leg.key,
        replaces=replaces,
        account=account,
        amount_minor=leg.amount.minor,
        part=part,
    )
