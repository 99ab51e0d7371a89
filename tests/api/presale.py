"""What the tests about deposits and balances have in common: one piece at CNY 1,000.00, of which CNY 200.00 were paid down."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from aftersales.order import Order, Payment
from aftersales.testing.builders import NOW, a_line, an_order
from aftersales.testing.channel import FakeChannel
from tests.api import after
from tests.mall import Mall, Reply

DATA = {"deposit_minor": 20_000, "deposit_kind": "dingjin", "deposit_payment": "p1", "price_minor": 100_000}
#: 12:00 on the 20th in Shanghai is when the balance is paid; the seven days end with the 27th.
LATE = datetime.fromisoformat("2026-11-28T00:00:00+08:00")


def sold(paid: int = 20_000, **data: Any) -> Order:
    """One piece at CNY 1,000.00, of which so much was paid: the deposit as p1, the rest as p2 through the other channel."""
    parts = [("p1", "wechatpay", min(paid, 20_000)), ("p2", "alipay", paid - 20_000)]
    payments = tuple(Payment(name, channel, f"t-{name}", minor, NOW) for name, channel, minor in parts if minor > 0)
    line = a_line(vertical="presale", unit_price_minor=paid, pieces=1, data={**DATA, **data})
    return an_order(order_id="o9", status="paid", lines=(line,), payments=payments)


def opened(mall: Mall) -> Mall:
    """A mall with two ways to pay and a balance, at the moment the deposit of o9 was paid."""
    mall.registry.put("channel:alipay", FakeChannel())
    after.balance(mall)
    mall.push(sold())
    return mall


def balance_paid(mall: Mall) -> Any:
    """The balance is paid now: the snapshot once more with both payments, and the fact."""
    mall.push(sold(100_000))
    return tell(mall, "balance_paid")


def tell(mall: Mall, fact: str, at: datetime | None = None, **more: Any) -> Any:
    """A fact about o9."""
    body = {"fact": fact, "at": (at or mall.clock.now()).isoformat(), **more}
    return mall.must("POST", "/v1/orders/o9/facts", body, role="integrator")


def claim(mall: Mall, reason: str = "changed_mind", **more: Any) -> Reply:
    """The buyer's claim for the piece."""
    items = [{"line_id": "l1", "pieces": 1}]
    body = {"order_id": "o9", "kind": "refund_only", "reason": reason, "items": items, "submit": True, **more}
    return mall.send("POST", "/v1/cases", body)


def until(mall: Mall, at: datetime) -> None:
    """Let time pass until then, and the schedules run."""
    mall.clock.move(at - mall.clock.now())
    mall.wait(minutes=0)


def ids(mall: Mall) -> tuple[str, ...]:
    """The cases of o9."""
    return tuple(mall.store.order("m1", "o9").cases)


def sent(mall: Mall) -> dict[str, int]:
    """What each channel paid, by name."""
    names = ("wechatpay", "alipay", "balance")
    return {name: sum(mall.registry.channel(name).truth.values()) for name in names}
