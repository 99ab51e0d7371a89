"""Watch: when a trade wants to look at an order by itself. Nothing is stored here, and nobody is called.

Each time an order is told something, its trades say anew what they would do and when; only the earliest instant is kept, on the
order, where the schedule finds it (:mod:`functions.unasked`).
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from aftersales.absent import is_absent
from aftersales.case import Item, Kind
from aftersales.errors import AftersalesError
from aftersales.query import OrderFile
from aftersales.registry import Registry
from aftersales.vertical import Facts, Vertical, Watch
from functions import guard

log = logging.getLogger(__name__)

#: When an order is looked at again where that could not be done: a trade is broken, its rules refuse, its pieces are in a case.
AGAIN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Planned:
    """A watch of one of the order's trades. ``name`` exists once, and the id of the case that it opens follows from it."""

    vertical: Vertical
    watch: Watch
    name: str

    @property
    def case_id(self) -> str:
        """The case that it opens: 32 characters, as every case's."""
        return hashlib.sha256(self.name.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Plans:
    """What the order's trades would do by themselves and have not done yet, earliest first.

    ``sure``: every trade answered. Of one that is broken nobody knows, and the order is looked at again a day later.
    """

    found: tuple[Planned, ...]
    sure: bool = True

    def next_at(self, now: datetime) -> datetime | None:
        """The first instant at which somebody has to look, None for never."""
        return min((*(p.watch.due_at for p in self.found), *(() if self.sure else (now + AGAIN,))), default=None)


def watched(registry: Registry, file: OrderFile, now: datetime) -> OrderFile:
    """The order with the instant at which one of its trades wants to look at it next; None where none does."""
    return replace(file, order=replace(file.order, watch_at=planned(registry, file, now).next_at(now)))


def planned(registry: Registry, file: OrderFile, now: datetime) -> Plans:
    """What the order's trades say now."""
    found, sure = list[Planned](), True
    for trade in dict.fromkeys(line.vertical for line in file.order.lines):
        said = _asked(registry, file, trade, now)
        sure = sure and said is not None
        found += said or ()
    fresh = (p for p in found if p.case_id not in file.cases)
    return Plans(tuple(sorted(fresh, key=lambda p: (p.watch.due_at, p.name))), sure)


def _asked(registry: Registry, file: OrderFile, trade: str, now: datetime) -> tuple[Planned, ...] | None:
    """What one trade says about its lines of the order; None where it is broken, or not switched on any more."""
    order = file.order
    try:
        vertical = registry.vertical(trade)
    except AftersalesError:  # its orders are still told things: they are no worse off than without a watch
        log.warning("the trade %s of order %s cannot be asked", trade, order.order_id)
        return None
    if is_absent(vertical):
        return None
    items = tuple(Item(line.line_id, line.pieces) for line in order.lines if line.vertical == trade)
    facts = Facts(order, file.ledger, registry.merchant(order.merchant), Kind.REFUND_ONLY, items, now)
    said = guard.watches(vertical, facts)
    name = f"watch#{order.merchant}#{order.order_id}#{trade}"
    return None if said is None else tuple(Planned(vertical, watch, f"{name}:{watch.key}") for watch in said)
