"""Watch: when a trade wants to look at an order by itself. Nothing is stored here, and nobody is called.

Each time an order is told something, its trades say anew what they would do and when; only the earliest instant is kept, on the
order, where the schedule finds it (:mod:`functions.unasked`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

from aftersales.case import Item, Kind
from aftersales.ports import OrderFile
from aftersales.registry import Registry
from aftersales.vertical import Facts, Vertical, Watch
from functions import guard


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


def watched(registry: Registry, file: OrderFile, now: datetime) -> OrderFile:
    """The order with the instant at which one of its trades wants to look at it next; None where none does."""
    return replace(file, order=replace(file.order, watch_at=earliest(planned(registry, file, now))))


def planned(registry: Registry, file: OrderFile, now: datetime) -> tuple[Planned, ...]:
    """What the order's trades would do by themselves and have not done yet, earliest first."""
    order, found = file.order, list[Planned]()
    for trade in dict.fromkeys(line.vertical for line in order.lines):
        vertical = registry.vertical(trade)
        items = tuple(Item(line.line_id, line.pieces) for line in order.lines if line.vertical == trade)
        facts = Facts(order, file.ledger, registry.merchant(order.merchant), Kind.REFUND_ONLY, items, now)
        for watch in guard.watches(vertical, facts):
            found.append(Planned(vertical, watch, f"watch#{order.merchant}#{order.order_id}#{trade}:{watch.key}"))
    return tuple(sorted((p for p in found if p.case_id not in file.cases), key=lambda p: (p.watch.due_at, p.name)))


def earliest(plans: tuple[Planned, ...]) -> datetime | None:
    """The first instant among them, None for none."""
    return min((p.watch.due_at for p in plans), default=None)
