"""Deposits under any order of events: whoever claims what, whenever the balance, the shop's word, silence or a crash comes.

At every moment and in the end nothing goes back beyond what was paid, and nothing on top beyond the deposit's part that binds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from aftersales.entry import Payout
from aftersales.order import Order, Payment
from aftersales.testing.builders import NOW, a_line, an_order
from aftersales.testing.channel import FakeChannel, Outcome
from functions import sweep
from tests.mall import Mall, snapshot

DID = st.sampled_from(
    [
        "balance",
        "late",
        "late",
        "shipped",
        "seller_cancelled",
        "day",
        "week",
        "sweep",
        "crash before",
        "crash after",
        "withdraw",
        "yes",
    ]
)
CLAIMS = st.tuples(st.sampled_from(["changed_mind", "balance_unpaid", "not_shipped_in_time", "cannot_deliver"]), st.integers(1, 4))
ANSWERS = st.lists(st.sampled_from([Outcome.SUCCESS, Outcome.UNKNOWN_EXECUTED, Outcome.UNKNOWN_NOT_EXECUTED]), max_size=4)


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> Iterator[None]:
    """Crashes on purpose are no news here."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@dataclass(frozen=True)
class Sold:
    """What was agreed: the price of all pieces, what was paid down on them and as what."""

    price: int
    down: int
    pieces: int
    kind: str

    @property
    def bound(self) -> int:
        """The most that may ever come on top."""
        return min(self.down, self.price // 5) if self.kind == "dingjin" else 0

    def order(self, *, whole: bool) -> Order:
        """The order with its deposit, or with the balance too."""
        paid = self.price if whole else self.down
        parts = [("p1", "wechatpay", self.down), ("p2", "alipay", paid - self.down)]
        payments = tuple(Payment(name, by, f"t-{name}", minor, NOW) for name, by, minor in parts if minor)
        each, over = divmod(paid, self.pieces)
        data = {"deposit_minor": self.down, "deposit_kind": self.kind, "deposit_payment": "p1", "price_minor": self.price}
        less = each * self.pieces + (self.pieces if over else 0) - paid
        line = a_line(vertical="presale", unit_price_minor=each + bool(over), pieces=self.pieces, discount_minor=less, data=data)
        return an_order(order_id="o9", status="paid", lines=(line,), payments=payments)


@st.composite
def sales(draw: st.DrawFn) -> Sold:
    """Any price of one to four pieces, and any part of it paid down."""
    price, pieces = draw(st.integers(10, 60_000)), draw(st.integers(1, 4))
    return Sold(price, draw(st.integers(1, price - 1)), pieces, draw(st.sampled_from(["dingjin", "dingjin", "advance"])))


class Crash(Exception):
    """A process ends."""


def crashing(mall: Mall, *, written: bool) -> Callable[[Any], None]:
    """A commit that dies once, before or after it is written."""
    commit = mall.store.commit

    def once(change: Any) -> None:
        mall.store.commit = commit
        if written:
            commit(change)
        raise Crash

    return once


def do(mall: Mall, sold: Sold, what: Any) -> None:
    """One thing that people, malls, time or a dying process do; what is refused is refused."""
    now = mall.clock.now()
    if isinstance(what, tuple):
        items = [{"line_id": "l1", "pieces": what[1]}]
        body = {"order_id": "o9", "kind": "refund_only", "reason": what[0], "items": items, "submit": True}
        mall.send("POST", "/v1/cases", body)
    elif what == "late":
        do(mall, sold, "balance")
        do(mall, sold, "week")
        do(mall, sold, "day")
    elif what == "balance":
        mall.send("PUT", "/v1/orders/o9", snapshot(sold.order(whole=True)), role="integrator")
    elif what in ("shipped", "seller_cancelled"):
        mall.send("POST", "/v1/orders/o9/facts", {"fact": what, "at": now.isoformat()}, role="integrator")
    elif what in ("withdraw", "yes"):
        for case_id in mall.store.order("m1", "o9").cases:
            if what == "withdraw":
                mall.send("POST", f"/v1/cases/{case_id}/withdraw")
            for role in ("clerk", "approver") if what == "yes" else ():
                mall.send("POST", f"/v1/merchant/cases/{case_id}/decision", {"outcome": "approve", "reason": "yes"}, role=role)
    else:
        mall.clock.move(timedelta(days={"day": 1, "week": 7}.get(what, 0)))
        if what.startswith("crash"):
            mall.store.commit = crashing(mall, written=what == "crash after")
        sweep.sweep(mall.registry)
    if what != "sweep":
        mall.pump()
        sweep.poll_refunds(mall.registry)


def holds(mall: Mall, sold: Sold) -> None:
    """Sent ≤ spoken for ≤ paid for every payment, and on top at most what binds."""
    file = mall.store.order("m1", "o9")
    for payment in file.ledger.payments:
        out = sum(mall.registry.channel(payment.channel).truth.values())
        spoken = sum(e.minor for e in file.ledger.open_entries() if e.payment_id == payment.payment_id)
        assert out <= spoken <= payment.minor
    extra = sum(e.minor for e in file.ledger.open_entries(Payout.COMPENSATION))
    assert sum(mall.registry.channel("balance").truth.values()) <= extra <= sold.bound


@settings(max_examples=80, deadline=None, derandomize=True, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow])
@given(sold=sales(), did=st.lists(DID | CLAIMS, max_size=9), answers=ANSWERS)
def test_nothing_goes_back_beyond_what_was_paid_nor_on_top_beyond_what_binds(
    sold: Sold, did: list[Any], answers: list[Outcome]
) -> None:
    """After each step, and once everything has come to rest; then what the ledger promised has arrived, once."""
    mall = Mall()
    for name in ("alipay", "balance"):
        mall.registry.put(f"channel:{name}", FakeChannel().then(*answers))
    mall.channel.then(*answers)
    mall.push(sold.order(whole=False))
    for what in did:
        do(mall, sold, what)
        holds(mall, sold)
    for _ in range(60):
        mall.wait(hours=12)
    holds(mall, sold)
    ledger = mall.store.order("m1", "o9").ledger
    promised = sum(e.minor for e in ledger.open_entries(Payout.REFUND, Payout.COMPENSATION))
    arrived = sum(sum(mall.registry.channel(name).truth.values()) for name in ("wechatpay", "alipay", "balance"))
    assert ledger.settled.minor == promised == arrived
