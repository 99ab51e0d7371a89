"""Unasked: the cases that a trade opens by itself, on the buyer's behalf, when what it watches has come true.

::

    due ──► order read ──► the trade asked again ──► its case opened, handed in and judged
                                │                          one transaction: the order's version, a name that exists once
                                └── nothing to do any more ──► looked at at its next instant, or never

Two schedules, a late one, a crash, a parcel recorded or a claim handed in at the same moment: one of them is first, the other reads
again. Pieces that are in a case already are left to it, and looked at again while that case is open.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from aftersales.case import Item
from aftersales.change import Change
from aftersales.errors import AftersalesError, ClaimTaken, StaleVersion
from aftersales.query import CaseFile, Due, OrderFile
from aftersales.registry import Registry
from functions import cases, watch
from functions.body import CaseBody, ItemBody
from functions.context import by_system, commit
from functions.watch import Planned, Plans

log = logging.getLogger(__name__)

#: A watch that could not be followed for so long is given up.
PATIENCE = timedelta(days=30)


def due(registry: Registry, waiting: Due, now: datetime) -> bool:
    """Open what is due of one order; False when nothing was, or is any more. Raises StaleVersion for who shall read again."""
    opened = 0
    while _next(registry, waiting, now):
        opened += 1
    return opened > 0


def _next(registry: Registry, waiting: Due, now: datetime) -> bool:
    """Open the first case that is due and can be opened; without one, say when the order is looked at next."""
    file = registry.store.order(waiting.merchant, waiting.order_id)
    if file is None or file.order.watch_at is None or file.order.watch_at > now:
        return False
    plans = watch.planned(registry, file, now)
    ready = [p for p in plans.found if p.watch.due_at <= now]
    for plan in ready:
        change = _opened(registry, file, plan)
        if change is not None:
            left = replace(plans, found=tuple(p for p in plans.found if p is not plan))
            _store(registry, replace(change, order=replace(file.order, watch_at=left.next_at(now)), claims=(plan.name,)))
            return True
    given_up = [p for p in ready if now - p.watch.due_at >= PATIENCE]
    left = Plans(tuple(p for p in plans.found if p not in ready), plans.sure and ready == given_up)
    commit(registry, Change(order=replace(file.order, watch_at=left.next_at(now))))
    return False


def _store(registry: Registry, change: Change) -> None:
    try:
        commit(registry, change)
    except ClaimTaken as taken:  # somebody opened it between our reading the order and now
        raise StaleVersion("This case was opened meanwhile.", todo="Read the order again.") from taken


def _opened(registry: Registry, file: OrderFile, plan: Planned) -> Change | None:
    """The change that opens the plan's case and hands it in; None where its pieces are taken, or the trade's own rules refuse."""
    items = _free(file, plan)
    if plan.watch.items and not items:
        return None
    asked = [ItemBody(line_id=i.line_id, pieces=i.pieces, share_percent=i.share_percent) for i in items]
    body = CaseBody(
        order_id=file.order.order_id, kind=plan.watch.kind, reason=plan.watch.reason, items=asked, freight=plan.watch.freight
    )
    ctx = by_system(registry)
    try:
        change = cases.begun(ctx, file, body, plan.case_id)
        assert change.case is not None
        return cases.handed_in(ctx, change, CaseFile(change.case), file, plan.vertical)
    except StaleVersion:
        raise
    except AftersalesError as refusal:  # the trade wants what it does not offer, or there is no more room: nobody is held up by it
        log.warning("%s cannot be opened: %s %s", plan.name, refusal.code, refusal.message)
        return None


def _free(file: OrderFile, plan: Planned) -> tuple[Item, ...]:
    """The plan's items as far as no case speaks for their pieces."""
    known = {line.line_id for line in file.ledger.lines}
    free = {line_id: sum(stop - start for start, stop in file.ledger.free_units(line_id)) for line_id in known}
    items = (replace(i, pieces=min(i.pieces, free.get(i.line_id, 0))) for i in plan.watch.items)
    return tuple(i for i in items if i.pieces > 0)
