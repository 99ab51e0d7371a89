"""Pursuing: a ticket for every difference between a channel's bill and our record, and its end once something explains it."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import date, datetime

from aftersales.bill import BillRow
from aftersales.change import Change
from aftersales.channel import Outside, OutsideKind, OutsideState
from aftersales.entry import Step
from aftersales.errors import Conflict, NotFound
from aftersales.money import EXPONENTS, Money
from aftersales.query import OrderFile, OrdersOfPayment, TicketsOf
from aftersales.reconcile import Difference
from aftersales.reconcile.match import CONTRADICT, VERDICT
from aftersales.refund import Refund, RefundState
from aftersales.registry import Registry
from aftersales.ticket import Ticket, TicketKind
from functions import outside, tickets
from functions.amend import Amended, leg_named
from functions.context import again, commit
from functions.daybook import instant_of, word_of
from functions.reports import Day

log = logging.getLogger(__name__)

#: On a bill, these did not move: nobody has the money.
STILL = frozenset({"failed", "closed"})


def open_for(registry: Registry, on: Day, one: Difference, row: BillRow | None, amended: Amended) -> tuple[str, str]:
    """The ticket about a difference, opened if this day has not told of it before; its id, and its merchant ("" for nobody).

    What a number says that is not ours, somebody refunded without us: that is booked, and has a ticket of its own.
    """
    leg = leg_named(registry, one.key)
    if one.kind == "theirs_only" and leg is None and row is not None and row.status not in STILL:
        ticket = _elsewhere(registry, on, row)
        if ticket is not None:
            return ticket.ticket_id, ticket.merchant
    fresh = _ticket(on, one, leg, row, arrived=one.key in amended.arrived)

    def once() -> Ticket:
        known = tickets.found(registry, fresh.ticket_id)
        if known is not None and (known.is_open or known.about.get("date") == fresh.about["date"]):
            return known  # told before; whoever closed it has seen this very difference
        (ticket,) = tickets.opened(registry, fresh, on.now)
        commit(registry, Change(tickets=(ticket,)))
        return ticket

    stored = again(once)
    return stored.ticket_id, stored.merchant


def _ticket(on: Day, one: Difference, leg: Refund | None, row: BillRow | None, *, arrived: bool) -> Ticket:
    minor = one.theirs_minor if one.theirs_minor is not None else one.ours_minor
    named = on.day.isoformat() if one.kind == "summary" else one.key
    return Ticket(
        tickets.name_of(TicketKind.DIFFERENCE, on.channel, one.kind, named),
        TicketKind.DIFFERENCE,
        leg.merchant if leg else "",
        on.now,
        order_id=leg.order_id if leg else "",
        case_id=leg.case_id if leg else "",
        key=one.key,
        channel=on.channel,
        channel_id=row.channel_id if row else leg.channel_id if leg else "",
        amount_minor=minor or 0,
        currency=one.currency,
        about={
            "class": one.kind,
            "date": on.day.isoformat(),
            "text": one.text,
            "side": one.side,
            "ours_minor": one.ours_minor,
            "theirs_minor": one.theirs_minor,
            "ours_status": one.ours_status,
            "theirs_status": one.theirs_status,
            "transaction_id": one.transaction_id,
            "arrived": arrived,
        },
    )


# --- refunds made elsewhere -------------------------------------------------------------------------------------------
def _elsewhere(registry: Registry, on: Day, row: BillRow) -> Ticket | None:
    """Book a refund that was made without us; its ticket. None when it cannot be booked."""
    file = _order_of(registry, on.channel, row.transaction_id)
    known = file.ledger.last_steps() if file else {}
    key = next((name for name in (row.key, row.channel_id) if name and name in known), row.key)
    if row.currency not in EXPONENTS:
        return None
    amount, at = Money(row.amount_minor, row.currency), instant_of(row)
    said = Outside(key, row.transaction_id, amount, OutsideKind.REFUND, OutsideState.GONE, at)
    if key not in known:  # on record, it was heard of before, perhaps with a newer word
        try:
            outside.heard(registry, on.channel, said, on.now)
        except (Conflict, NotFound) as error:
            log.warning("a refund made elsewhere cannot be booked: %s", error.code)
            return None
    name = outside.ticket_name(registry, on.channel, said, file.order.merchant if file else "")
    return tickets.found(registry, name)


def _order_of(registry: Registry, channel: str, transaction_id: str) -> OrderFile | None:
    orders = registry.store.find(OrdersOfPayment(channel, transaction_id)).found if transaction_id else ()
    return registry.store.order(*orders[0]) if len(orders) == 1 else None


# --- the end of a ticket ----------------------------------------------------------------------------------------------
def close_explained(registry: Registry, names: Iterable[str], now: datetime, *, gone: str = "") -> int:
    """Close those of these tickets that something explains by now; how many that were.

    ``gone``: why those close that nothing else explains, because the day was looked at again and does not differ any more.
    """
    return sum(again(lambda name=name: _closed(registry, name, now, gone)) for name in names)  # type: ignore[misc]  # bound per turn


def still_open(registry: Registry, merchant: str, channel: str, since: date) -> list[Ticket]:
    """A merchant's open tickets about differences of a channel on that day or later; "" for those of nobody."""
    found: list[Ticket] = []
    cursor = None
    while True:
        page = registry.store.find(TicketsOf(merchant), cursor, 500)
        mine = (t for t in page.found if t.kind is TicketKind.DIFFERENCE and t.channel == channel)
        found += (t for t in mine if str(t.about["date"]) >= since.isoformat())
        cursor = page.cursor
        if cursor is None:
            return found


