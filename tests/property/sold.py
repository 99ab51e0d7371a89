"""What the mall of the money machine has sold."""

from __future__ import annotations

from dataclasses import replace

from aftersales.order import Freight, Order, Payment
from aftersales.testing.builders import a_line, a_payment, an_order


def sold(order: Order, split: int, freight: int) -> tuple[Order, ...]:
    """Four orders of buyer ``b1``.

    ``berries`` and ``goods`` have arrived: produce that may be spoiled, over two payments, and goods that may come back.
    ``to-be`` and ``any`` are not shipped yet: nine equal pieces over two payments, and ``order`` as it was drawn.
    """
    berries = an_order(order_id="berries", payments=_split(9_950, split))
    lines = (a_line(vertical="general", unit_price_minor=1_700, pieces=3), a_line(line_id="l2", vertical="general"))
    goods = an_order(order_id="goods", lines=lines, freight=Freight(freight))
    nine = (a_line(vertical="general", unit_price_minor=1_001, pieces=9),)
    to_be = an_order(
        order_id="to-be", status="paid", lines=nine, freight=Freight(freight), payments=_split(9 * 1_001 + freight, split)
    )
    drawn = replace(order, order_id="any", status="paid", shipped_at=None, signed_at=None, shipment=None)
    return tuple(_numbered(each) for each in (berries, goods, to_be, drawn))


def _split(due: int, first: int) -> tuple[Payment, ...]:
    return a_payment(paid_minor=first), a_payment(payment_id="p2", paid_minor=due - first)


def _numbered(order: Order) -> Order:
    """The order with the channel's numbers its own."""
    payments = tuple(replace(p, transaction_id=f"{order.order_id}-{p.payment_id}") for p in order.payments)
    return replace(order, payments=payments)
