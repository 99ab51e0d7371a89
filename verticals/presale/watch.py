"""What a presale does by itself: the shop is late, or called it off, and the money goes back with the deposit once more."""

from __future__ import annotations

from aftersales.case import Item, Kind
from aftersales.order import OrderStatus
from aftersales.vertical import Facts, Watch
from verticals.presale.deposit import Stage, deposit_of, ship_end, stage


def watch(facts: Facts) -> tuple[Watch, ...]:
    """The cases to open for these pieces: none once the order was shipped or cancelled."""
    if facts.order.is_shipped or facts.order.status is OrderStatus.CANCELLED:
        return ()
    found = (_of_line(facts, item) for item in facts.items)
    return tuple(w for w in found if w)


def _of_line(facts: Facts, item: Item) -> Watch | None:
    line = facts.order.line(item.line_id)
    told = facts.order.told("seller_cancelled", line.line_id)
    if told is not None:
        return Watch(f"called_off:{line.line_id}", told.at, Kind.REFUND_ONLY, "cannot_deliver", (item,))
    deposit, end = deposit_of(line, facts.ledger), ship_end(line, facts)
    if deposit is None or not deposit.bound or end is None or stage(line, facts.order, facts.ledger) is not Stage.BALANCE:
        return None
    return Watch(f"not_shipped:{line.line_id}", end, Kind.REFUND_ONLY, "not_shipped_in_time", (item,))
