"""Left out: a trade that is switched on and broken hurts only its own goods (:mod:`aftersales.absent` judges what is open)."""

from __future__ import annotations

from aftersales.absent import is_absent
from aftersales.errors import LeftOut
from aftersales.order import Order
from aftersales.registry import Registry


def refuse(registry: Registry, order: Order) -> None:
    """Raise LeftOut for an order with a line of such a trade. Why it is broken is the operator's to read, not the mall's."""
    for line in order.lines:
        if any(is_absent(registry.vertical(name)) for name in line.vertical.split(":")):
            raise LeftOut(
                f"The trade {line.vertical} is out of order.",
                todo=f"The trade {line.vertical} of line {line.line_id} is out of order. Push this order again later.",
            )
