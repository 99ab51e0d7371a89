"""Beyond: what a trade says is owed on top of a refund, reserved in the same transaction as the refund itself.

::

    approved ──► refund legs and a compensation leg, one transaction ──► each is sent, and ends, for itself
                    └ no balance to pay it to, a cap in the way ──► the refund alone, and a ticket: people pay the rest

A refund never waits for what is owed beside it. Who paid a case its double by hand, two persons, has paid what is owed.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from aftersales.case import Approval, Case, Event
from aftersales.change import Change
from aftersales.deadline import Deadline
from aftersales.entry import Payout, Step
from aftersales.errors import OverRefund
from aftersales.ledger import Ledger
from aftersales.money import Money
from aftersales.query import SpentOf
from aftersales.refund import Refund, RefundState, refund_key
from aftersales.registry import Registry
from aftersales.ticket import Spend, Ticket, TicketKind
from aftersales.vertical import Merchant
from functions import tickets
from functions.context import OWED

#: Where compensation goes: the buyer's balance at the mall. No consent is asked for money beyond what was paid.
CHANNEL = "balance"

#: Of what was paid, refunds included: a deposit comes back double when the seller does not keep the promise (Civil Code, art. 587).
DOUBLE_PERMILLE = 2_000

#: Why people pay compensation by hand that a trade would have promised.
BY_HAND = "double_deposit"


def added(registry: Registry, change: Change, ledger: Ledger, by: str, now: datetime, look: Deadline) -> Change:
    """The change with what its case owes beyond the refund reserved, or with a ticket for people where that is not possible.

    ``ledger`` is the order's, with this change's refunds; ``look`` is when the leg is called by the schedule.
    """
    case = change.case
    if case is None or not case.beyond_minor or _by_hand(registry, ledger, case):
        return change
    merchant, amount = registry.merchant(case.merchant), Money(case.beyond_minor, case.amount.currency)
    number = 1 + sum(e.case_id == case.case_id and e.step is Step.RESERVED for e in ledger.entries)
    key, hindered, fresh = refund_key(case.case_id, number), _hindrance(registry, merchant, amount, now), ledger
    try:
        fresh = ledger.compensate(key, case.case_id, amount, DOUBLE_PERMILLE, now)
    except OverRefund:
        hindered = hindered or "cap"
    if hindered:
        return replace(change, tickets=(*change.tickets, *tickets.opened(registry, _ticket(case, amount, hindered, now), now)))
    leg = leg_of(case, key, number, amount, (Approval(by, now, amount),), now, look)
    change = change.then(
        Event.COMPENSATED, by, now, key=key, amount_minor=amount.minor, currency=amount.currency, why=OWED, reason=f"why.{OWED}"
    )
    legs, spends = (*change.refunds, replace(leg, rule=OWED)), (*change.spends, spend_of(merchant, amount, now))
    return replace(change, ledger=fresh, refunds=legs, spends=spends)


def leg_of(
    case: Case, key: str, number: int, amount: Money, approvals: tuple[Approval, ...], now: datetime, look: Deadline
) -> Refund:
    """A leg that pays the balance; it is a payment of its own, so that no payment's cap is touched."""
    return Refund(
        key=key,
        case_id=case.case_id,
        number=number,
        merchant=case.merchant,
        order_id=case.order_id,
        buyer_id=case.buyer_id,
        payment_id=key,
        channel=CHANNEL,
        transaction_id=key,
        payment_minor=amount.minor,
        goods_minor=amount.minor,
        freight_minor=0,
        tax_minor=0,
        currency=amount.currency,
        state=RefundState.RESERVED,
        reserved_at=now,
        deadline=look,
        payout=Payout.COMPENSATION,
        kind=case.kind,
        approvals=approvals,
    )


def spend_of(merchant: Merchant, amount: Money, now: datetime) -> Spend:
    """What a compensation counts against the merchant's yearly sum, by the year it is where the merchant is."""
    year, cap = now.astimezone(merchant.zone).year, merchant.compensation_year_minor
    return Spend(merchant.merchant, year, Payout.COMPENSATION, amount.minor, cap, amount.currency)


def ticket_name(case_id: str) -> str:
    """The ticket about what a case owes and nobody could pay by itself."""
    return tickets.name_of(TicketKind.COMPENSATION_OWED, case_id)


# --- inside -----------------------------------------------------------------------------------------------------------
def _hindrance(registry: Registry, merchant: Merchant, amount: Money, now: datetime) -> str:
    """What keeps it from being paid by itself, "" for nothing. The order's own cap is the ledger's to say."""
    if amount.currency != merchant.currency:
        return "currency"
    if CHANNEL not in registry.channels:
        return "channel"
    spend = spend_of(merchant, amount, now)
    known = registry.store.find(SpentOf(spend.merchant, spend.year, spend.payout, spend.currency), None, 1).found
    return "allowance" if sum(known) + amount.minor > spend.cap_minor else ""


def _by_hand(registry: Registry, ledger: Ledger, case: Case) -> bool:
    """Whether people paid the case its double before it was approved."""
    if all(e.case_id != case.case_id for e in ledger.open_entries(Payout.COMPENSATION)):
        return False
    file = registry.store.case(case.case_id)
    return any(r.rule == BY_HAND and r.state is not RefundState.RELEASED for r in (file.refunds if file else ()))


def _ticket(case: Case, amount: Money, hindered: str, now: datetime) -> Ticket:
    return Ticket(
        ticket_name(case.case_id),
        TicketKind.COMPENSATION_OWED,
        case.merchant,
        now,
        order_id=case.order_id,
        case_id=case.case_id,
        channel=CHANNEL,
        amount_minor=amount.minor,
        currency=amount.currency,
        about={"hindered": hindered},
    )
