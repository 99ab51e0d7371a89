"""Uncovered: an order's money left another way before its case was paid. Silence pays nobody then; a person looks.

It goes on by itself once the money is back (a dispute was won); else the shop offers what is left, or rejects.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from aftersales.case import Event
from aftersales.change import Change
from aftersales.deadline import Deadline
from aftersales.query import CaseFile
from aftersales.registry import Registry
from aftersales.ticket import Ticket, TicketKind
from functions import tickets

#: When silence is heard again, and how its deadline says why.
AGAIN, CAUSE = timedelta(hours=24), "uncovered"


def put_off(registry: Registry, file: CaseFile, now: datetime) -> Change:
    """The change that puts off what silence would have decided: the case's own deadline, or its parcel's, and a ticket."""
    case, deadline = file.case, Deadline.after(now, AGAIN, CAUSE)
    ticket = Ticket(
        _name(case.case_id),
        TicketKind.PAID_OUTSIDE,
        case.merchant,
        now,
        order_id=case.order_id,
        case_id=case.case_id,
        amount_minor=case.amount.minor,
        currency=case.amount.currency,
        about={"state": str(case.state)},
    )
    change = Change(case, tickets=tickets.opened(registry, ticket, now)).then(
        Event.DEADLINE_MOVED, "system", now, reason="silence.uncovered", due_at=(now + AGAIN).isoformat()
    )
    if case.deadline is not None:
        return change.with_case(deadline=deadline)
    return replace(change, parcel=replace(file.parcel, deadline=deadline) if file.parcel else None)


def over(registry: Registry, waited: Deadline, change: Change, now: datetime) -> Change:
    """The change that silence brings, its ticket closed when it had been put off before."""
    if waited.cause != CAUSE or change.case is None:
        return change
    done = tickets.closed(registry, (_name(change.case.case_id),), "The money is back.", now)
    return replace(change, tickets=(*change.tickets, *done))


def _name(case_id: str) -> str:
    return tickets.name_of(TicketKind.PAID_OUTSIDE, case_id)