def _closed(registry: Registry, name: str, now: datetime, gone: str) -> bool:
    ticket = tickets.found(registry, name)
    if ticket is None or not ticket.is_open or ticket.kind is not TicketKind.DIFFERENCE:
        return False
    why = explained(registry, ticket) or gone
    if why:
        commit(registry, Change(tickets=(ticket.closed("system", why, now),)))
    return bool(why)


def explained(registry: Registry, ticket: Ticket) -> str:
    """What explains the difference by now, as our record has it; "" while nothing does.

    Other amounts, other orders, numbers told twice and sums that do not add up are for people.
    """
    said, leg = ticket.about, leg_named(registry, ticket.key)
    if said["class"] == "ours_only" and leg is not None:
        return _not_missed(leg, str(said["date"]))
    if said["class"] == "theirs_only" and leg is None:
        return "Nothing moved: the bill itself says so." if said["theirs_status"] in STILL else ""
    if said["class"] in ("theirs_only", "status") and leg is not None:
        if (said["theirs_minor"], ticket.currency) != (leg.amount.minor, leg.currency):
            return ""
        return _agreed(registry, leg, ticket)
    return ""


def _not_missed(leg: Refund, day: str) -> str:
    if leg.day.isoformat() != day:
        return f"The bill of {leg.day} has it."
    if word_of(leg) in ("failed", "released"):
        return f"It did not go through: our record says {leg.state} by now."
    return ""


def _agreed(registry: Registry, leg: Refund, ticket: Ticket) -> str:
    theirs = str(ticket.about["theirs_status"])
    if ticket.about["arrived"] and leg.state is RefundState.SETTLED:
        return "The channel says by now that it arrived."
    if leg.state is RefundState.RELEASED and theirs == "success":
        order = registry.store.order(leg.merchant, leg.order_id)
        paid = order is not None and order.ledger.last_steps().get(leg.key) is Step.SETTLED
        return "It is booked as paid; a ticket of its own tells that it was given up before." if paid else ""
    if leg.state in (RefundState.RESERVED, RefundState.SENT) or VERDICT[word_of(leg), theirs] == CONTRADICT:
        return ""
    return f"Our record says {leg.state} by now, on {leg.day}, as the bill does."
