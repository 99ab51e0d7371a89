"""Uncovered: an order's money left another way before its case was paid. Silence pays nobody then; a person looks.

It goes on by itself once the money is back (a dispute was won); else the shop offers what is left, or rejects.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from aftersales.case import Event
from aftersales.change import Change
from aftersales.deadline import Deadline
from aftersales.ports import CaseFile
from aftersales.registry import Registry
from aftersales.ticket import Ticket, TicketKind
from functions import tickets

#: When silence is heard again.
AGAIN = timedelta(hours=24)


def put_off(registry: Registry, file: CaseFile, now: datetime) -> Change:
    """The change that puts off what silence would have decided: the case's own deadline, or its parcel's, and a ticket."""
    case, deadline = file.case, Deadline.after(now, AGAIN, "uncovered")
    ticket = Ticket(
        tickets.name_of(TicketKind.PAID_OUTSIDE, case.case_id),
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
