"""A presale over real HTTP, with silence: nobody ships, and the money comes back by itself with the deposit once more."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from aftersales.deadline import end_of_days
from functions import sweep
from infra.local.client import Client, Refused
from infra.local.system import System
from plugins.balance_refund.account import BalanceRefunds
from tests.e2e import local

pytestmark = pytest.mark.e2e
system = local.system

DOWN, REST = 3_000, 12_000
DATA = {"deposit_minor": DOWN, "deposit_kind": "dingjin", "deposit_payment": "p1", "price_minor": DOWN + REST}
ASKED = {"kind": "refund_only", "reason": "changed_mind", "items": [{"line_id": "l1", "pieces": 1}], "submit": True}


@dataclass
class Sale:
    """One presale order of buyer ``buyer`` at shop m1, and the mall's backend that pushes it."""

    system: System
    mall: Client
    order_id: str
    buyer: str

    def push(self, *paid: int) -> None:
        """The snapshot at what was paid so far, each payment on record at the provider."""
        now, payments = self.system.now(), []
        for n, minor in enumerate(paid, 1):
            number = self.number(n)
            self.system.pay(number, minor, now)
            said = {"payment_id": f"p{n}", "channel": "wechatpay", "transaction_id": number, "paid_minor": minor}
            payments.append({**said, "paid_at": now.isoformat()})
        line = {"line_id": "l1", "sku": "PS-1", "title": "预售台灯 Lamp, presale", "vertical": "presale", "pieces": 1}
        order = {
            "order_id": self.order_id,
            "merchant": "m1",
            "buyer": {"id": self.buyer, "locale": "en"},
            "currency": "CNY",
            "status": "paid",
            "lines": [{**line, "unit_price_minor": sum(paid), "data": DATA}],
            "payments": payments,
        }
        self.mall.put(f"/orders/{self.order_id}", order)

    def number(self, n: int) -> str:
        """The provider's number of the n-th payment."""
        return f"42000{self.order_id.encode().hex()[:20]:0>20}{n}"

    def tell(self, fact: str, at: datetime | None = None) -> datetime:
        """A fact about the order; gives its instant."""
        at = at or self.system.now()
        self.mall.post(f"/orders/{self.order_id}/facts", {"fact": fact, "at": at.isoformat()})
        return at

    def cases(self) -> list[str]:
        """The ids of its cases."""
        return list(self.mall.get(f"/orders/{self.order_id}")["cases"])

    def executed(self) -> list[int]:
        """What the provider really paid back of each payment, in fen."""
        known = self.system.truth()["payments"]
        return [known[self.number(n)]["executed"] for n in (1, 2) if self.number(n) in known]

    def balance(self) -> int:
        """What the buyer has on the mall's balance, in fen."""
        account = cast("BalanceRefunds", self.system.home.registry().channel("balance"))
        return account.balance("m1", self.buyer).minor


@pytest.fixture
def mall(system: System) -> Iterator[Client]:
    """The mall's backend."""
    with system.client("integrator", "mall") as client:
        yield client


def paid_in_full(system: System, mall: Client, name: str) -> tuple[Sale, datetime]:
    """A sale whose balance was paid just now, and the first instant at which the shop is late."""
    sale = Sale(system, mall, name, f"buyer-{name}")
    sale.push(DOWN)
    sale.push(DOWN, REST)
    paid_at = sale.tell("balance_paid")
    return sale, end_of_days(paid_at, 7, system.home.registry().merchant("m1").zone)


def hours_until(system: System, at: datetime) -> float:
    """How far the clock has to move."""
    return (at - system.now()).total_seconds() / 3600


def closed(sale: Sale) -> dict[str, Any]:
    """The one case of the sale, once everything has arrived."""
    with sale.system.client("buyer", sale.buyer) as buyer:
        (case_id,) = sale.cases()
        return buyer.case_in(case_id, "closed")


def test_silence_refunds_both_payments_and_doubles_the_deposit_once(system: System, mall: Client) -> None:
    """One order is late, one was shipped a minute before; the server's schedule and three further ones run at the same moment."""
    late, end = paid_in_full(system, mall, "ps-late")
    shipped, _ = paid_in_full(system, mall, "ps-shipped")
    system.tick(hours_until(system, end) - 1 / 60)
    assert (late.cases(), late.executed()) == ([], [0, 0])
    shipped.tell("shipped", end - timedelta(minutes=1) - timedelta(seconds=30))

    registries = [system.home.registry() for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        others = [pool.submit(lambda r=r: [sweep.sweep(r).failed for _ in range(20)]) for r in registries]
        moved = system.tick(1 / 60 + 0.01)
        assert not any(sum(other.result()) for other in others)

    case = closed(late)
    system.tick(48)
    assert (case["ending"], case["reason"], case["beyond_minor"]) == ("refunded", "not_shipped_in_time", DOWN)
    assert {r["payout"]: r["state"] for r in case["refunds"]} == {"refund": "settled", "compensation": "settled"}
    assert (late.executed(), late.balance(), len(late.cases())) == ([DOWN, REST], DOWN, 1)
    assert [m.order_id for m in moved if not m.before] == ["ps-late"]
    assert (shipped.cases(), shipped.executed(), shipped.balance()) == ([], [0, 0], 0)


def test_shipping_recorded_while_the_schedule_runs_wins_or_loses_whole(system: System, mall: Client) -> None:
    """The parcel is told in the very moment of the schedule: either no case and no money, or one case and all of it."""
    sales = [paid_in_full(system, mall, f"ps-race-{n}") for n in range(4)]
    system.tick(hours_until(system, sales[0][1]) - 0.005)
    with ThreadPoolExecutor(6) as pool:
        ticking = pool.submit(system.tick, 0.02)
        told = [pool.submit(sale.tell, "shipped", end - timedelta(minutes=1)) for sale, end in sales]
        ticking.result()
        assert all(t.result() for t in told)
    system.tick(0.1)
    for sale, _ in sales:
        if sale.cases():
            assert closed(sale)["ending"] == "refunded"
            assert (sale.executed(), sale.balance()) == ([DOWN, REST], DOWN)
        else:
            assert (sale.executed(), sale.balance()) == ([0, 0], 0)


def test_a_buyer_who_gives_up_leaves_the_deposit(system: System, mall: Client) -> None:
    """Only the deposit was paid: the buyer is told that it is kept, and time changes nothing about it."""
    sale = Sale(system, mall, "ps-breach", "buyer-breach")
    sale.push(DOWN)
    with system.client("buyer", sale.buyer) as buyer, pytest.raises(Refused) as refusal:
        buyer.post("/cases", {"order_id": sale.order_id, **ASKED})
    assert refusal.value.said["details"]["reasons"][0]["code"] == "presale.kept"
    system.tick(24 * 10)
    assert (sale.cases(), sale.executed(), sale.balance()) == ([], [0], 0)


def test_the_mall_calls_it_off_and_the_deposit_comes_back_double(system: System, mall: Client) -> None:
    """Before the balance: told once, and a minute later the deposit is back and once more on the balance."""
    sale = Sale(system, mall, "ps-off", "buyer-off")
    sale.push(DOWN)
    sale.tell("seller_cancelled")
    system.tick(0.05)
    assert closed(sale)["reason"] == "cannot_deliver"
    assert (sale.executed(), sale.balance()) == ([DOWN], DOWN)
