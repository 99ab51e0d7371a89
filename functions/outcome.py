"""Outcome: what a leg's new state brings with it for its case, the ledger and the tickets, all in one transaction.

::

    failed ──► a cause that passes ──────────────────────────► tried again, same number
       │  └──► closed, by the channel's own word ───────────► released, and a new leg under a new number (three times in a row)
       └─────► anything else ───────────────────────────────► a ticket; people decide
    settled ─► bounced ─► failed: the case is open again, a ticket
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from aftersales.case import Case, Event, State
from aftersales.change import Change
from aftersales.entry import BACK, Payout, Step
from aftersales.errors import NotFound, OverRefund
from aftersales.ledger import Ledger
from aftersales.query import CaseFile, OrderFile
from aftersales.refund import LATER, REFUND_TERMINAL, Cause, Refund, RefundState
from aftersales.registry import Registry
from aftersales.remedy import Stage
from aftersales.ticket import Ticket, TicketKind
from functions import reach, renumber, tickets
from functions.part import part_of


class Told(NamedTuple):
    """How a case's record calls what happens to a leg."""

    settled: Event
    failed: Event
    bounced: Event
    retried: Event
    given_up: Event


#: Compensation is money beside the case: it leaves the case's state alone.
EVENTS = {
    Payout.REFUND: Told(
        Event.REFUND_SETTLED, Event.REFUND_FAILED, Event.REFUND_BOUNCED, Event.REFUND_RETRIED, Event.REFUND_GIVEN_UP
    ),
    Payout.COMPENSATION: Told(
        Event.COMPENSATION_SETTLED,
        Event.COMPENSATION_FAILED,
        Event.COMPENSATION_FAILED,
        Event.COMPENSATION_RETRIED,
        Event.COMPENSATION_GIVEN_UP,
    ),
}


def of_leg(registry: Registry, file: CaseFile, before: Refund, moved: Refund, now: datetime, *, sure: bool) -> Change:
    """The change that makes ``moved`` of ``before``. ``sure``: the channel's own ``find`` says why it failed."""
    if moved.state is RefundState.FAILED:
        return _failed(registry, file, before, moved, now, sure=sure)
    if moved.state is RefundState.SETTLED:
        return _settled(registry, file, moved, now)
    if not moved.overdue or before.overdue:
        return Change(refunds=(moved,))
    late = tickets.about_leg(TicketKind.REFUND_DELAYED, moved, now)
    change = Change(file.case, refunds=(replace(moved, reported=True),), tickets=tickets.opened(registry, late, now))
    if moved.payout is not Payout.REFUND:
        return replace(change, case=None)
    return change.then(
        Event.REFUND_DELAYED,
        _by(moved),
        now,
        key=moved.key,
        channel_id=moved.channel_id,
        amount_minor=moved.amount.minor,
        part=part_of(file.refunds, moved),
    )


def _failed(registry: Registry, file: CaseFile, before: Refund, moved: Refund, now: datetime, *, sure: bool) -> Change:
    if sure and renumber.automatic(file.refunds, moved):
        try:
            return _renumbered(registry, file, moved, now)
        except OverRefund:  # the money went back another way meanwhile: there is none for a new number
            moved = replace(moved, cause=Cause.PAID_OUTSIDE)
    if before.state is RefundState.FAILED and moved.cause is before.cause:
        return Change(refunds=(moved,))
    told, bounced = EVENTS[moved.payout], moved.cause is Cause.BOUNCED
    change = Change(file.case)
    if before.state is RefundState.SETTLED:
        change = replace(change, ledger=order_of(registry, moved).ledger.bounce(moved.key, now))
    if moved.cause not in LATER:
        kind = TicketKind.REFUND_BOUNCED if bounced else TicketKind.REFUND_FAILED
        moved = replace(moved, reported=True)
        change = replace(change, tickets=tickets.opened(registry, tickets.about_leg(kind, moved, now), now))
    event = told.bounced if bounced else told.failed
    part, minor = part_of(file.refunds, moved), moved.amount.minor
    change = change.then(event, _by(moved), now, key=moved.key, cause=moved.cause, amount_minor=minor, part=part)
    return replace(change, refunds=(moved,))


def _renumbered(registry: Registry, file: CaseFile, closed: Refund, now: datetime) -> Change:
    """The closed leg released, and a new one in its place. Raises OverRefund."""
    change = Change(file.case).then(
        EVENTS[closed.payout].failed, _by(closed), now, key=closed.key, cause=closed.cause, amount_minor=closed.amount.minor
    )
    return renumbered(registry, change, file, closed, _by(closed), now)


def renumbered(registry: Registry, change: Change, file: CaseFile, failed: Refund, by: str, now: datetime) -> Change:
    """The change with the failed leg released and a new one reserved in its place. Raises OverRefund."""
    order, (released, fresh) = order_of(registry, failed), renumber.replaced(failed, len(file.refunds) + 1, now)
    fresh, ledger = reach.marked(registry, fresh, order.order, order.ledger, now), renumber.moved_on(order.ledger, fresh, now)
    done = tickets.closed_of(registry, failed, f"A new number: {fresh.key}.", now)
    change = change.then(Event.REFUND_RENUMBERED, by, now, key=fresh.key, replaces=failed.key, amount_minor=fresh.amount.minor)
    return replace(change, refunds=(released, fresh), ledger=ledger, tickets=done)


def _settled(registry: Registry, file: CaseFile, moved: Refund, now: datetime) -> Change:
    order, by = order_of(registry, moved), _by(moved)
    ledger = order.ledger.settle(moved.key, now)
    change = Change(file.case, refunds=(moved,), ledger=ledger).then(
        EVENTS[moved.payout].settled,
        by,
        now,
        key=moved.key,
        channel_id=moved.channel_id,
        amount_minor=moved.amount.minor,
        payer_minor=moved.payer_minor,
        part=part_of(file.refunds, moved),
    )
    change = closing(change, [moved if r.key == moved.key else r for r in file.refunds], by, now)
    done = tickets.closed_of(registry, moved, "It arrived.", now)
    return replace(change, tickets=(*done, *overpaid(registry, ledger, moved.payment_id, now)))


def paid_after_all(registry: Registry, file: CaseFile, released: Refund, now: datetime) -> Change | None:
    """A released leg was paid: the ledger says so, and a person has to see to it. None when that is on record already."""
    ledger = order_of(registry, released).ledger
    if ledger.last_steps().get(released.key) is Step.SETTLED:
        return None
    change = Change(file.case, ledger=ledger.settle(released.key, now)).then(
        Event.PAID_OUTSIDE,
        _by(released),
        now,
        key=released.key,
        kind="released",
        state="gone",
        amount_minor=released.amount.minor,
        currency=released.currency,
    )
    return replace(change, tickets=tickets.opened(registry, tickets.about_leg(TicketKind.OVERPAID, released, now), now))


def closing(change: Change, legs: Iterable[Refund], by: str, now: datetime) -> Change:
    """The change with its case closed once all refund legs have ended; what arrived of them is on record."""
    refunds = [r for r in legs if r.payout is Payout.REFUND]
    if change.case is None or change.case.state is not State.SETTLING or any(r.state not in REFUND_TERMINAL for r in refunds):
        return change
    arrived = sum(r.amount.minor for r in refunds if r.state is RefundState.SETTLED)
    if change.ledger and pieces_stay(change.case):
        change = replace(change, ledger=change.ledger.conclude(change.case.case_id))  # what was given can be claimed for again
    return change.then(Event.SETTLED, by, now, amount_minor=arrived)


def pieces_stay(case: Case) -> bool:
    """Whether the buyer keeps the case's pieces, or has others in their place: they can be claimed for again."""
    return case.pieces_stay or (case.promise is not None and case.promise.stage is Stage.DONE)


def overpaid(registry: Registry, ledger: Ledger, payment_id: str, now: datetime) -> tuple[Ticket, ...]:
    """The ticket to store when more has left this payment than came in; none otherwise."""
    payment = next((p for p in ledger.payments if p.payment_id == payment_id), None)
    if payment is None:
        return ()
    last = ledger.last_steps()
    entries = [e for e in ledger.open_entries(*BACK) if e.payment_id == payment_id and last[e.key] is Step.SETTLED]
    gone = sum(e.minor for e in entries)
    if gone <= payment.minor:
        return ()
    ticket = Ticket(
        tickets.name_of(TicketKind.OVERPAID, ledger.merchant, ledger.order_id, payment_id),
        TicketKind.OVERPAID,
        ledger.merchant,
        now,
        order_id=ledger.order_id,
        channel=payment.channel,
        amount_minor=gone - payment.minor,
        currency=ledger.currency,
        about={"payment_id": payment_id, "transaction_id": payment.transaction_id, "paid_minor": payment.minor, "gone_minor": gone},
    )
    return tickets.opened(registry, ticket, now)


def order_of(registry: Registry, leg: Refund) -> OrderFile:
    """The order of a leg. Raises NotFound when it is gone."""
    order = registry.store.order(leg.merchant, leg.order_id)
    if order is None:
        raise NotFound("The order of this refund is gone.", key=leg.key)
    return order


def _by(leg: Refund) -> str:
    return f"system:{leg.channel}"
